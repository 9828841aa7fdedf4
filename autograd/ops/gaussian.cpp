// Diagonal Gaussians with a log standard deviation per dimension.
#include "kernels/gaussian.hpp"

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {

template <class T>
int dimension(const Call<T>& c) {
  return c.shape(0)[1];
}
template <class T>
int row_count(const Call<T>& c) {
  return c.shape(0)[0];
}

// ---- l[r] = sum_d -z^2/2 - s - ln(2 pi)/2,  z = (x - mean) e^-s

template <class T>
void log_prob_forward(const Call<T>& c) {
  kernels::gaussian_log_prob<T>(row_count(c), dimension(c), c.x(0), c.x(1), c.x(2), c.y());
}

// dl/dmean = z e^-s = -dl/dx,  dl/ds = z^2 - 1
template <class T>
void log_prob_vjp(const Call<T>& c) {
  const std::int64_t size = static_cast<std::int64_t>(row_count(c)) * dimension(c);
  T* d_mean = c.tape.scratch(static_cast<std::size_t>(size));
  kernels::gaussian_log_prob_vjp<T>(row_count(c), dimension(c), c.x(0), c.x(1), c.x(2), c.u(), d_mean,
                                    c.gradient(2));
  if (T* gx = c.gradient(0)) kernels::axpy<T>(size, T(-1), d_mean, gx);
  if (T* gm = c.gradient(1)) kernels::axpy<T>(size, T(1), d_mean, gm);
}

template <class T>
void log_prob_jvp(const Call<T>& c) {
  kernels::gaussian_log_prob_jvp<T>(row_count(c), dimension(c), c.x(0), c.x(1), c.x(2), c.tangent(0),
                                    c.tangent(1), c.tangent(2), c.y_dot());
}

// ---- KL[r] = sum_d s_q - s_p + (e^(2 s_p) + gap^2) / (2 e^(2 s_q)) - 1/2,  gap = mean_p - mean_q

template <class T>
void kl_forward(const Call<T>& c) {
  kernels::gaussian_kl<T>(row_count(c), dimension(c), c.x(0), c.x(1), c.x(2), c.x(3), c.y());
}

// dKL/dmean_p = gap e^(-2 s_q) = -dKL/dmean_q
template <class T>
void kl_vjp(const Call<T>& c) {
  const std::int64_t size = static_cast<std::int64_t>(row_count(c)) * dimension(c);
  T* d_mean = c.tape.scratch(static_cast<std::size_t>(size));
  kernels::gaussian_kl_vjp<T>(row_count(c), dimension(c), c.x(0), c.x(1), c.x(2), c.x(3), c.u(), d_mean,
                              c.gradient(1), c.gradient(3));
  if (T* g = c.gradient(0)) kernels::axpy<T>(size, T(1), d_mean, g);
  if (T* g = c.gradient(2)) kernels::axpy<T>(size, T(-1), d_mean, g);
}
template <class T>
void kl_jvp(const Call<T>& c) {
  kernels::gaussian_kl_jvp<T>(row_count(c), dimension(c), c.x(0), c.x(1), c.x(2), c.x(3), c.tangent(0),
                              c.tangent(1), c.tangent(2), c.tangent(3), c.y_dot());
}

// ---- H = sum_d s + (1 + ln(2 pi))/2

template <class T>
void entropy_forward(const Call<T>& c) {
  c.y()[0] = kernels::gaussian_entropy<T>(c.shape(0)[0], c.x(0));
}
template <class T>
void entropy_vjp(const Call<T>& c) {
  T* g = c.gradient(0);
  for (int d = 0; d < c.shape(0)[0]; ++d) g[d] += c.u()[0];
}
template <class T>
void entropy_jvp(const Call<T>& c) {
  c.y_dot()[0] = static_cast<T>(kernels::sum<T>(c.shape(0)[0], c.tangent(0)));
}

// x and mean [n, d] alike, log_std [d].
void check(const char* name, const Shape& x, const Shape& mean, const Shape& log_std) {
  BATON_REQUIRE(x.rank == 2 && x == mean, "{}: two arrays [n, d] are wanted, the shapes are {} and {}", name,
                x.text(), mean.text());
  BATON_REQUIRE(log_std.rank == 1 && log_std[0] == x[1], "{}: log_std of shape {} for {} dimensions", name,
                log_std.text(), x[1]);
}

}  // namespace

template <class T>
Var gaussian_log_prob(Tape<T>& tape, Var x, Var mean, Var log_std) {
  static const Rule<T> rule = {"gaussian_log_prob", log_prob_forward<T>, log_prob_vjp<T>, log_prob_jvp<T>};
  check(rule.name, tape.shape(x), tape.shape(mean), tape.shape(log_std));
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = {tape.shape(x)[0]};
  return tape.record(draft, {x, mean, log_std});
}

template <class T>
Var gaussian_kl(Tape<T>& tape, Var mean_p, Var log_std_p, Var mean_q, Var log_std_q) {
  static const Rule<T> rule = {"gaussian_kl", kl_forward<T>, kl_vjp<T>, kl_jvp<T>};
  check(rule.name, tape.shape(mean_p), tape.shape(mean_q), tape.shape(log_std_p));
  check(rule.name, tape.shape(mean_p), tape.shape(mean_q), tape.shape(log_std_q));
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = {tape.shape(mean_p)[0]};
  return tape.record(draft, {mean_p, log_std_p, mean_q, log_std_q});
}

template <class T>
Var gaussian_entropy(Tape<T>& tape, Var log_std) {
  static const Rule<T> rule = {"gaussian_entropy", entropy_forward<T>, entropy_vjp<T>, entropy_jvp<T>};
  BATON_REQUIRE(tape.shape(log_std).rank == 1, "gaussian_entropy: log_std has shape {}",
                tape.shape(log_std).text());
  Node<T> draft;
  draft.rule = &rule;
  return tape.record(draft, {log_std});
}

#define BATON_INSTANTIATE(T)                               \
  template Var gaussian_log_prob(Tape<T>&, Var, Var, Var); \
  template Var gaussian_kl(Tape<T>&, Var, Var, Var, Var);  \
  template Var gaussian_entropy(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
