#include "kernels/dispatch.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "kernels/error.hpp"

namespace baton::kernels {

#define BATON_DECLARE_ISA(isa)                              \
  namespace isa {                                           \
  void fill_adam(Table<float>& f, Table<double>& d);        \
  void fill_elementwise(Table<float>& f, Table<double>& d); \
  void fill_gather(Table<float>& f, Table<double>& d);      \
  void fill_gaussian(Table<float>& f, Table<double>& d);    \
  void fill_gemm(Table<float>& f, Table<double>& d);        \
  void fill_reduce(Table<float>& f, Table<double>& d);      \
  }
BATON_DECLARE_ISA(base)
#ifdef BATON_X86
BATON_DECLARE_ISA(avx2)
BATON_DECLARE_ISA(avx512)
#endif
#undef BATON_DECLARE_ISA

namespace {

struct Tables {
  Table<float> f;
  Table<double> d;
};

#define BATON_FILL_ISA(isa)          \
  [](Tables& t) {                    \
    isa::fill_adam(t.f, t.d);        \
    isa::fill_elementwise(t.f, t.d); \
    isa::fill_gather(t.f, t.d);      \
    isa::fill_gaussian(t.f, t.d);    \
    isa::fill_gemm(t.f, t.d);        \
    isa::fill_reduce(t.f, t.d);      \
  }

struct Isa {
  const char* name;
  void (*fill)(Tables&);
  bool (*available)();
};

constexpr Isa kIsas[] = {
    {"base", BATON_FILL_ISA(base), [] { return true; }},
#ifdef BATON_X86
    {"avx2", BATON_FILL_ISA(avx2),
     [] { return bool(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")); }},
    {"avx512", BATON_FILL_ISA(avx512),
     [] {
       return bool(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"));
     }},
#endif
};
constexpr int kIsaCount = static_cast<int>(sizeof(kIsas) / sizeof(kIsas[0]));

struct Choice {
  Tables tables;
  int isa = 0;
  void set(int wanted) {
    kIsas[wanted].fill(tables);
    isa = wanted;
  }
};

int first_choice() {
  const char* forced = std::getenv("BATON_ISA");
  if (forced != nullptr && *forced != '\0') {
    for (int i = 0; i < kIsaCount; ++i) {
      if (std::strcmp(forced, kIsas[i].name) != 0) continue;
      BATON_REQUIRE(kIsas[i].available(), "BATON_ISA={}: this processor lacks it", forced);
      return i;
    }
    fail("BATON_ISA={}: unknown instruction set, known are base, avx2, avx512", forced);
  }
  int best = 0;
  for (int i = 0; i < kIsaCount; ++i) {
    if (kIsas[i].available()) best = i;
  }
  return best;
}

Choice& choice() {
  static Choice instance = [] {
    Choice made;
    made.set(first_choice());
    return made;
  }();
  return instance;
}

template <class T>
void check_gemm(Transpose ta, Transpose tb, int m, int n, int k, int lda, int ldb, int ldc) {
  BATON_REQUIRE(m >= 0 && n >= 0 && k >= 0, "gemm: negative size (m {}, n {}, k {})", m, n, k);
  const int a_row = ta == Transpose::kYes ? m : k, b_row = tb == Transpose::kYes ? k : n;
  BATON_REQUIRE(lda >= a_row, "gemm: rows of A hold {} numbers, lda {} is shorter", a_row, lda);
  BATON_REQUIRE(ldb >= b_row, "gemm: rows of B hold {} numbers, ldb {} is shorter", b_row, ldb);
  BATON_REQUIRE(ldc >= n, "gemm: rows of C hold {} numbers, ldc {} is shorter", n, ldc);
}

}  // namespace

int isa_count() { return kIsaCount; }
const char* isa_name(int isa) { return kIsas[isa].name; }
bool isa_available(int isa) { return kIsas[isa].available(); }
int current_isa() { return choice().isa; }

void set_isa(int isa) {
  BATON_REQUIRE(isa >= 0 && isa < kIsaCount, "set_isa: {} is outside 0..{}", isa, kIsaCount - 1);
  BATON_REQUIRE(isa_available(isa), "set_isa: this processor lacks {}", isa_name(isa));
  choice().set(isa);
}

template <>
const Table<float>& table<float>() {
  return choice().tables.f;
}
template <>
const Table<double>& table<double>() {
  return choice().tables.d;
}

void* thread_buffer(std::int64_t bytes) {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<void, Free> buffer;
  thread_local std::int64_t capacity = 0;
  if (bytes > capacity) {
    const auto rounded = static_cast<std::size_t>((bytes + 63) / 64 * 64);
    buffer.reset(std::aligned_alloc(64, rounded));
    if (buffer == nullptr) throw std::bad_alloc();
    capacity = bytes;
  }
  return buffer.get();
}

const char* unary_name(Unary op) {
  constexpr const char* kNames[kUnaryCount] = {"identity", "tanh",     "relu",    "elu", "gelu",
                                               "silu",     "softplus", "sigmoid", "exp", "log",
                                               "square",   "sqrt",     "negate"};
  return kNames[static_cast<int>(op)];
}

bool derivative_needs_input(Unary op) {
  return op == Unary::kGelu || op == Unary::kSilu || op == Unary::kLog || op == Unary::kSquare;
}

template <class T>
void gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
          const T* b, int ldb, T beta, T* c, int ldc) {
  check_gemm<T>(transpose_a, transpose_b, m, n, k, lda, ldb, ldc);
  table<T>().gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
template <class T>
void transpose(int rows, int cols, const T* in, T* out) {
  table<T>().transpose(rows, cols, in, out);
}
template <class T>
void unary(Unary op, std::int64_t n, const T* x, T* y) {
  table<T>().unary(op, n, x, y);
}
template <class T>
void unary_derivative(Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate) {
  table<T>().unary_derivative(op, n, x, y, g, out, accumulate);
}
template <class T>
void bias_unary(Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z) {
  table<T>().bias_unary(op, rows, cols, bias, x, z);
}
template <class T>
void binary(Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step, T* out) {
  table<T>().binary(op, n, a, a_step, b, b_step, out);
}
template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  table<T>().axpy(n, alpha, x, y);
}
template <class T>
void multiply_add(std::int64_t n, const T* a, const T* b, T* out) {
  table<T>().multiply_add(n, a, b, out);
}
template <class T>
double sum(std::int64_t n, const T* x) {
  return table<T>().sum(n, x);
}
template <class T>
double dot(std::int64_t n, const T* a, const T* b) {
  return table<T>().dot(n, a, b);
}
template <class T>
void sum_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const T* x, T* y,
              bool accumulate) {
  table<T>().sum_axis(outer, n, inner, scale, x, y, accumulate);
}
template <class T>
std::int64_t first_not_finite(std::int64_t n, const T* x) {
  return table<T>().first_not_finite(n, x);
}
template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* source, const std::int32_t* index, T* out) {
  table<T>().gather_rows(n, cols, source, index, out);
}
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index,
                      T* target) {
  table<T>().scatter_add_rows(n, cols, rows, index, target);
}
template <class T>
void gaussian_log_prob(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std, T* out) {
  table<T>().gaussian_log_prob(rows, dim, x, mean, log_std, out);
}
template <class T>
void gaussian_log_prob_vjp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* w, T* d_mean, T* d_log_std) {
  table<T>().gaussian_log_prob_vjp(rows, dim, x, mean, log_std, w, d_mean, d_log_std);
}
template <class T>
void gaussian_kl(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                 const T* log_std_q, T* out) {
  table<T>().gaussian_kl(rows, dim, mean_p, log_std_p, mean_q, log_std_q, out);
}
template <class T>
T gaussian_entropy(int dim, const T* log_std) {
  return table<T>().gaussian_entropy(dim, log_std);
}
template <class T>
void adam(std::int64_t n, const AdamStep<T>& step, const T* gradient, T* theta, T* m, T* v) {
  table<T>().adam(n, step, gradient, theta, m, v);
}

#define BATON_INSTANTIATE(T)                                                                              \
  template void gemm(Transpose, Transpose, int, int, int, T, const T*, int, const T*, int, T, T*, int);   \
  template void transpose(int, int, const T*, T*);                                                        \
  template void unary(Unary, std::int64_t, const T*, T*);                                                 \
  template void unary_derivative(Unary, std::int64_t, const T*, const T*, const T*, T*, bool);            \
  template void bias_unary(Unary, std::int64_t, int, const T*, T*, T*);                                   \
  template void binary(Binary, std::int64_t, const T*, int, const T*, int, T*);                           \
  template void axpy(std::int64_t, T, const T*, T*);                                                      \
  template void multiply_add(std::int64_t, const T*, const T*, T*);                                       \
  template double sum(std::int64_t, const T*);                                                            \
  template double dot(std::int64_t, const T*, const T*);                                                  \
  template void sum_axis(std::int64_t, std::int64_t, std::int64_t, T, const T*, T*, bool);                \
  template std::int64_t first_not_finite(std::int64_t, const T*);                                         \
  template void gather_rows(std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);               \
  template void scatter_add_rows(std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);          \
  template void gaussian_log_prob(std::int64_t, int, const T*, const T*, const T*, T*);                   \
  template void gaussian_log_prob_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, T*, T*); \
  template void gaussian_kl(std::int64_t, int, const T*, const T*, const T*, const T*, T*);               \
  template T gaussian_entropy(int, const T*);                                                             \
  template void adam(std::int64_t, const AdamStep<T>&, const T*, T*, T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels
