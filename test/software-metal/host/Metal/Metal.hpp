// Stands in for metal-cpp's Metal.hpp on Linux: the part of Metal that the backend uses, same names and signatures.
#pragma once
#include <Foundation/Foundation.hpp>

#include "MTLCommandBuffer.hpp"
#include "MTLCommandEncoder.hpp"
#include "MTLDevice.hpp"
#include "MTLLibrary.hpp"
#include "MTLResource.hpp"
#include "MTLTypes.hpp"
