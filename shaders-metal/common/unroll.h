// In front of a loop over an array that is to stay in registers.
#define UNROLL _Pragma("clang loop unroll(full)")
