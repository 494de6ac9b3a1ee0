// Errors of the language that Apple's compiler refuses, and so does the syntax build; and text that both accept.

export interface LanguageError {
  readonly text: string;
  readonly message: RegExp;
}

const kernel = (body: string) => `kernel void k(device float* a [[buffer(0)]], device float* b [[buffer(1)]],
  constant float& c [[buffer(2)]], threadgroup float* t [[threadgroup(0)]],
  uint i [[thread_position_in_grid]]) {
  ${body}
}`;

export const correctLanguage = `
struct Shape { uint rows, columns; };
constant float table[4] = {0.25, 0.5, 0.75, 1};
constant bool is_scaled [[function_constant(0)]];
float last(device const float* p, uint n) { return p[n - 1]; }
template <typename T> T twice(thread const T& x) { return x + x; }
${kernel(`threadgroup float mine[32];
  mine[i % 32] = table[i % 4];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float4 v = float4(a[i], 1, 2, 3) * half4(1).x;
  float x = twice(v.x) + last(a, 4) + mine[0] + t[0] + c;
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
  'an atomic operation on a plain number': {
    text: kernel('atomic_fetch_add_explicit(&b[i], 1.0f, memory_order_relaxed);'),
    message: /no matching function/,
  },
};
