#pragma once
#include <Foundation/Foundation.h>

@protocol MTLBuffer
@end

@protocol MTLCommandQueue
@end
