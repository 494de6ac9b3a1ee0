// The MSL types and library as C++ for clang, from the public specification. The pre-pass includes it in every kernel.
#pragma once
#pragma clang system_header
#include "atomics.hpp"
#include "integers.hpp"
#include "math.hpp"
#include "matrices.hpp"
#include "registration.hpp"
#include "simdgroup_matrices.hpp"
#include "simdgroups.hpp"
#include "type_traits.hpp"
#include "vectors.hpp"
#include "words.hpp"
