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

class ComputePipelineState : public NS::Referencing<ComputePipelineState> {
 public:
  NS::String* label() const;
  class Device* device() const;
  NS::UInteger maxTotalThreadsPerThreadgroup() const;
  NS::UInteger threadExecutionWidth() const;
  NS::UInteger staticThreadgroupMemoryLength() const;
};

}  // namespace MTL
