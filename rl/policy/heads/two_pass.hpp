#pragma once
// The two-pass head (MIP: Pan et al. 2025, arXiv 2512.01809): one network f(z, x, t) that is used twice, to say an
// output and to improve on it. Its input is [z, x, t], `features` + d + 1 numbers, its output d numbers.
//   a0 = f(z, 0, 0),  mean = f(z, t a0, t)   with t = 0.9
// theta's derivatives go through both passes: J = J_2 + t B J_1, with J_1, J_2 those of the passes and B = d f / d x
// of the second one. T is float (work) or double (checks).
#include <cstdint>
#include <span>

#include "autograd/mlp.hpp"
#include "kernels/aligned.hpp"

namespace baton::rl {

// A workspace; its calls stand for those of ag::MlpPass, with the mean as the output: rows, threads, allocation and
// what must stay alive as there.
template <class T>
class TwoPass {
 public:
  using Input = typename ag::MlpPass<T>::Input;
  using Metric = typename ag::MlpPass<T>::Metric;
  static constexpr T kTime = T(0.9);

  void reserve(const ag::MlpSpec& network, int max_rows);
  // encode(z, first, rows) writes rows of z [rows][features].
  void forward(const ag::MlpSpec& network, std::span<const T> theta, const Input& encode, int n);
  void infer(const ag::MlpSpec& network, std::span<const T> theta, const Input& encode, int n);
  std::span<const T> output() const { return second_.output(); }
  int rows() const { return second_.rows(); }
  const ag::MlpSpec& spec() const { return second_.spec(); }

  void vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta);  // dtheta += J' dy
  void jvp(std::span<const T> theta, std::span<const T> v, T* dy);       // dy = J v
  // u = M J v, dtheta += J' u.
  void metric_product(std::span<const T> theta, std::span<const T> v, const Metric& metric, T* u,
                      std::span<T> dtheta);
  // squares += the elementwise squares of every row's J_2' dy and of its t J_1' B' dy: without the product of the two.
  void vjp_squares(std::span<const T> theta, const T* dy, std::span<T> squares);

  // The loss of targets a [n][d] and its derivative (overwrites):
  //   1/2n sum_i |f(z_i, 0, 0) - a_i|^2 + |f(z_i, t a_i + (1 - t) e_i, t) - a_i|^2,  e_i standard normal of (seed, i)
  // output() is none afterwards.
  double fit(const ag::MlpSpec& network, std::span<const T> theta, const Input& encode, const T* a, int n,
             std::uint64_t seed, std::span<T> dtheta);

 private:
  int features() const { return spec().in - spec().out - 1; }
  void begin(const ag::MlpSpec& network, int n);
  template <class Run>
  void run(const Input& encode, int n, Run run);
  void first_from_second();

  ag::MlpPass<T> first_, second_;
  kernels::AlignedVector<T> encoded_;  // [n][features]
  kernels::AlignedVector<T> inner_;    // [n][d]: derivatives at a0
  kernels::AlignedVector<T> outer_;    // [n][in]: derivatives at the second pass's input
  kernels::AlignedVector<T> slope_;    // [2n][d], fit()
};

extern template class TwoPass<float>;
extern template class TwoPass<double>;

}  // namespace baton::rl
