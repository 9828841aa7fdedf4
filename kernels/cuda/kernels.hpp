#pragma once
// The CUDA twins of the kernels. Formulas, shapes and aliasing are those of the contract in kernels/<stem>.hpp.
// What is different: pointers are of device memory; the work is queued on `stream`; what is a scalar result
// there is a number in device memory here, so that no step waits for the host. Sums run in an order that
// depends on the sizes alone: the same bits from run to run, but not those of the CPU. T is float or double.
#include <cstdint>

#include "kernels/adam.hpp"
#include "kernels/cuda/device.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/sgd.hpp"

namespace baton::kernels::cuda {

// elementwise
template <class T>
void unary(Stream& stream, Unary op, std::int64_t n, const T* x, T* y);
template <class T>
void unary_derivative(Stream& stream, Unary op, std::int64_t n, const T* x, const T* y, const T* g, T* out,
                      bool accumulate);
template <class T>
void binary(Stream& stream, Binary op, std::int64_t n, const T* a, int a_step, const T* b, int b_step,
            T* out);
template <class T>
void where(Stream& stream, std::int64_t n, const T* c, int c_step, const T* a, int a_step, const T* b,
           int b_step, T* out);
template <class T>
void clamp(Stream& stream, std::int64_t n, T low, T high, const T* x, T* y);
template <class T>
void clamp_derivative(Stream& stream, std::int64_t n, T low, T high, const T* x, const T* g, T* out,
                      bool accumulate);
template <class T>
void axpy(Stream& stream, std::int64_t n, T alpha, const T* x, T* y);
template <class T>
void multiply_add(Stream& stream, std::int64_t n, const T* a, const T* b, T* out);

// bias + activation, and its backward:  dx[r][c] = g[r][c] f'(z[r][c]) where y = f(z), which may be in g's place;
// d_bias[c] = sum_r dx[r][c], or added. z is read only where derivative_needs_input(op) says so. scratch:
// sum_axis_scratch(1, rows, cols) numbers.
template <class T>
void bias_unary(Stream& stream, Unary op, std::int64_t rows, int cols, const T* bias, T* x, T* z);
template <class T>
void bias_unary_vjp(Stream& stream, Unary op, std::int64_t rows, int cols, const T* z, const T* y, const T* g,
                    T* dx, T* d_bias, bool accumulate, T* scratch);

// reduce. scratch: kReduceScratchBytes; for sum_axis, sum_axis_scratch() numbers.
constexpr int kReduceScratchBytes = 8192;
template <class T>
void sum(Stream& stream, std::int64_t n, const T* x, double* out, void* scratch);
template <class T>
void dot(Stream& stream, std::int64_t n, const T* a, const T* b, double* out, void* scratch);
template <class T>
void first_not_finite(Stream& stream, std::int64_t n, const T* x, std::int64_t* out, void* scratch);
std::int64_t sum_axis_scratch(std::int64_t outer, std::int64_t n, std::int64_t inner);
template <class T>
void sum_axis(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, T scale, const T* x,
              T* y, bool accumulate, T* scratch);
template <class T>
void max_axis(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y,
              std::int32_t* index);

// gather. Scattering gives the bits of ref; n < 2^31. scratch: scatter_add_scratch(n) bytes from a multiple of 8 on.
template <class T>
void gather_rows(Stream& stream, std::int64_t n, std::int64_t cols, const T* table, const std::int32_t* index,
                 T* out);
std::int64_t scatter_add_scratch(std::int64_t n);
template <class T>
void scatter_add_rows(Stream& stream, std::int64_t n, std::int64_t cols, const T* rows,
                      const std::int32_t* index, T* table, void* scratch);
template <class T>
void gather_along(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                  const std::int32_t* index, T* y);
template <class T>
void scatter_add_along(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                       const std::int32_t* index, T* x);

// gaussian. scratch: sum_axis_scratch(1, rows, dim) numbers.
template <class T>
void gaussian_log_prob(Stream& stream, std::int64_t rows, int dim, const T* x, const T* mean,
                       const T* log_std, T* out);
template <class T>
void gaussian_log_prob_vjp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* mean,
                           const T* log_std, const T* w, T* d_mean, T* d_log_std, T* scratch);
template <class T>
void gaussian_kl(Stream& stream, std::int64_t rows, int dim, const T* mean_p, const T* log_std_p,
                 const T* mean_q, const T* log_std_q, T* out);
template <class T>
void gaussian_entropy(Stream& stream, int dim, const T* log_std, T* out);
template <class T>
void gaussian_log_prob_jvp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* mean,
                           const T* log_std, const T* x_dot, const T* mean_dot, const T* log_std_dot, T* out);
template <class T>
void gaussian_kl_vjp(Stream& stream, std::int64_t rows, int dim, const T* mean_p, const T* log_std_p,
                     const T* mean_q, const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p,
                     T* d_log_std_q, T* scratch);
template <class T>
void gaussian_kl_jvp(Stream& stream, std::int64_t rows, int dim, const T* mean_p, const T* log_std_p,
                     const T* mean_q, const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot,
                     const T* mean_q_dot, const T* log_std_q_dot, T* out);

// softmax
template <class T>
void softmax(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);
template <class T>
void softmax_derivative(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                        const T* g, T* out, bool accumulate);
template <class T>
void log_softmax(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);
template <class T>
void log_softmax_vjp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                     const T* u, T* d_x);
template <class T>
void log_softmax_jvp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y,
                     const T* x_dot, T* y_dot);
template <class T>
void log_sum_exp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y);
template <class T>
void log_sum_exp_vjp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                     const T* y, const T* u, T* d_x);
template <class T>
void log_sum_exp_jvp(Stream& stream, std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x,
                     const T* y, const T* x_dot, T* y_dot);

// categorical
template <class T>
void categorical_log_prob(Stream& stream, std::int64_t rows, int n, const T* logits,
                          const std::int32_t* index, T* out);
template <class T>
void categorical_log_prob_vjp(Stream& stream, std::int64_t rows, int n, const T* logits,
                              const std::int32_t* index, const T* w, T* d_logits);
template <class T>
void categorical_kl(Stream& stream, std::int64_t rows, int n, const T* logits_p, const T* logits_q, T* out);
template <class T>
void categorical_kl_vjp(Stream& stream, std::int64_t rows, int n, const T* logits_p, const T* logits_q,
                        const T* w, T* d_p, T* d_q);
template <class T>
void categorical_entropy(Stream& stream, std::int64_t rows, int n, const T* logits, T* out);
template <class T>
void categorical_entropy_vjp(Stream& stream, std::int64_t rows, int n, const T* logits, const T* w,
                             T* d_logits);

// layer_norm. scratch: sum_axis_scratch(1, rows, dim) numbers.
template <class T>
void layer_norm(Stream& stream, std::int64_t rows, int dim, T epsilon, const T* x, const T* gain,
                const T* bias, T* y, T* mean, T* inverse);
template <class T>
void layer_norm_vjp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* gain, const T* mean,
                    const T* inverse, const T* u, T* d_x, T* d_gain, T* d_bias, T* scratch);
template <class T>
void layer_norm_jvp(Stream& stream, std::int64_t rows, int dim, const T* x, const T* gain, const T* mean,
                    const T* inverse, const T* x_dot, const T* gain_dot, const T* bias_dot, T* y_dot);

// adam, sgd. *step is in device memory: a recorded graph reads that of its replay.
template <class T>
void adam(Stream& stream, std::int64_t n, const AdamStep<T>* step, const T* gradient, T* theta, T* m, T* v);
template <class T>
void sgd(Stream& stream, std::int64_t n, const SgdStep<T>* step, const T* gradient, T* theta, T* m);

// rng: out[i] = number `first` + i of a stream of random numbers, with the CPU's bits
void fill_uniform(Stream& stream, std::uint64_t seed, std::uint64_t of_stream, std::uint64_t first,
                  std::int64_t n, float* out);
void fill_normal(Stream& stream, std::uint64_t seed, std::uint64_t of_stream, std::uint64_t first,
                 std::int64_t n, float* out);

// transpose (products: kernels/cuda/gemm.hpp)
template <class T>
void transpose(Stream& stream, int rows, int cols, const T* in, T* out);

}  // namespace baton::kernels::cuda
