// The public functions: checks, then the text of the chosen instruction set. Those of distributions are in
// entry_distributions.cpp.
#include <algorithm>

#include "kernels/dispatch.hpp"
#include "kernels/error.hpp"
#include "kernels/overlap.hpp"

namespace baton::kernels {

void check_gemm(Transpose ta, Transpose tb, int m, int n, int k, int lda, int ldb, int ldc) {
  BATON_REQUIRE(m >= 0 && n >= 0 && k >= 0, "gemm: negative size (m {}, n {}, k {})", m, n, k);
  const int a_row = ta == Transpose::kYes ? m : k, b_row = tb == Transpose::kYes ? k : n;
  BATON_REQUIRE(lda >= a_row, "gemm: rows of A hold {} numbers, lda {} is shorter", a_row, lda);
  BATON_REQUIRE(ldb >= b_row, "gemm: rows of B hold {} numbers, ldb {} is shorter", b_row, ldb);
  BATON_REQUIRE(ldc >= n, "gemm: rows of C hold {} numbers, ldc {} is shorter", n, ldc);
}

namespace {

// Sizes, and that C lies apart from A and B.
template <class T>
void check_operands(Transpose ta, Transpose tb, int m, int n, int k, const T* a, int lda, const T* b, int ldb,
                    const T* c, int ldc) {
  check_gemm(ta, tb, m, n, k, lda, ldb, ldc);
  if (ldc != n) return;  // not whole rows: blocks of wider arrays may lie between each other
  const int a_rows = ta == Transpose::kYes ? k : m, a_width = ta == Transpose::kYes ? m : k;
  const int b_rows = tb == Transpose::kYes ? n : k, b_width = tb == Transpose::kYes ? k : n;
  const Range<T> out = {"C", c, std::int64_t{m} * n};
  if (lda == a_width) require_apart<T>("gemm", out, {{"A", a, std::int64_t{a_rows} * lda}});
  if (ldb == b_width) require_apart<T>("gemm", out, {{"B", b, std::int64_t{b_rows} * ldb}});
}

// The same with B packed into `size` numbers.
template <class T>
void check_packed(Transpose ta, int m, int n, int k, const T* a, int lda, const T* packed, std::int64_t size,
                  const T* c, int ldc) {
  check_operands<T>(ta, Transpose::kNo, m, n, k, a, lda, nullptr, n, c, ldc);
  if (ldc == n) require_apart<T>("gemm", {"C", c, std::int64_t{m} * n}, {{"packed", packed, size}});
}

// That `other` lies apart from the rows of a table that `index` names. Rows are looked at one by one only where it
// lies among them.
template <class T>
void check_rows(const char* kernel, const Range<T>& other, const T* rows, std::int64_t stride,
                std::int64_t cols, std::int64_t n, const std::int32_t* index) {
  if (n <= 0) return;
  std::int32_t low = index[0], high = index[0];
  for (std::int64_t i = 1; i < n; ++i) {
    low = std::min(low, index[i]);
    high = std::max(high, index[i]);
  }
  const std::int64_t span = std::int64_t{high} - low;
  if (!overlaps(other, {"rows", rows + low * stride, span * stride + cols})) return;
  for (std::int64_t i = 0; i < n; ++i)
    require_apart<T>(kernel, other, {{"a row of the table", rows + index[i] * stride, cols}});
}

// An operand of step 0 is one number, which must outlive the writing of the result.
template <class T>
void check_operand(const char* kernel, const Range<T>& out, const char* name, const T* operand, int step) {
  if (step != 0) require_same_or_apart<T>(kernel, out, {{name, operand, out.n}});
  if (step == 0) require_apart<T>(kernel, out, {{name, operand, 1}});
}

}  // namespace

const char* unary_name(Unary op) {
  constexpr const char* kNames[kUnaryCount] = {"identity", "tanh",     "relu",    "elu", "gelu",
                                               "silu",     "softplus", "sigmoid", "exp", "log",
                                               "square",   "sqrt",     "negate"};
  return kNames[static_cast<int>(op)];
}

const char* binary_name(Binary op) {
  constexpr const char* kNames[kBinaryCount] = {"add", "sub", "mul", "div", "minimum", "maximum", "less"};
  return kNames[static_cast<int>(op)];
}

bool derivative_needs_input(Unary op) {
  return op == Unary::kGelu || op == Unary::kSilu || op == Unary::kLog || op == Unary::kSquare;
}

template <class T>
void gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a, int lda,
          const T* b, int ldb, T beta, T* c, int ldc) {
  check_operands(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
  table<T>().gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
template <class T>
void bulk_gemm(Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a,
               int lda, const T* b, int ldb, T beta, T* c, int ldc) {
  check_operands(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc);
  table<T>().bulk_gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
template <class T>
void pack(Transpose transpose_b, int n, int k, const T* b, int ldb, T* packed) {
  check_gemm(Transpose::kNo, transpose_b, 0, n, k, k, ldb, n);
  table<T>().pack(transpose_b, n, k, b, ldb, packed);
}
template <class T>
void gemm_packed(Transpose transpose_a, int m, int n, int k, T alpha, const T* a, int lda, const T* packed,
                 T beta, T* c, int ldc) {
  check_packed(transpose_a, m, n, k, a, lda, packed, packed_size(n, k), c, ldc);
  table<T>().gemm_packed(transpose_a, m, n, k, alpha, a, lda, packed, beta, c, ldc);
}
template <class T>
void bulk_pack(Transpose transpose_b, int n, int k, const T* b, int ldb, T* packed) {
  check_gemm(Transpose::kNo, transpose_b, 0, n, k, k, ldb, n);
  table<T>().bulk_pack(transpose_b, n, k, b, ldb, packed);
}
template <class T>
void bulk_gemm_packed(Transpose transpose_a, int m, int n, int k, T alpha, const T* a, int lda,
                      const T* packed, T beta, T* c, int ldc) {
  check_packed(transpose_a, m, n, k, a, lda, packed, bulk_packed_size(n, k), c, ldc);
  table<T>().bulk_gemm_packed(transpose_a, m, n, k, alpha, a, lda, packed, beta, c, ldc);
}
template <class T>
void transpose(int rows, int cols, const T* in, T* out) {
  const std::int64_t n = std::int64_t{rows} * cols;
  require_apart<T>("transpose", {"out", out, n}, {{"in", in, n}});
  table<T>().transpose(rows, cols, in, out);
}
template <class T>
void unary(Unary op, std::int64_t n, const T* x, T* y) {
  require_same_or_apart<T>(unary_name(op), {"y", y, n}, {{"x", x, n}});
  table<T>().unary(op, n, x, y);
}
template <class T>
void unary_derivative(Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out, bool accumulate) {
  require_same_or_apart<T>(unary_name(op), {"out", out, n}, {{"x", x, n}, {"y", y, n}, {"g", g, n}});
  table<T>().unary_derivative(op, n, x, y, g, out, accumulate);
}
template <class T>
void bias_unary(Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z) {
  const Range<T> all = {"x", x, rows * cols};
  require_apart<T>("bias_unary", all, {{"bias", bias, cols}});
  require_apart<T>("bias_unary", {"z", z, rows * cols}, {all, {"bias", bias, cols}});
  table<T>().bias_unary(op, rows, cols, bias, x, z);
}
template <class T>
void binary(Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step, T* out) {
  const Range<T> result = {"out", out, n};
  check_operand<T>(binary_name(op), result, "a", a, a_step);
  check_operand<T>(binary_name(op), result, "b", b, b_step);
  table<T>().binary(op, n, a, a_step, b, b_step, out);
}
template <class T>
void where(std::int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b, int b_step, T* out) {
  const Range<T> result = {"out", out, n};
  check_operand<T>("where", result, "c", c, c_step);
  check_operand<T>("where", result, "a", a, a_step);
  check_operand<T>("where", result, "b", b, b_step);
  table<T>().where(n, c, c_step, a, a_step, b, b_step, out);
}
template <class T>
void clamp(std::int64_t n, T low, T high, const T* x, T* y) {
  require_same_or_apart<T>("clamp", {"y", y, n}, {{"x", x, n}});
  table<T>().clamp(n, low, high, x, y);
}
template <class T>
void clamp_derivative(std::int64_t n, T low, T high, const T* x, const T* g, T* out, bool accumulate) {
  require_same_or_apart<T>("clamp_derivative", {"out", out, n}, {{"x", x, n}, {"g", g, n}});
  table<T>().clamp_derivative(n, low, high, x, g, out, accumulate);
}
template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  require_same_or_apart<T>("axpy", {"y", y, n}, {{"x", x, n}});
  table<T>().axpy(n, alpha, x, y);
}
template <class T>
void multiply_add(std::int64_t n, const T* a, const T* b, T* out) {
  require_same_or_apart<T>("multiply_add", {"out", out, n}, {{"a", a, n}, {"b", b, n}});
  table<T>().multiply_add(n, a, b, out);
}
template <class T>
void scale_columns(std::int64_t rows, int cols, const T* scale, T* x) {
  require_same_or_apart<T>("scale_columns", {"x", x, rows * cols}, {{"scale", scale, cols}});
  table<T>().scale_columns(rows, cols, scale, x);
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
  require_apart<T>("sum_axis", {"y", y, outer * inner}, {{"x", x, outer * n * inner}});
  table<T>().sum_axis(outer, n, inner, scale, x, y, accumulate);
}
template <class T>
void max_axis(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y, std::int32_t* index) {
  require_apart<T>("max_axis", {"y", y, outer * inner}, {{"x", x, outer * n * inner}});
  table<T>().max_axis(outer, n, inner, x, y, index);
}
template <class T>
std::int64_t first_not_finite(std::int64_t n, const T* x) {
  return table<T>().first_not_finite(n, x);
}
template <class T>
void gather_rows(std::int64_t n, std::int64_t cols, const T* source, const std::int32_t* index, T* out) {
  check_rows<T>("gather_rows", {"out", out, n * cols}, source, cols, cols, n, index);
  table<T>().gather_strided_rows(n, cols, source, cols, index, out);
}
template <class T>
void gather_strided_rows(std::int64_t n, std::int64_t cols, const T* source, std::int64_t stride,
                         const std::int32_t* index, T* out) {
  BATON_REQUIRE(stride >= cols, "gather_strided_rows: rows of {} numbers, stride {} is shorter", cols,
                stride);
  check_rows<T>("gather_strided_rows", {"out", out, n * cols}, source, stride, cols, n, index);
  table<T>().gather_strided_rows(n, cols, source, stride, index, out);
}
template <class T>
void scatter_add_rows(std::int64_t n, std::int64_t cols, const T* rows, const std::int32_t* index,
                      T* target) {
  check_rows<T>("scatter_add_rows", {"rows", rows, n * cols}, target, cols, cols, n, index);
  table<T>().scatter_add_rows(n, cols, rows, index, target);
}
template <class T>
void gather_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                  const std::int32_t* index, T* y) {
  require_apart<T>("gather_along", {"y", y, outer * inner}, {{"x", x, outer * n * inner}});
  table<T>().gather_along(outer, n, inner, x, index, y);
}
template <class T>
void scatter_add_along(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                       const std::int32_t* index, T* x) {
  require_apart<T>("scatter_add_along", {"x", x, outer * n * inner}, {{"y", y, outer * inner}});
  table<T>().scatter_add_along(outer, n, inner, y, index, x);
}
template <class T>
void layer_norm(std::int64_t rows, int dim, T epsilon, const T* x, const T* gain, const T* bias, T* y,
                T* mean, T* inverse) {
  const std::int64_t n = rows * dim;
  require_same_or_apart<T>("layer_norm", {"y", y, n}, {{"x", x, n}});
  require_apart<T>("layer_norm", {"y", y, n}, {{"gain", gain, dim}, {"bias", bias, dim}});
  table<T>().layer_norm(rows, dim, epsilon, x, gain, bias, y, mean, inverse);
}
template <class T>
void layer_norm_vjp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* u, T* d_x, T* d_gain, T* d_bias) {
  const std::int64_t n = rows * dim;
  require_same_or_apart<T>("layer_norm_vjp", {"d_x", d_x, n}, {{"x", x, n}, {"u", u, n}});
  table<T>().layer_norm_vjp(rows, dim, x, gain, mean, inverse, u, d_x, d_gain, d_bias);
}
template <class T>
void layer_norm_jvp(std::int64_t rows, int dim, const T* x, const T* gain, const T* mean, const T* inverse,
                    const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot) {
  const std::int64_t n = rows * dim;
  require_same_or_apart<T>("layer_norm_jvp", {"y_dot", y_dot, n}, {{"x", x, n}, {"x_dot", x_dot, n}});
  table<T>().layer_norm_jvp(rows, dim, x, gain, mean, inverse, x_dot, gain_dot, bias_dot, y_dot);
}
template <class T>
void adam(std::int64_t n, const AdamStep<T>& step, const T* gradient, T* theta, T* m, T* v) {
  const Range<T> grad = {"gradient", gradient, n}, first = {"m", m, n}, second = {"v", v, n};
  require_apart<T>("adam", {"theta", theta, n}, {grad, first, second});
  require_apart<T>("adam", first, {grad, second});
  require_apart<T>("adam", second, {grad});
  table<T>().adam(n, step, gradient, theta, m, v);
}
template <class T>
void sgd(std::int64_t n, const SgdStep<T>& step, const T* gradient, T* theta, T* m) {
  const Range<T> grad = {"gradient", gradient, n}, first = {"m", m, n};
  require_apart<T>("sgd", {"theta", theta, n}, {grad, first});
  require_apart<T>("sgd", first, {grad});
  table<T>().sgd(n, step, gradient, theta, m);
}

#define BATON_INSTANTIATE(T)                                                                                 \
  template void gemm(Transpose, Transpose, int, int, int, T, const T*, int, const T*, int, T, T*, int);      \
  template void pack(Transpose, int, int, const T*, int, T*);                                                \
  template void gemm_packed(Transpose, int, int, int, T, const T*, int, const T*, T, T*, int);               \
  template void bulk_gemm(Transpose, Transpose, int, int, int, T, const T*, int, const T*, int, T, T*, int); \
  template void bulk_pack(Transpose, int, int, const T*, int, T*);                                           \
  template void bulk_gemm_packed(Transpose, int, int, int, T, const T*, int, const T*, T, T*, int);          \
  template void transpose(int, int, const T*, T*);                                                           \
  template void unary(Unary, std::int64_t, const T*, T*);                                                    \
  template void unary_derivative(Unary, std::int64_t, const T*, const T*, const T*, T*, bool);               \
  template void bias_unary(Unary, std::int64_t, int, const T*, T*, T*);                                      \
  template void binary(Binary, std::int64_t, const T*, int, const T*, int, T*);                              \
  template void where(std::int64_t, const T*, int, const T*, int, const T*, int, T*);                        \
  template void clamp(std::int64_t, T, T, const T*, T*);                                                     \
  template void clamp_derivative(std::int64_t, T, T, const T*, const T*, T*, bool);                          \
  template void axpy(std::int64_t, T, const T*, T*);                                                         \
  template void multiply_add(std::int64_t, const T*, const T*, T*);                                          \
  template void scale_columns(std::int64_t, int, const T*, T*);                                              \
  template double sum(std::int64_t, const T*);                                                               \
  template double dot(std::int64_t, const T*, const T*);                                                     \
  template void sum_axis(std::int64_t, std::int64_t, std::int64_t, T, const T*, T*, bool);                   \
  template void max_axis(std::int64_t, std::int64_t, std::int64_t, const T*, T*, std::int32_t*);             \
  template std::int64_t first_not_finite(std::int64_t, const T*);                                            \
  template void gather_rows(std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);                  \
  template void gather_strided_rows(std::int64_t, std::int64_t, const T*, std::int64_t, const std::int32_t*, \
                                    T*);                                                                     \
  template void scatter_add_rows(std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);             \
  template void gather_along(std::int64_t, std::int64_t, std::int64_t, const T*, const std::int32_t*, T*);   \
  template void scatter_add_along(std::int64_t, std::int64_t, std::int64_t, const T*, const std::int32_t*,   \
                                  T*);                                                                       \
  template void layer_norm(std::int64_t, int, T, const T*, const T*, const T*, T*, T*, T*);                  \
  template void layer_norm_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*, T*, T*,  \
                               T*);                                                                          \
  template void layer_norm_jvp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*,          \
                               const T*, const T*, T*);                                                      \
  template void adam(std::int64_t, const AdamStep<T>&, const T*, T*, T*, T*);                                \
  template void sgd(std::int64_t, const SgdStep<T>&, const T*, T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

void fill_u64(std::uint64_t seed, std::uint64_t stream, std::uint64_t first, std::int64_t n,
              std::uint64_t* out) {
  BATON_REQUIRE(n >= 0, "fill_u64: {} numbers", n);
  table<float>().fill_u64(seed, stream, first, n, out);
}

}  // namespace baton::kernels
