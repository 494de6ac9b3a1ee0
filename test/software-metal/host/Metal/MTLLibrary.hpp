// Kernel libraries, functions with their constants, pipelines.
#pragma once
#include "MTLTypes.hpp"

namespace MTL {

class Device;

class FunctionConstantValues : public NS::Copying<FunctionConstantValues> {
 public:
  static FunctionConstantValues* alloc();
  FunctionConstantValues* init();
  void setConstantValue(const void* value, MTL::DataType type, NS::UInteger index);
  void setConstantValues(const void* values, MTL::DataType type, NS::Range range);
  void setConstantValue(const void* value, MTL::DataType type, const NS::String* name);
  void reset();
};

class CompileOptions : public NS::Copying<CompileOptions> {
 public:
  static CompileOptions* alloc();
  CompileOptions* init();
  void setFastMathEnabled(bool fastMathEnabled);
  void setMathMode(MTL::MathMode mathMode);
  void setLanguageVersion(MTL::LanguageVersion languageVersion);
};

class Function : public NS::Referencing<Function> {
 public:
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Device* device() const;
  NS::String* name() const;
};

class Library : public NS::Referencing<Library> {
 public:
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Device* device() const;
  class Function* newFunction(const NS::String* functionName);
  class Function* newFunction(const NS::String* name, const class FunctionConstantValues* constantValues,
                              NS::Error** error);
  NS::Array* functionNames() const;
};

class ComputePipelineDescriptor : public NS::Copying<ComputePipelineDescriptor> {
 public:
  static ComputePipelineDescriptor* alloc();
  ComputePipelineDescriptor* init();
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Function* computeFunction() const;
  void setComputeFunction(const class Function* computeFunction);
  NS::Array* binaryArchives() const;
  void setBinaryArchives(const NS::Array* binaryArchives);
  void reset();
};

class ComputePipelineReflection;
using AutoreleasedComputePipelineReflection = class ComputePipelineReflection*;

class BinaryArchiveDescriptor : public NS::Copying<BinaryArchiveDescriptor> {
 public:
  static BinaryArchiveDescriptor* alloc();
  BinaryArchiveDescriptor* init();
  NS::URL* url() const;
  void setUrl(const NS::URL* url);
};

class BinaryArchive : public NS::Referencing<BinaryArchive> {
 public:
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Device* device() const;
  bool addComputePipelineFunctions(const class ComputePipelineDescriptor* descriptor, NS::Error** error);
  bool serializeToURL(const NS::URL* url, NS::Error** error);
};

class ComputePipelineState : public NS::Referencing<ComputePipelineState> {
 public:
  NS::String* label() const;
  class Device* device() const;
  NS::UInteger maxTotalThreadsPerThreadgroup() const;
  NS::UInteger threadExecutionWidth() const;
  NS::UInteger staticThreadgroupMemoryLength() const;
};

}  // namespace MTL
