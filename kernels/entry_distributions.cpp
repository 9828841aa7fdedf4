// The public functions of Gaussians, categorical distributions and softmax, as in entry.cpp.
#include "kernels/dispatch.hpp"
#include "kernels/overlap.hpp"

namespace baton::kernels {

template <class T>
void gaussian_log_prob(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std, T* out) {
  const std::int64_t n = rows * dim;
  require_apart<T>("gaussian_log_prob", {"out", out, rows},
                   {{"x", x, n}, {"mean", mean, n}, {"log_std", log_std, dim}});
  table<T>().gaussian_log_prob(rows, dim, x, mean, log_std, out);
}
template <class T>
void gaussian_log_prob_vjp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* w, T* d_mean, T* d_log_std) {
  const std::int64_t n = rows * dim;
  const Range<T> by_mean = {"d_mean", d_mean, n}, at_x = {"x", x, n}, at_mean = {"mean", mean, n};
  const Range<T> spread = {"log_std", log_std, dim}, weights = {"w", w, rows};
  require_same_or_apart<T>("gaussian_log_prob_vjp", by_mean, {at_x, at_mean});
  require_apart<T>("gaussian_log_prob_vjp", by_mean, {spread, weights});
  require_apart<T>("gaussian_log_prob_vjp", {"d_log_std", d_log_std, dim},
                   {at_x, at_mean, spread, weights, by_mean});
  table<T>().gaussian_log_prob_vjp(rows, dim, x, mean, log_std, w, d_mean, d_log_std);
}
template <class T>
void gaussian_log_prob_jvp(std::int64_t rows, int dim, const T* x, const T* mean, const T* log_std,
                           const T* x_dot, const T* mean_dot, const T* log_std_dot, T* out) {
  const std::int64_t n = rows * dim;
  require_apart<T>("gaussian_log_prob_jvp", {"out", out, rows},
                   {{"x", x, n},
                    {"mean", mean, n},
                    {"log_std", log_std, dim},
                    {"x_dot", x_dot, n},
                    {"mean_dot", mean_dot, n},
                    {"log_std_dot", log_std_dot, dim}});
  table<T>().gaussian_log_prob_jvp(rows, dim, x, mean, log_std, x_dot, mean_dot, log_std_dot, out);
}
template <class T>
void gaussian_kl(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                 const T* log_std_q, T* out) {
  const std::int64_t n = rows * dim;
  require_apart<T>("gaussian_kl", {"out", out, rows},
                   {{"mean_p", mean_p, n},
                    {"log_std_p", log_std_p, dim},
                    {"mean_q", mean_q, n},
                    {"log_std_q", log_std_q, dim}});
  table<T>().gaussian_kl(rows, dim, mean_p, log_std_p, mean_q, log_std_q, out);
}
template <class T>
void gaussian_kl_vjp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* w, T* d_mean_p, T* d_log_std_p, T* d_log_std_q) {
  const std::int64_t n = rows * dim;
  const Range<T> by_mean = {"d_mean_p", d_mean_p, n}, by_p = {"d_log_std_p", d_log_std_p, dim},
                 by_q = {"d_log_std_q", d_log_std_q, dim};
  for (const Range<T>& out : {by_mean, by_p, by_q}) {
    require_apart<T>("gaussian_kl_vjp", out,
                     {{"mean_p", mean_p, n},
                      {"log_std_p", log_std_p, dim},
                      {"mean_q", mean_q, n},
                      {"log_std_q", log_std_q, dim},
                      {"w", w, rows}});
  }
  require_apart<T>("gaussian_kl_vjp", by_mean, {by_p, by_q});
  require_same_or_apart<T>("gaussian_kl_vjp", by_p, {by_q});
  table<T>().gaussian_kl_vjp(rows, dim, mean_p, log_std_p, mean_q, log_std_q, w, d_mean_p, d_log_std_p,
                             d_log_std_q);
}
template <class T>
void gaussian_kl_jvp(std::int64_t rows, int dim, const T* mean_p, const T* log_std_p, const T* mean_q,
                     const T* log_std_q, const T* mean_p_dot, const T* log_std_p_dot, const T* mean_q_dot,
                     const T* log_std_q_dot, T* out) {
  const std::int64_t n = rows * dim;
  require_apart<T>("gaussian_kl_jvp", {"out", out, rows},
                   {{"mean_p", mean_p, n},
                    {"log_std_p", log_std_p, dim},
                    {"mean_q", mean_q, n},
                    {"log_std_q", log_std_q, dim},
                    {"mean_p_dot", mean_p_dot, n},
                    {"log_std_p_dot", log_std_p_dot, dim},
                    {"mean_q_dot", mean_q_dot, n},
                    {"log_std_q_dot", log_std_q_dot, dim}});
  table<T>().gaussian_kl_jvp(rows, dim, mean_p, log_std_p, mean_q, log_std_q, mean_p_dot, log_std_p_dot,
                             mean_q_dot, log_std_q_dot, out);
}
template <class T>
T gaussian_entropy(int dim, const T* log_std) {
  return table<T>().gaussian_entropy(dim, log_std);
}
template <class T>
void categorical_log_prob(std::int64_t rows, int n, const T* logits, const std::int32_t* index, T* out) {
  require_apart<T>("categorical_log_prob", {"out", out, rows}, {{"logits", logits, rows * n}});
  table<T>().categorical_log_prob(rows, n, logits, index, out);
}
template <class T>
void categorical_log_prob_vjp(std::int64_t rows, int n, const T* logits, const std::int32_t* index,
                              const T* w, T* d_logits) {
  const std::int64_t all = rows * n;
  require_apart<T>("categorical_log_prob_vjp", {"d_logits", d_logits, all},
                   {{"logits", logits, all}, {"w", w, rows}});
  table<T>().categorical_log_prob_vjp(rows, n, logits, index, w, d_logits);
}
template <class T>
void categorical_kl(std::int64_t rows, int n, const T* logits_p, const T* logits_q, T* out) {
  const std::int64_t all = rows * n;
  require_apart<T>("categorical_kl", {"out", out, rows},
                   {{"logits_p", logits_p, all}, {"logits_q", logits_q, all}});
  table<T>().categorical_kl(rows, n, logits_p, logits_q, out);
}
template <class T>
void categorical_kl_vjp(std::int64_t rows, int n, const T* logits_p, const T* logits_q, const T* w, T* d_p,
                        T* d_q) {
  const std::int64_t all = rows * n;
  const Range<T> by_p = {"d_p", d_p, all}, by_q = {"d_q", d_q, all};
  for (const Range<T>& out : {by_p, by_q}) {
    require_apart<T>("categorical_kl_vjp", out,
                     {{"logits_p", logits_p, all}, {"logits_q", logits_q, all}, {"w", w, rows}});
  }
  require_apart<T>("categorical_kl_vjp", by_p, {by_q});
  table<T>().categorical_kl_vjp(rows, n, logits_p, logits_q, w, d_p, d_q);
}
template <class T>
void categorical_entropy(std::int64_t rows, int n, const T* logits, T* out) {
  require_apart<T>("categorical_entropy", {"out", out, rows}, {{"logits", logits, rows * n}});
  table<T>().categorical_entropy(rows, n, logits, out);
}
template <class T>
void categorical_entropy_vjp(std::int64_t rows, int n, const T* logits, const T* w, T* d_logits) {
  const std::int64_t all = rows * n;
  require_apart<T>("categorical_entropy_vjp", {"d_logits", d_logits, all},
                   {{"logits", logits, all}, {"w", w, rows}});
  table<T>().categorical_entropy_vjp(rows, n, logits, w, d_logits);
}
template <class T>
void softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  require_same_or_apart<T>("softmax", {"y", y, outer * n * inner}, {{"x", x, outer * n * inner}});
  table<T>().softmax(outer, n, inner, x, y);
}
template <class T>
void softmax_derivative(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* g,
                        T* out, bool accumulate) {
  const std::int64_t all = outer * n * inner;
  require_apart<T>("softmax_derivative", {"out", out, all}, {{"y", y, all}});
  require_same_or_apart<T>("softmax_derivative", {"out", out, all}, {{"g", g, all}});
  table<T>().softmax_derivative(outer, n, inner, y, g, out, accumulate);
}
template <class T>
void log_softmax(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  require_same_or_apart<T>("log_softmax", {"y", y, outer * n * inner}, {{"x", x, outer * n * inner}});
  table<T>().log_softmax(outer, n, inner, x, y);
}
template <class T>
void log_softmax_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* u, T* d_x) {
  const std::int64_t all = outer * n * inner;
  require_apart<T>("log_softmax_vjp", {"d_x", d_x, all}, {{"y", y, all}, {"u", u, all}});
  table<T>().log_softmax_vjp(outer, n, inner, y, u, d_x);
}
template <class T>
void log_softmax_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* y, const T* x_dot,
                     T* y_dot) {
  const std::int64_t all = outer * n * inner;
  require_apart<T>("log_softmax_jvp", {"y_dot", y_dot, all}, {{"y", y, all}});
  require_same_or_apart<T>("log_softmax_jvp", {"y_dot", y_dot, all}, {{"x_dot", x_dot, all}});
  table<T>().log_softmax_jvp(outer, n, inner, y, x_dot, y_dot);
}
template <class T>
void log_sum_exp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, T* y) {
  require_apart<T>("log_sum_exp", {"y", y, outer * inner}, {{"x", x, outer * n * inner}});
  table<T>().log_sum_exp(outer, n, inner, x, y);
}
template <class T>
void log_sum_exp_vjp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* u, T* d_x) {
  const std::int64_t all = outer * n * inner, sums = outer * inner;
  require_apart<T>("log_sum_exp_vjp", {"d_x", d_x, all}, {{"x", x, all}, {"y", y, sums}, {"u", u, sums}});
  table<T>().log_sum_exp_vjp(outer, n, inner, x, y, u, d_x);
}
template <class T>
void log_sum_exp_jvp(std::int64_t outer, std::int64_t n, std::int64_t inner, const T* x, const T* y,
                     const T* x_dot, T* y_dot) {
  const std::int64_t all = outer * n * inner, sums = outer * inner;
  require_apart<T>("log_sum_exp_jvp", {"y_dot", y_dot, sums},
                   {{"x", x, all}, {"y", y, sums}, {"x_dot", x_dot, all}});
  table<T>().log_sum_exp_jvp(outer, n, inner, x, y, x_dot, y_dot);
}

#define BATON_INSTANTIATE(T)                                                                                 \
  template void gaussian_log_prob(std::int64_t, int, const T*, const T*, const T*, T*);                      \
  template void gaussian_log_prob_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, T*, T*);    \
  template void gaussian_log_prob_jvp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*,   \
                                      const T*, T*);                                                         \
  template void gaussian_kl(std::int64_t, int, const T*, const T*, const T*, const T*, T*);                  \
  template void gaussian_kl_vjp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*, T*, T*, \
                                T*);                                                                         \
  template void gaussian_kl_jvp(std::int64_t, int, const T*, const T*, const T*, const T*, const T*,         \
                                const T*, const T*, const T*, T*);                                           \
  template T gaussian_entropy(int, const T*);                                                                \
  template void categorical_log_prob(std::int64_t, int, const T*, const std::int32_t*, T*);                  \
  template void categorical_log_prob_vjp(std::int64_t, int, const T*, const std::int32_t*, const T*, T*);    \
  template void categorical_kl(std::int64_t, int, const T*, const T*, T*);                                   \
  template void categorical_kl_vjp(std::int64_t, int, const T*, const T*, const T*, T*, T*);                 \
  template void categorical_entropy(std::int64_t, int, const T*, T*);                                        \
  template void categorical_entropy_vjp(std::int64_t, int, const T*, const T*, T*);                          \
  template void softmax(std::int64_t, std::int64_t, std::int64_t, const T*, T*);                             \
  template void softmax_derivative(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*, bool);  \
  template void log_softmax(std::int64_t, std::int64_t, std::int64_t, const T*, T*);                         \
  template void log_softmax_vjp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*);           \
  template void log_softmax_jvp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, T*);           \
  template void log_sum_exp(std::int64_t, std::int64_t, std::int64_t, const T*, T*);                         \
  template void log_sum_exp_vjp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, const T*, T*); \
  template void log_sum_exp_jvp(std::int64_t, std::int64_t, std::int64_t, const T*, const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels
