// What native/metal/feed_forward_graph.mm uses of MPSGraph.
#pragma once
#include <Metal/Metal.h>

typedef enum : uint32_t { MPSDataTypeFloat16 = 0x10000010 } MPSDataType;
typedef NSArray<NSNumber*> MPSShape;

@class MPSGraphOperation;

@interface MPSGraphTensor : NSObject <NSCopying>
@property(readonly) MPSShape* shape;
@end

@interface MPSGraphTensorData : NSObject
- (instancetype)initWithMTLBuffer:(id<MTLBuffer>)buffer shape:(MPSShape*)shape dataType:(MPSDataType)type;
@end

typedef NSDictionary<MPSGraphTensor*, MPSGraphTensorData*> MPSGraphTensorDataDictionary;

@interface MPSGraph : NSObject
- (MPSGraphTensor*)placeholderWithShape:(MPSShape*)shape dataType:(MPSDataType)type name:(NSString*)name;
- (MPSGraphTensor*)transposeTensor:(MPSGraphTensor*)tensor
                         dimension:(NSUInteger)dimension
                     withDimension:(NSUInteger)other
                              name:(NSString*)name;
- (MPSGraphTensor*)matrixMultiplicationWithPrimaryTensor:(MPSGraphTensor*)a
                                         secondaryTensor:(MPSGraphTensor*)b
                                                    name:(NSString*)name;
- (MPSGraphTensor*)multiplicationWithPrimaryTensor:(MPSGraphTensor*)a
                                   secondaryTensor:(MPSGraphTensor*)b
                                              name:(NSString*)name;
- (MPSGraphTensor*)sigmoidWithTensor:(MPSGraphTensor*)tensor name:(NSString*)name;
- (void)runWithMTLCommandQueue:(id<MTLCommandQueue>)queue
                         feeds:(MPSGraphTensorDataDictionary*)feeds
              targetOperations:(NSArray<MPSGraphOperation*>*)operations
             resultsDictionary:(MPSGraphTensorDataDictionary*)results;
@end
