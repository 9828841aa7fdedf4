#include <doctest/doctest.h>

#include "kernels/cuda/kernels.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

using test::Arrays;
using test::Twin;

template <class T>
void add_unary(std::vector<Twin<T>>& twins, Unary op, std::int64_t n) {
  const bool positive = op == Unary::kLog || op == Unary::kSqrt;
  const std::string name = unary_name(op);
  twins.push_back({name,
                   {n, n},
                   [=](cuda::Stream& s, const Arrays<T>& a) { cuda::unary<T>(s, op, n, a[0], a[1]); },
                   [=](const Arrays<T>& a) { ref::unary<T>(op, n, a[0], a[1]); },
                   8,
                   2,
                   positive});
  for (const bool accumulate : {false, true}) {
    const auto input = [op](const Arrays<T>& a) -> const T* {
      return derivative_needs_input(op) ? a[0] : nullptr;
    };
    twins.push_back(
        {name + "'",
         {n, n, n, n},
         [=](cuda::Stream& s, const Arrays<T>& a) {
           cuda::unary_derivative<T>(s, op, n, input(a), a[1], a[2], a[3], accumulate);
         },
         [=](const Arrays<T>& a) { ref::unary_derivative<T>(op, n, input(a), a[1], a[2], a[3], accumulate); },
         16,
         32,
         positive});
  }
}

template <class T>
void add_binary(std::vector<Twin<T>>& twins, Binary op, std::int64_t n, int a_step, int b_step) {
  const std::int64_t a_size = a_step != 0 ? n : 1, b_size = b_step != 0 ? n : 1;
  twins.push_back({"binary",
                   {a_size, b_size, n},
                   [=](cuda::Stream& s, const Arrays<T>& a) {
                     cuda::binary<T>(s, op, n, a[0], a_step, a[1], b_step, a[2]);
                   },
                   [=](const Arrays<T>& a) { ref::binary<T>(op, n, a[0], a_step, a[1], b_step, a[2]); },
                   1,
                   0});
}

template <class T>
std::vector<Twin<T>> table(std::int64_t n) {
  std::vector<Twin<T>> twins;
  for (int op = 0; op < kUnaryCount; ++op) add_unary<T>(twins, static_cast<Unary>(op), n);
  for (int op = 0; op < kBinaryCount; ++op) {
    for (int steps = 0; steps < 4; ++steps)
      add_binary<T>(twins, static_cast<Binary>(op), n, steps & 1, steps >> 1);
  }
  twins.push_back({"axpy",
                   {n, n},
                   [=](cuda::Stream& s, const Arrays<T>& a) { cuda::axpy<T>(s, n, T(0.3), a[0], a[1]); },
                   [=](const Arrays<T>& a) { ref::axpy<T>(n, T(0.3), a[0], a[1]); },
                   2,
                   4});
  twins.push_back(
      {"multiply_add",
       {n, n, n},
       [=](cuda::Stream& s, const Arrays<T>& a) { cuda::multiply_add<T>(s, n, a[0], a[1], a[2]); },
       [=](const Arrays<T>& a) { ref::multiply_add<T>(n, a[0], a[1], a[2]); },
       2,
       8});
  return twins;
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: elementwise kernels equal ref", T, float, double) {
  for (const int n : {0, 1, 2, 3, 4, 5, 31, 33, 257, 1029}) test::check_twins(table<T>(n));
}

TEST_CASE_TEMPLATE("cuda: a grid smaller than the array walks on", T, float, double) {
  constexpr std::int64_t n = 4096 * 256 + 3;  // unaligned: a number a thread
  std::vector<Twin<T>> twins;
  add_unary<T>(twins, Unary::kSquare, n);
  test::check_twin(twins[0], 1, false);
}

}  // namespace baton::kernels
