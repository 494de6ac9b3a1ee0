// What metal-cpp uses of CoreFoundation.
#pragma once
#include <dispatch/dispatch.h>
#include <math.h>
#include <stdint.h>

typedef double CFTimeInterval;
typedef double CGFloat;
