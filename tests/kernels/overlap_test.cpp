#include "kernels/overlap.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "kernels/dispatch.hpp"

namespace baton::kernels {

TEST_CASE("kernels refuse arrays that overlap where they must not, naming both") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  const std::vector<std::int32_t> index(4, 1);
  CHECK_THROWS_WITH_AS(unary(Unary::kTanh, 12, p, p + 3),
                       "tanh: y of 12 numbers overlaps x of 12 numbers, they must be one array or apart",
                       Error);
  CHECK_THROWS_WITH_AS(sum_axis(3, 4, 1, 1.0F, p, p + 11, false),
                       "sum_axis: y of 3 numbers overlaps x of 12 numbers, they must be apart", Error);
  const std::vector<std::function<void()>> wrong = {
      [&] { unary_derivative(Unary::kTanh, 12, p + 40, p + 20, p + 1, p, false); },
      [&] { bias_unary<float>(Unary::kTanh, 3, 4, p + 8, p, nullptr); },
      [&] { bias_unary(Unary::kTanh, 3, 4, p + 40, p, p); },
      [&] { binary(Binary::kAdd, 12, p, 1, p + 20, 1, p + 31); },
      [&] { binary(Binary::kAdd, 12, p + 5, 0, p + 20, 1, p); },
      [&] { where(12, p, 0, p + 20, 1, p + 40, 1, p); },
      [&] { clamp(12, 0.0F, 1.0F, p, p + 1); },
      [&] { clamp_derivative(12, 0.0F, 1.0F, p + 20, p, p + 1, false); },
      [&] { axpy(12, 1.0F, p, p + 1); },
      [&] { multiply_add(12, p + 20, p, p + 1); },
      [&] { transpose(3, 4, p, p); },
      [&] { gemm(Transpose::kNo, Transpose::kNo, 3, 3, 3, 1.0F, p, 3, p + 20, 3, 0.0F, p, 3); },
      [&] { gemm(Transpose::kYes, Transpose::kYes, 2, 3, 4, 1.0F, p + 20, 2, p, 4, 0.0F, p + 11, 3); },
      [&] { gather_along(1, 3, 4, p, index.data(), p + 8); },
      [&] { scatter_add_along(1, 3, 4, p + 8, index.data(), p); },
      [&] { softmax(3, 4, 1, p, p + 1); },
      [&] { softmax_derivative(3, 4, 1, p, p + 20, p + 1, false); },
      [&] { log_softmax(3, 4, 1, p, p + 11); },
      [&] { log_softmax_vjp(3, 4, 1, p, p + 20, p); },
      [&] { log_sum_exp(3, 4, 1, p, p); },
      [&] { layer_norm(3, 4, 0.1F, p, p + 40, p + 44, p + 1, p + 50, p + 54); },
      [&] { layer_norm(3, 4, 0.1F, p, p + 40, p + 22, p + 20, p + 50, p + 54); },
      [&] { gaussian_log_prob(3, 4, p, p + 20, p + 40, p + 2); },
      [&] { categorical_log_prob_vjp<float>(3, 4, p, index.data(), nullptr, p); },
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    CAPTURE(i);
    CHECK_THROWS_AS(wrong[i](), Error);
  }
}

TEST_CASE("the same array, neighbours, nothing and blocks between each other are no overlap") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  CHECK_NOTHROW(unary(Unary::kTanh, 12, p, p));
  CHECK_NOTHROW(unary(Unary::kTanh, 12, p, p + 12));
  CHECK_NOTHROW(unary(Unary::kTanh, 0, p, p));
  CHECK_NOTHROW(bias_unary<float>(Unary::kTanh, 3, 4, p + 12, p, nullptr));
  CHECK_NOTHROW(gemm(Transpose::kNo, Transpose::kNo, 4, 4, 4, 1.0F, p, 8, p + 48, 4, 0.0F, p + 4, 8));
}

}  // namespace baton::kernels
