#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define OBJC_EXPORT extern "C"
#else
#define OBJC_EXPORT extern
#endif

typedef struct objc_selector* SEL;
typedef struct objc_class* Class;
#ifndef __OBJC__
typedef struct objc_object {
  Class isa;
} * id;
typedef struct objc_object Protocol;
#endif
typedef bool BOOL;  // as on Apple silicon

OBJC_EXPORT SEL sel_registerName(const char* name);
OBJC_EXPORT Class objc_lookUpClass(const char* name);
OBJC_EXPORT Protocol* objc_getProtocol(const char* name);
OBJC_EXPORT void* objc_autoreleasePoolPush(void);
OBJC_EXPORT void objc_autoreleasePoolPop(void* pool);
