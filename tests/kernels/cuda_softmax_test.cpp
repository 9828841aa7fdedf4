#include <doctest/doctest.h>

#include "kernels/categorical.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/softmax.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

using cuda::Stream;
using test::Side;
using test::Twin;

// A row of the table from the arguments that the twins share, in terms of the arrays a[0], a[1], ...
#define BATON_LIST(...) \
  { __VA_ARGS__ }
#define BATON_TWIN(function, relative_, absolute_, sizes_, ...)                                  \
  Twin<T> {                                                                                      \
    .name = #function, .sizes = BATON_LIST sizes_,                                               \
    .device = [=](Stream&s, const Side<T>&a) { cuda::function<T>(s, __VA_ARGS__); },             \
    .reference = [=](const Side<T>&a) { ref::function<T>(__VA_ARGS__); }, .relative = relative_, \
    .absolute = absolute_, .scratch_bytes = 0, .index = index,                                   \
  }

template <class T>
std::vector<Twin<T>> softmax_twins(std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const std::int64_t all = outer * n * inner, columns = outer * inner;
  const double sums = 16.0 * static_cast<double>(n + 1);
  const std::vector<std::int32_t> index;
  return {BATON_TWIN(softmax, 32, 8, (all, all), outer, n, inner, a[0], a[1]),
          BATON_TWIN(softmax, 32, 8, (all), outer, n, inner, a[0], a[0]),
          BATON_TWIN(softmax_derivative, 32, sums, (all, all, all), outer, n, inner, a[0], a[1], a[2], false),
          BATON_TWIN(softmax_derivative, 32, sums, (all, all), outer, n, inner, a[0], a[1], a[1], true),
          BATON_TWIN(log_softmax, 16, 32, (all, all), outer, n, inner, a[0], a[1]),
          BATON_TWIN(log_softmax_vjp, 32, 32 * sums, (all, all, all), outer, n, inner, a[0], a[1], a[2]),
          BATON_TWIN(log_softmax_jvp, 32, 32 * sums, (all, all, all), outer, n, inner, a[0], a[1], a[2]),
          BATON_TWIN(log_sum_exp, 16, 32, (all, columns), outer, n, inner, a[0], a[1]),
          BATON_TWIN(log_sum_exp_vjp, 128, 128, (all, columns, columns, all), outer, n, inner, a[0], a[1],
                     a[2], a[3]),
          BATON_TWIN(log_sum_exp_jvp, 128, 128 * sums, (all, columns, all, columns), outer, n, inner, a[0],
                     a[1], a[2], a[3])};
}

template <class T>
std::vector<Twin<T>> categorical_twins(std::int64_t rows, int n) {
  const std::int64_t all = rows * n;
  const double sums = 32.0 * (n + 1);
  std::vector<std::int32_t> index;
  for (std::int64_t r = 0; r < rows; ++r) index.push_back(static_cast<std::int32_t>(r * 7 % n));
  return {
      BATON_TWIN(categorical_log_prob, 16, 32, (all, rows), rows, n, a[0], a.index, a[1]),
      BATON_TWIN(categorical_log_prob_vjp, 32, 32, (all, rows, all), rows, n, a[0], a.index, a[1], a[2]),
      BATON_TWIN(categorical_log_prob_vjp, 32, 32, (all, all), rows, n, a[0], a.index, nullptr, a[1]),
      BATON_TWIN(categorical_kl, 32, sums, (all, all, rows), rows, n, a[0], a[1], a[2]),
      BATON_TWIN(categorical_kl_vjp, 32, sums, (all, all, rows, all, all), rows, n, a[0], a[1], a[2], a[3],
                 a[4]),
      BATON_TWIN(categorical_kl_vjp, 32, sums, (all, all, all), rows, n, a[0], a[1], nullptr, nullptr, a[2]),
      BATON_TWIN(categorical_entropy, 32, sums, (all, rows), rows, n, a[0], a[1]),
      BATON_TWIN(categorical_entropy_vjp, 32, sums, (all, rows, all), rows, n, a[0], a[1], a[2])};
}

template <class T>
std::vector<Twin<T>> layer_norm_twins(std::int64_t rows, int dim) {
  const std::int64_t all = rows * dim;
  const double sums = 64.0 * (dim + 1);
  const std::vector<std::int32_t> index;
  return {BATON_TWIN(layer_norm, 64, sums, (all, dim, dim, all, rows, rows), rows, dim, T(1e-3), a[0], a[1],
                     a[2], a[3], a[4], a[5]),
          BATON_TWIN(layer_norm_jvp, 64, sums, (all, dim, rows, rows, all, dim, dim, all), rows, dim, a[0],
                     a[1], a[2], a[3], a[4], a[5], a[6], a[7]),
          BATON_TWIN(layer_norm_jvp, 64, sums, (all, dim, rows, rows, all), rows, dim, a[0], a[1], a[2], a[3],
                     a[4], nullptr, nullptr, a[4]),
          BATON_TWIN(layer_norm_jvp, 64, sums, (all, dim, rows, rows, dim, all), rows, dim, a[0], a[1], a[2],
                     a[3], nullptr, nullptr, a[4], a[5])};
}

// gains: whether the gradients of gain and bias are wanted; d_x in u's place.
template <class T>
Twin<T> layer_norm_vjp_twin(std::int64_t rows, int dim, bool gains) {
  const std::int64_t all = rows * dim;
  const auto d_gain = [=](const Side<T>& a) -> T* { return gains ? a[5] : nullptr; };
  const auto d_bias = [=](const Side<T>& a) -> T* { return gains ? a[6] : nullptr; };
  return {.name = "layer_norm_vjp",
          .sizes = {all, dim, rows, rows, all, dim, dim},
          .device =
              [=](Stream& s, const Side<T>& a) {
                cuda::layer_norm_vjp<T>(s, rows, dim, a[0], a[1], a[2], a[3], a[4], a[4], d_gain(a),
                                        d_bias(a), a.numbers_of_scratch());
              },
          .reference =
              [=](const Side<T>& a) {
                ref::layer_norm_vjp<T>(rows, dim, a[0], a[1], a[2], a[3], a[4], a[4], d_gain(a), d_bias(a));
              },
          .relative = 64,
          .absolute = 64.0 * static_cast<double>(dim + rows + 1),
          .scratch_bytes = cuda::sum_axis_scratch(1, rows, dim) * static_cast<std::int64_t>(sizeof(T))};
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: the softmax family equals ref along every axis", T, float, double) {
  for (const int n : {1, 5, 33, 70}) {
    test::check_twins(softmax_twins<T>(3, n, 1));
    test::check_twins(softmax_twins<T>(2, n, 5));
  }
  test::check_twins(softmax_twins<T>(0, 3, 1));
}

TEST_CASE_TEMPLATE("cuda: classes of probability 0 and infinite logits as ref says", T, float, double) {
  const T inf = std::numeric_limits<T>::infinity();
  const std::vector<T> x = {1, -inf, 2, -inf, -inf, -inf, 1, inf, 0};
  Stream stream;
  const auto on_device = test::to_device(stream, x);
  const cuda::Buffer<T> out(9), row(3);
  std::vector<T> want(9), want_row(3);
  const double eps = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
  cuda::softmax<T>(stream, 3, 3, 1, on_device.data(), out.data());
  ref::softmax<T>(3, 3, 1, x.data(), want.data());
  test::check_twin_array(test::to_host(stream, out), want, eps, eps, "softmax");
  cuda::log_sum_exp<T>(stream, 3, 3, 1, on_device.data(), row.data());
  ref::log_sum_exp<T>(3, 3, 1, x.data(), want_row.data());
  test::check_twin_array(test::to_host(stream, row), want_row, eps, eps, "log_sum_exp");
  cuda::categorical_entropy<T>(stream, 3, 3, on_device.data(), row.data());
  ref::categorical_entropy<T>(3, 3, x.data(), want_row.data());
  test::check_twin_array(test::to_host(stream, row), want_row, eps, eps, "entropy");
}

TEST_CASE_TEMPLATE("cuda: categorical distributions equal ref", T, float, double) {
  for (const int n : {1, 4, 33, 70}) {
    for (const int rows : {0, 1, 9}) test::check_twins(categorical_twins<T>(rows, n));
  }
}

TEST_CASE_TEMPLATE("cuda: layer norm equals ref, forward, backward and tangent", T, float, double) {
  for (const int dim : {1, 9, 33, 70}) {
    for (const int rows : {0, 1, 9, 600}) {
      if (rows < 600 || dim == 33) test::check_twins(layer_norm_twins<T>(rows, dim));
      if (rows < 600 || dim == 33)
        test::check_twins<T>(
            {layer_norm_vjp_twin<T>(rows, dim, false), layer_norm_vjp_twin<T>(rows, dim, true)});
    }
  }
}

}  // namespace baton::kernels
