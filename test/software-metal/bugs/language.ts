// Errors of the language that Apple's compiler refuses, and so does the syntax build; and text that both accept.
import type { Language } from '../run.js';

export interface LanguageError {
  readonly text: string;
  readonly message: RegExp;
  /** MSL 3.1 where it does not matter. */
  readonly language?: Language;
}

const kernel = (body: string) => `kernel void k(device float* a [[buffer(0)]], device float* b [[buffer(1)]],
  constant float& c [[buffer(2)]], threadgroup float* t [[threadgroup(0)]],
  uint i [[thread_position_in_grid]]) {
  ${body}
}`;

export const correctLanguage = `
struct Shape { uint rows, columns; };
struct Span {
  static constexpr constant uint SIDE = 8;
  uint begin = 0, end{4};
  Span() = default;
  Span(uint first, uint last) thread : begin{first}, end(max(first, last)) {}
  uint operator()(uint i) const thread { return begin + i; }
  bool operator<(thread const Span& other) const thread { return begin < other.begin; }
  static uint side() { return SIDE; }
};
constexpr uint doubled(uint n) { return 2 * n; }
constexpr constant uint WIDTH = 32, BYTES = 32768 - 128;
constant float table[4] = {0.25, 0.5, 0.75, 1};
constant bool is_scaled [[function_constant(0)]];
float last(device const float* p, uint n) { return p[n - 1]; }
template <typename T> T twice(thread const T& x) { return x + x; }
float halved(float x) { return x / 2; }
half halved(half x) { return half(halved(float(x))); }
${kernel(`threadgroup float mine[WIDTH];
  threadgroup uchar others[BYTES];
  static constant uint firsts[2] = {3, 4};
  const uint sums[2] = {doubled(WIDTH), Span(1, 2)(i)};
  others[0] = uchar(max(sums[0], 3u) + firsts[i % 2] + Span::side());
  mine[i % 32] = table[i % 4];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float4 v = float4(a[i], 1, 2, 3) * half4(1).x;
  v = clamp(max(v, 0.25), 0.5, float4(2)) + min(half(c), 1.0h) + pow(v.x, 2);
  ushort n = ushort(i);
  n = min(max(n, ushort(2)), ushort(5)) + abs(int(n));
  float x = twice(v.x) + halved(float(n)) + last(a, 4) + mine[0] + t[0] + c;
#if __METAL_VERSION__ >= 320
  atomic_thread_fence(mem_flags::mem_device, memory_order_seq_cst, thread_scope_device);
#endif
  b[i] = is_scaled ? x * 0.5 : simd_sum(x);`)}`;

export const languageErrors: Readonly<Record<string, LanguageError>> = {
  double: { text: kernel('double x = 1; b[i] = x;'), message: /MSL has no double/ },
  'the standard library': { text: kernel('b[i] = std::min(a[i], 1.0f);'), message: /MSL has no std::/ },
  new: { text: kernel('thread float* p = new float; b[i] = *p;'), message: /no new/ },
  'a virtual function': {
    text: 'struct S { virtual float f() const { return 1; } };',
    message: /no virtual functions/,
  },
  goto: { text: kernel('if (i > 3) goto end; b[i] = 1; end: return;'), message: /no goto/ },
  'an exception': { text: kernel('if (i > 3) throw 1;'), message: /no exceptions/ },
  'a pointer without address space': {
    text: kernel('float* p = &b[i]; *p = 1;'),
    message: /'p' must name an address space/,
  },
  'a reference parameter without address space': {
    text: 'void f(float& x) { x = 1; }',
    message: /'x' must name an address space/,
  },
  'a device pointer as one of threadgroup memory': {
    text: kernel('threadgroup float* p = a; b[i] = p[i];'),
    message: /'threadgroup float \*' with an lvalue of type 'device float \*'/,
  },
  'a threadgroup pointer for a device parameter': {
    text: `float first(device const float* p) { return p[0]; }\n${kernel('b[i] = first(t);')}`,
    message: /no matching function|address space/,
  },
  'a write to constant memory': { text: kernel('c = 1; b[i] = c;'), message: /read-only|const/ },
  'a threadgroup variable with an initialiser': {
    text: kernel('threadgroup float x = 1; b[i] = x;'),
    message: /threadgroup variables cannot have initialisers/,
  },
  'a kernel that returns a value': {
    text: 'kernel float k(device float* a [[buffer(0)]]) { return a[0]; }',
    message: /a kernel returns void/,
  },
  'a kernel parameter without attribute': {
    text: 'kernel void k(device float* a [[buffer(0)]], uint n) { a[0] = n; }',
    message: /parameter 'uint n' has no attribute/,
  },
  'a kernel parameter with an unknown attribute': {
    text: 'kernel void k(device float* a [[buffer(0)]], uint i [[thread_position]]) { a[i] = 1; }',
    message: /\[\[thread_position\]\] is not supported/,
  },
  'a buffer that is neither device nor constant': {
    text: 'kernel void k(threadgroup float* a [[buffer(0)]]) { a[0] = 1; }',
    message: /buffer parameter without device or constant/,
  },
  'host_name on a function that is not a kernel': {
    text: '[[host_name("f")]] float f() { return 1; }',
    message: /host_name on something that is not a kernel/,
  },
  'a vector of too few elements': {
    text: kernel('float4 v = float4(a[i], 1, 2); b[i] = v.x;'),
    message: /wrong number of elements/,
  },
  'a vector of another type': {
    text: kernel('half4 h = half4(1); float4 v = h; b[i] = v.x;'),
    message: /half4|cannot initialize/,
  },
  'a function without a return': {
    text: 'float f(float x) { if (x > 0) return 1; }',
    message: /return a value in all control paths|return-type/,
  },
  'a variable that is not initialised': { text: kernel('float x; b[i] = x;'), message: /uninitialized/ },
  'an array of variable length': { text: kernel('float x[i + 1]; x[0] = 1; b[i] = x[0];'), message: /variable length/ },
  'a matrix of halves from floats': {
    text: kernel('simdgroup_half8x8 m; simdgroup_load(m, a, 8); b[i] = m.thread_elements().x;'),
    message: /simdgroup_load|static assertion/,
  },
  'if constexpr, which is C++17': {
    text: 'template <int N> float f() { if constexpr (N > 1) { return 1; } else { return 2; } }',
    message: /C\+\+17/,
  },
  'the smaller of numbers of different types': {
    text: kernel('b[i] = min(i, 3);'),
    message: /min is ambiguous/,
  },
  'the larger of a half and a float': {
    text: kernel('b[i] = max(half(c), a[i]);'),
    message: /max is ambiguous/,
  },
  'clamp with whole numbers as limits of a float': {
    text: kernel('b[i] = clamp(a[i], -1, 1);'),
    message: /clamp is ambiguous/,
  },
  'a member function without address space': {
    text: 'struct S { uint x; uint f() const { return x; } };',
    message: /member function 'f' must name the address space/,
  },
  'an operator without address space': {
    text: 'template <class T> struct S { T x; T operator()(uint i) const { return x; } };',
    message: /must name the address space of its object/,
  },
  'a constructor without address space': {
    text: 'struct S { uint x; S(uint n) : x(n) {} };',
    message: /member function 'S' must name the address space/,
  },
  'a lambda': {
    text: kernel('const auto f = [&](uint n) { return a[n]; }; b[i] = f(i);'),
    message: /no lambdas/,
  },
  'a static variable in a function': {
    text: 'uint next() { static uint count = 0; return count; }',
    message: /a static variable in a function/,
  },
  'a static variable in a member function': {
    text: 'struct S { uint x; uint next() thread { static uint count = 0; return count; } };',
    message: /a static variable in a function/,
  },
  'a static member that is not constant': {
    text: 'struct S { static constexpr uint SIDE = 8; };',
    message: /a static member that is not constant/,
  },
  'a threadgroup variable in a function that is no kernel': {
    text: 'float f(uint i) { threadgroup float x[32]; return x[i]; }',
    message: /threadgroup variables are for kernels/,
  },
  'a constexpr at program scope that is not constant': {
    text: 'constexpr uint WIDTH = 32;',
    message: /a variable at program scope that is not constant/,
  },
  'a constexpr in a namespace that is not constant': {
    text: 'namespace sizes { static constexpr uint WIDTH{32}; }',
    message: /a variable at program scope that is not constant/,
  },
  'more than 32 KiB of threadgroup memory': {
    text: kernel('threadgroup float x[8192]; threadgroup uint n; n = i; x[i] = n; b[i] = x[i];'),
    message: /more than 32768 bytes of threadgroup memory/,
  },
  'a function that calls itself': {
    text: 'uint f(uint n) { return n > 1 ? n * f(n - 1) : 1; }',
    message: /'f' calls itself/,
  },
  'functions that call each other': {
    text: 'uint g(uint n); uint f(uint n) { return g(n - 1); } uint g(uint n) { return n ? f(n) : 0; }',
    message: /'[fg]' calls itself/,
  },
  'what only a later version of the language has': {
    text: '#if __METAL_VERSION__ < 320\n#error MSL 3.1\n#endif',
    message: /MSL 3\.1/,
  },
  'a fence before MSL 3.2': {
    text: kernel('atomic_thread_fence(mem_flags::mem_device, memory_order_seq_cst, thread_scope_device);'),
    message: /undeclared identifier 'memory_order_seq_cst'/,
  },
  'an atomic operation that is not relaxed': {
    text: kernel('atomic_fetch_add_explicit((device atomic_uint*)a, 1, memory_order_seq_cst);'),
    message: /no matching function/,
    language: 'metal3.2',
  },
  'an atomic operation on a plain number': {
    text: kernel('atomic_fetch_add_explicit(&b[i], 1.0f, memory_order_relaxed);'),
    message: /no matching function/,
  },
};
