#include <doctest/doctest.h>

#include "kernels/cuda/kernels.hpp"
#include "kernels/reduce.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

using cuda::Stream;
using test::Side;
using test::Twin;

bool is_of_positives(Unary op) { return op == Unary::kLog || op == Unary::kSqrt; }

template <class T>
Twin<T> unary_twin(Unary op, std::int64_t n) {
  return {.name = unary_name(op),
          .sizes = {n, n},
          .device = [=](Stream& s, const Side<T>& a) { cuda::unary<T>(s, op, n, a[0], a[1]); },
          .reference = [=](const Side<T>& a) { ref::unary<T>(op, n, a[0], a[1]); },
          .relative = 8,
          .absolute = 2,
          .positive = is_of_positives(op)};
}

template <class T>
Twin<T> derivative_twin(Unary op, std::int64_t n, bool accumulate) {
  const auto input = [op](const Side<T>& a) -> const T* {
    return derivative_needs_input(op) ? a[0] : nullptr;
  };
  return {
      .name = std::string(unary_name(op)) + " derivative",
      .sizes = {n, n, n, n},
      .device =
          [=](Stream& s, const Side<T>& a) {
            cuda::unary_derivative<T>(s, op, n, input(a), a[1], a[2], a[3], accumulate);
          },
      .reference =
          [=](const Side<T>& a) { ref::unary_derivative<T>(op, n, input(a), a[1], a[2], a[3], accumulate); },
      .relative = 16,
      .absolute = 32,
      .positive = is_of_positives(op)};
}

template <class T>
Twin<T> binary_twin(Binary op, std::int64_t n, int a_step, int b_step) {
  return {.name = "binary",
          .sizes = {a_step != 0 ? n : 1, b_step != 0 ? n : 1, n},
          .device = [=](Stream& s,
                        const Side<T>& a) { cuda::binary<T>(s, op, n, a[0], a_step, a[1], b_step, a[2]); },
          .reference = [=](const Side<T>& a) { ref::binary<T>(op, n, a[0], a_step, a[1], b_step, a[2]); },
          .relative = 1,
          .absolute = 0};
}

template <class T>
Twin<T> where_twin(std::int64_t n, int steps) {
  const int c = steps & 1, a_step = steps >> 1 & 1, b_step = steps >> 2;
  const auto size = [n](int step) { return step != 0 ? n : 1; };
  return {
      .name = "where",
      .sizes = {size(c), size(a_step), size(b_step), n},
      .device = [=](Stream& s,
                    const Side<T>& a) { cuda::where<T>(s, n, a[0], c, a[1], a_step, a[2], b_step, a[3]); },
      .reference = [=](const Side<T>& a) { ref::where<T>(n, a[0], c, a[1], a_step, a[2], b_step, a[3]); },
      .relative = 0,
      .absolute = 0};
}

template <class T>
Twin<T> clamp_twin(std::int64_t n) {
  return {.name = "clamp",
          .sizes = {n, n},
          .device = [=](Stream& s, const Side<T>& a) { cuda::clamp<T>(s, n, T(-0.5), T(0.7), a[0], a[1]); },
          .reference = [=](const Side<T>& a) { ref::clamp<T>(n, T(-0.5), T(0.7), a[0], a[1]); },
          .relative = 0,
          .absolute = 0};
}

template <class T>
Twin<T> clamp_derivative_twin(std::int64_t n, bool accumulate) {
  return {.name = "clamp_derivative",
          .sizes = {n, n, n},
          .device =
              [=](Stream& s, const Side<T>& a) {
                cuda::clamp_derivative<T>(s, n, T(-0.5), T(0.7), a[0], a[1], a[2], accumulate);
              },
          .reference =
              [=](const Side<T>& a) {
                ref::clamp_derivative<T>(n, T(-0.5), T(0.7), a[0], a[1], a[2], accumulate);
              },
          .relative = 0,
          .absolute = 0};
}

template <class T>
Twin<T> bias_twin(Unary op, std::int64_t rows, int cols, bool keep) {
  const std::int64_t n = rows * cols;
  return {
      .name = std::string("bias, ") + unary_name(op),
      .sizes = {cols, n, n},
      .device =
          [=](Stream& s, const Side<T>& a) {
            cuda::bias_unary<T>(s, op, rows, cols, a[0], a[1], keep ? a[2] : nullptr);
          },
      .reference =
          [=](const Side<T>& a) { ref::bias_unary<T>(op, rows, cols, a[0], a[1], keep ? a[2] : nullptr); },
      .relative = 8,
      .absolute = 4};
}

// The backward of bias and activation is the derivative followed by sums over rows.
template <class T>
Twin<T> bias_vjp_twin(Unary op, std::int64_t rows, int cols, bool accumulate) {
  const std::int64_t n = rows * cols;
  const std::int64_t scratch = cuda::sum_axis_scratch(1, rows, cols) * static_cast<std::int64_t>(sizeof(T));
  return {.name = std::string("bias backward, ") + unary_name(op),
          .sizes = {n, n, n, cols},  // z, y, g and dx, d_bias
          .device =
              [=](Stream& s, const Side<T>& a) {
                cuda::bias_unary_vjp<T>(s, op, rows, cols, a[0], a[1], a[2], a[2], a[3], accumulate,
                                        a.numbers_of_scratch());
              },
          .reference =
              [=](const Side<T>& a) {
                ref::unary_derivative<T>(op, n, a[0], a[1], a[2], a[2], false);
                ref::sum_axis<T>(1, rows, cols, T(1), a[2], a[3], accumulate);
              },
          .relative = 16,
          .absolute = 32 + 8 * static_cast<double>(rows),
          .scratch_bytes = scratch};
}

template <class T>
std::vector<Twin<T>> table(std::int64_t n) {
  std::vector<Twin<T>> twins;
  for (int i = 0; i < kUnaryCount; ++i) {
    const Unary op = static_cast<Unary>(i);
    twins.push_back(unary_twin<T>(op, n));
    for (const bool accumulate : {false, true}) twins.push_back(derivative_twin<T>(op, n, accumulate));
  }
  for (int op = 0; op < kBinaryCount; ++op) {
    for (int steps = 0; steps < 4; ++steps)
      twins.push_back(binary_twin<T>(static_cast<Binary>(op), n, steps & 1, steps >> 1));
  }
  for (int steps = 0; steps < 8; ++steps) twins.push_back(where_twin<T>(n, steps));
  twins.push_back(clamp_twin<T>(n));
  for (const bool accumulate : {false, true}) twins.push_back(clamp_derivative_twin<T>(n, accumulate));
  twins.push_back({.name = "axpy",
                   .sizes = {n, n},
                   .device = [=](Stream& s, const Side<T>& a) { cuda::axpy<T>(s, n, T(0.3), a[0], a[1]); },
                   .reference = [=](const Side<T>& a) { ref::axpy<T>(n, T(0.3), a[0], a[1]); },
                   .relative = 2,
                   .absolute = 4});
  twins.push_back(
      {.name = "multiply_add",
       .sizes = {n, n, n},
       .device = [=](Stream& s, const Side<T>& a) { cuda::multiply_add<T>(s, n, a[0], a[1], a[2]); },
       .reference = [=](const Side<T>& a) { ref::multiply_add<T>(n, a[0], a[1], a[2]); },
       .relative = 2,
       .absolute = 8});
  return twins;
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: elementwise kernels equal ref", T, float, double) {
  for (const int n : {0, 1, 5, 1029}) test::check_twins(table<T>(n));
}

TEST_CASE_TEMPLATE("cuda: bias and activation equal ref, forward and backward", T, float, double) {
  for (const int rows : {0, 1, 7, 9, 100, 1100}) {
    for (const int cols : {1, 9, 32, 33, 70}) {
      std::vector<Twin<T>> twins;
      for (const Unary op : {Unary::kTanh, Unary::kGelu, Unary::kRelu}) {
        twins.push_back(bias_twin<T>(op, rows, cols, op != Unary::kRelu));
        twins.push_back(bias_vjp_twin<T>(op, rows, cols, op != Unary::kRelu));
      }
      test::check_twins(twins);
    }
  }
}

TEST_CASE_TEMPLATE("cuda: a grid smaller than the array walks on", T, float, double) {
  constexpr std::int64_t n = 4096 * 256 + 3;  // unaligned: a number a thread
  test::check_twin(unary_twin<T>(Unary::kSquare, n), 1, false);
}

}  // namespace baton::kernels
