#include "rl/policy/heads/two_pass.hpp"

#include <algorithm>
#include <functional>

#include "kernels/error.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"

namespace baton::rl {
namespace {

std::size_t index(int rows, int width) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
}

template <class T>
void grow(kernels::AlignedVector<T>& to, std::size_t size) {
  if (to.size() < size) to.resize(size);
}

}  // namespace

template <class T>
void TwoPass<T>::reserve(const ag::MlpSpec& network, int max_rows) {
  first_ = ag::MlpPass<T>(network, max_rows);
  second_ = ag::MlpPass<T>(network, max_rows);
}

template <class T>
void TwoPass<T>::begin(const ag::MlpSpec& network, int n) {
  BATON_REQUIRE(network.in > network.out + 1, "two-pass head: a network of {} inputs for {} outputs",
                network.in, network.out);
  first_.prepare(network);
  second_.prepare(network);
  grow(encoded_, index(n, features()));
}

// run(pass, input): of the first pass, then of the second one.
template <class T>
template <class Run>
void TwoPass<T>::run(const Input& encode, int n, Run run) {
  const int z = features(), in = spec().in, d = spec().out;
  const auto row = [&](T* x, int i) {
    const T* from = encoded_.data() + index(i, z);
    return std::copy(from, from + z, x);
  };
  const auto plain = [&](T* x, int first, int rows) {
    encode(encoded_.data() + index(first, z), first, rows);
    for (int i = first; i < first + rows; ++i, x += in) std::fill_n(row(x, i), d + 1, T(0));
  };
  run(first_, std::cref(plain));
  const T* said = first_.output().data();
  const auto informed = [&](T* x, int first, int rows) {
    for (int i = first; i < first + rows; ++i, x += in) {
      T* to = row(x, i);
      for (int j = 0; j < d; ++j) to[j] = kTime * said[index(i, d) + static_cast<std::size_t>(j)];
      to[d] = kTime;
    }
  };
  run(second_, std::cref(informed));
  BATON_REQUIRE(second_.rows() == n, "two-pass head: {} rows of {}", second_.rows(), n);
}

template <class T>
void TwoPass<T>::forward(const ag::MlpSpec& network, std::span<const T> theta, const Input& encode, int n) {
  begin(network, n);
  grow(inner_, index(n, network.out));
  grow(outer_, index(n, network.in));
  run(encode, n, [&](ag::MlpPass<T>& pass, const Input& input) { pass.forward(theta, input, n); });
}

template <class T>
void TwoPass<T>::infer(const ag::MlpSpec& network, std::span<const T> theta, const Input& encode, int n) {
  begin(network, n);
  run(encode, n, [&](ag::MlpPass<T>& pass, const Input& input) { pass.infer(theta, input, n); });
}

// inner_ = t times the part of outer_ that stands at x.
template <class T>
void TwoPass<T>::first_from_second() {
  const int z = features(), in = spec().in, d = spec().out;
  for (int i = 0; i < rows(); ++i) {
    const T* from = outer_.data() + index(i, in) + z;
    T* to = inner_.data() + index(i, d);
    for (int j = 0; j < d; ++j) to[j] = kTime * from[j];
  }
}

template <class T>
void TwoPass<T>::vjp(std::span<const T> theta, const T* dy, std::span<T> dtheta) {
  second_.vjp(theta, dy, dtheta, outer_.data());
  first_from_second();
  first_.vjp(theta, inner_.data(), dtheta);
}

template <class T>
void TwoPass<T>::jvp(std::span<const T> theta, std::span<const T> v, T* dy) {
  first_.jvp(theta, v, inner_.data());
  const int z = features(), in = spec().in, d = spec().out;
  for (int i = 0; i < rows(); ++i) {
    const T* from = inner_.data() + index(i, d);
    T* to = std::fill_n(outer_.data() + index(i, in), z, T(0));
    for (int j = 0; j < d; ++j) to[j] = kTime * from[j];
    to[d] = T(0);
  }
  second_.jvp(theta, v, dy, outer_.data());
}

template <class T>
void TwoPass<T>::metric_product(std::span<const T> theta, std::span<const T> v, const Metric& metric, T* u,
                                std::span<T> dtheta) {
  jvp(theta, v, u);
  metric(u, 0, rows());
  vjp(theta, u, dtheta);
}

template <class T>
void TwoPass<T>::vjp_squares(std::span<const T> theta, const T* dy, std::span<T> squares) {
  second_.vjp(theta, dy, {}, outer_.data());
  first_from_second();
  second_.vjp_squares(theta, dy, squares);
  first_.vjp_squares(theta, inner_.data(), squares);
}

template <class T>
double TwoPass<T>::fit(const ag::MlpSpec& network, std::span<const T> theta, const Input& encode, const T* a,
                       int n, std::uint64_t seed, std::span<T> dtheta) {
  begin(network, 2 * n);
  const int z = features(), in = network.in, d = network.out;
  const std::size_t numbers = index(2 * n, d);
  grow(slope_, numbers);
  // Rows 0 .. n-1 are the first pass, the n behind them the second one.
  const auto input = [&](T* x, int first, int rows) {
    const int plain = std::clamp(n - first, 0, rows);
    T* encoded = encoded_.data() + index(first, z);
    if (plain > 0) encode(encoded, first, plain);
    if (plain < rows) encode(encoded + index(plain, z), first + plain - n, rows - plain);
    for (int r = 0; r < rows; ++r, x += in, encoded += z) {
      T* to = std::copy(encoded, encoded + z, x);
      std::fill_n(to, d + 1, T(0));
      if (r < plain) continue;
      const int i = first + r - n;
      kernels::Random random(seed, static_cast<std::uint64_t>(i));
      const T* target = a + index(i, d);
      for (int j = 0; j < d; ++j) to[j] = kTime * target[j] + (1 - kTime) * static_cast<T>(random.normal());
      to[d] = kTime;
    }
  };
  const T share = T(1) / static_cast<T>(n);
  const auto loss = [&](const T* y, T* u, int first, int rows) {
    for (int r = 0; r < rows; ++r) {
      const T* target = a + index((first + r) % n, d);
      for (int j = 0; j < d; ++j, ++y, ++u) *u = (*y - target[j]) * share;
    }
  };
  second_.forward_vjp(theta, std::cref(input), 2 * n, std::cref(loss), slope_.data(), dtheta);
  return 0.5 * n * kernels::dot<T>(static_cast<std::int64_t>(numbers), slope_.data(), slope_.data());
}

template class TwoPass<float>;
template class TwoPass<double>;

}  // namespace baton::rl
