// Fibers: stacks with lazily committed pages, and a switch of the registers that the calling convention preserves.
#include "fiber.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "context.hpp"

#if defined(__x86_64__)
asm(R"(.text
.globl software_metal_switch
.type software_metal_switch,@function
software_metal_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx
)");
#else
#error "software Metal has the register switch of x86-64 only"
#endif

namespace software_metal {

uint8_t* take_stack(Context& c) {
  if (c.free_stacks.empty()) {
    constexpr size_t kSpread = 8192;
    void* memory = mmap(nullptr, kStackBytes + kSpread, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) abort();
    // Different offsets: the stacks of 1024 threads would otherwise share one set of the cache.
    static std::atomic<unsigned> count{0};
    c.free_stacks.push_back(static_cast<uint8_t*>(memory) + count++ * 320 % kSpread / 64 * 64);
  }
  uint8_t* stack = c.free_stacks.back();
  c.free_stacks.pop_back();
  return stack;
}

void* prepare_stack(uint8_t* stack, void (*main)()) {
  constexpr int kSavedRegisters = 6;
  auto* top = reinterpret_cast<void**>(stack + kStackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(main);
  top -= kSavedRegisters;
  memset(top, 0, kSavedRegisters * sizeof(void*));
  return top;
}

}  // namespace software_metal
