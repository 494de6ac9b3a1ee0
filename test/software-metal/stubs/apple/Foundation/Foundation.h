// What native/metal's Objective-C uses of Foundation.
#pragma once
#include <objc/runtime.h>

#define nil nullptr

typedef unsigned long NSUInteger;

@protocol NSCopying
@end

__attribute__((objc_root_class))
@interface NSObject
+ (instancetype)new;
+ (instancetype)alloc;
@end

@interface NSString : NSObject
@end

@interface NSNumber : NSObject
+ (NSNumber*)numberWithUnsignedInt:(unsigned int)value;
@end

@interface NSArray<Item> : NSObject
+ (instancetype)arrayWithObjects:(const id[])objects count:(NSUInteger)count;
@end

@interface NSDictionary<Key, Item> : NSObject
+ (instancetype)dictionaryWithObjects:(const id[])objects forKeys:(const id<NSCopying>[])keys count:(NSUInteger)count;
@end
