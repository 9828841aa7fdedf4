#include "kernels/overlap.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "kernels/dispatch.hpp"

namespace baton::kernels {
namespace {

void check_refused(const std::vector<std::function<void()>>& wrong) {
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    CAPTURE(i);
    CHECK_THROWS_AS(wrong[i](), Error);
  }
}

}  // namespace

TEST_CASE("kernels refuse arrays that overlap where they must not, naming both") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  CHECK_THROWS_WITH_AS(unary(Unary::kTanh, 12, p, p + 3),
                       "tanh: y of 12 numbers overlaps x of 12 numbers, they must be one array or apart",
                       Error);
  CHECK_THROWS_WITH_AS(sum_axis(3, 4, 1, 1.0F, p, p + 11, false),
                       "sum_axis: y of 3 numbers overlaps x of 12 numbers, they must be apart", Error);
}

TEST_CASE("overlaps are refused by products, functions of elements and moves of rows") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  const std::vector<std::int32_t> index(4, 1), both = {0, 1};
  std::vector<float> copy(static_cast<std::size_t>(bulk_packed_size(3, 2)) + 16);
  float* const q = copy.data();
  check_refused({
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
      [&] { layer_norm(3, 4, 0.1F, p, p + 40, p + 44, p + 1, p + 50, p + 54); },
      [&] { layer_norm(3, 4, 0.1F, p, p + 40, p + 22, p + 20, p + 50, p + 54); },
      [&] { gemm_packed(Transpose::kNo, 2, 3, 2, 1.0F, p, 2, q, 0.0F, p + 3, 3); },
      [&] { gemm_packed(Transpose::kYes, 3, 2, 2, 1.0F, p, 3, q, 0.0F, p + 5, 2); },
      [&] { gemm_packed(Transpose::kNo, 2, 3, 2, 1.0F, p, 2, q, 0.0F, q + packed_size(3, 2) - 1, 3); },
      [&] { bulk_gemm_packed(Transpose::kNo, 2, 3, 2, 1.0F, p, 2, q, 0.0F, p + 3, 3); },
      [&] {
        bulk_gemm_packed(Transpose::kNo, 2, 3, 2, 1.0F, p, 2, q, 0.0F, q + bulk_packed_size(3, 2) - 1, 3);
      },
      [&] { scale_columns(3, 4, p + 8, p); },
      [&] { gather_rows(2, 4, p, index.data(), p + 7); },
      [&] { gather_strided_rows(2, 4, p, 6, index.data(), p + 9); },
      [&] { gather_strided_rows(2, 1, p, 6, both.data(), p + 5); },
      [&] { scatter_add_rows(2, 4, p + 7, index.data(), p); },
  });
}

TEST_CASE("overlaps are refused by distributions and softmax") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  const std::vector<std::int32_t> index(4, 1);
  check_refused({
      [&] { softmax(3, 4, 1, p, p + 1); },
      [&] { softmax_derivative(3, 4, 1, p, p + 20, p + 1, false); },
      [&] { softmax_derivative(3, 4, 1, p, p + 20, p, false); },
      [&] { log_softmax(3, 4, 1, p, p + 11); },
      [&] { log_softmax_jvp(3, 4, 1, p, p + 20, p); },
      [&] { log_softmax_jvp(3, 4, 1, p, p + 20, p + 21); },
      [&] { log_softmax_vjp(3, 4, 1, p, p + 20, p); },
      [&] { log_sum_exp(3, 4, 1, p, p); },
      [&] { gaussian_log_prob(3, 4, p, p + 20, p + 40, p + 2); },
      [&] { categorical_log_prob_vjp<float>(3, 4, p, index.data(), nullptr, p); },
      [&] { gaussian_log_prob(3, 4, p, p + 20, p + 40, p + 41); },
      [&] { gaussian_log_prob_vjp<float>(3, 4, p, p + 20, p + 40, p + 44, p + 1, nullptr); },
      [&] { gaussian_log_prob_vjp<float>(3, 4, p, p + 12, p + 24, p + 28, p + 30, nullptr); },
      [&] { gaussian_log_prob_vjp<float>(3, 4, p, p + 12, p + 24, p + 28, nullptr, p + 24); },
      [&] { gaussian_log_prob_vjp(3, 4, p, p + 12, p + 24, p + 28, p + 40, p + 40); },
      [&] { gaussian_log_prob_jvp<float>(3, 4, p, p + 12, p + 24, p + 28, nullptr, nullptr, p + 28); },
      [&] { gaussian_log_prob_jvp<float>(3, 4, p, p + 12, p + 24, nullptr, nullptr, p + 28, p + 30); },
      [&] { gaussian_kl(3, 4, p, p + 12, p + 16, p + 28, p + 29); },
      [&] { gaussian_kl_vjp<float>(3, 4, p, p + 12, p + 16, p + 28, p + 32, p, nullptr, nullptr); },
      [&] { gaussian_kl_vjp<float>(3, 4, p, p + 12, p + 16, p + 28, p + 32, nullptr, p + 12, nullptr); },
      [&] { gaussian_kl_vjp<float>(3, 4, p, p + 12, p + 16, p + 28, p + 32, nullptr, nullptr, p + 34); },
      [&] { gaussian_kl_vjp<float>(3, 4, p, p + 12, p + 16, p + 28, p + 32, p + 40, p + 51, nullptr); },
      [&] { gaussian_kl_vjp<float>(3, 4, p, p + 12, p + 16, p + 28, p + 32, nullptr, p + 40, p + 41); },
      [&] {
        gaussian_kl_jvp<float>(3, 4, p, p + 12, p + 16, p + 28, nullptr, nullptr, nullptr, p + 40, p + 43);
      },
      [&] {
        gaussian_kl_jvp<float>(3, 4, p, p + 12, p + 16, p + 28, p + 32, nullptr, nullptr, nullptr, p + 32);
      },
      [&] { categorical_log_prob(3, 4, p, index.data(), p + 11); },
      [&] { categorical_log_prob_vjp(3, 4, p, index.data(), p + 12, p + 14); },
      [&] { categorical_kl(3, 4, p, p + 12, p + 12); },
      [&] { categorical_kl_vjp<float>(3, 4, p, p + 12, nullptr, p, nullptr); },
      [&] { categorical_kl_vjp<float>(3, 4, p, p + 12, p + 24, nullptr, p + 26); },
      [&] { categorical_kl_vjp<float>(3, 4, p, p + 12, nullptr, p + 24, p + 24); },
      [&] { categorical_entropy(3, 4, p, p); },
      [&] { categorical_entropy_vjp(3, 4, p, p + 12, p + 12); },
      [&] { log_sum_exp_vjp(3, 4, 1, p, p + 12, p + 15, p); },
      [&] { log_sum_exp_vjp(3, 4, 1, p, p + 12, p + 15, p + 17); },
      [&] { log_sum_exp_jvp(3, 4, 1, p, p + 12, p + 16, p + 16); },
      [&] { log_sum_exp_jvp(3, 4, 1, p, p + 12, p + 16, p + 12); },
  });
}

TEST_CASE("overlaps are refused by optimisers' steps") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  check_refused({
      [&] { adam(12, AdamStep<float>{}, p, p, p + 20, p + 40); },
      [&] { adam(12, AdamStep<float>{}, p, p + 12, p + 23, p + 40); },
      [&] { adam(12, AdamStep<float>{}, p, p + 12, p + 24, p + 24); },
      [&] { adam(12, AdamStep<float>{}, p, p + 12, p + 24, p + 1); },
      [&] { adam(12, AdamStep<float>{}, p, p + 12, p + 1, p + 40); },
      [&] { adam(12, AdamStep<float>{}, p, p + 12, p + 40, p + 23); },
      [&] { sgd(12, SgdStep<float>{}, p, p, p + 20); },
      [&] { sgd(12, SgdStep<float>{}, p, p + 12, p + 1); },
      [&] { sgd(12, SgdStep<float>{}, p, p + 12, p + 20); },
  });
}

TEST_CASE("the same array, neighbours, nothing and blocks between each other are no overlap") {
  std::vector<float> memory(64, 0.5F);
  float* const p = memory.data();
  CHECK_NOTHROW(unary(Unary::kTanh, 12, p, p));
  CHECK_NOTHROW(unary(Unary::kTanh, 12, p, p + 12));
  CHECK_NOTHROW(unary(Unary::kTanh, 0, p, p));
  CHECK_NOTHROW(bias_unary<float>(Unary::kTanh, 3, 4, p + 12, p, nullptr));
  CHECK_NOTHROW(gemm(Transpose::kNo, Transpose::kNo, 4, 4, 4, 1.0F, p, 8, p + 48, 4, 0.0F, p + 4, 8));
  const std::vector<std::int32_t> rows = {0, 2};
  CHECK_NOTHROW(gather_rows(2, 4, p, rows.data(), p + 12));
  CHECK_NOTHROW(gather_strided_rows(2, 2, p, 8, rows.data(), p + 4));
  CHECK_NOTHROW(scatter_add_rows(2, 4, p + 12, rows.data(), p));
  CHECK_NOTHROW(scatter_add_rows<float>(0, 4, p, nullptr, p));
  CHECK_NOTHROW(gaussian_log_prob_vjp<float>(3, 4, p, p + 12, p + 24, p + 28, p + 12, nullptr));
  CHECK_NOTHROW(gaussian_kl_vjp(3, 4, p, p + 12, p + 16, p + 12, p + 32, p + 40, p + 52, p + 52));
  CHECK_NOTHROW(softmax_derivative(3, 4, 1, p, p + 12, p + 12, false));
  CHECK_NOTHROW(log_softmax_jvp(3, 4, 1, p, p + 12, p + 12));
  CHECK_NOTHROW(categorical_kl_vjp<float>(3, 4, p, p, nullptr, p + 12, p + 24));
  std::vector<float> copy(static_cast<std::size_t>(packed_size(4, 4)));
  CHECK_NOTHROW(gemm_packed(Transpose::kNo, 4, 4, 4, 1.0F, p, 8, copy.data(), 0.0F, p + 4, 8));
}

}  // namespace baton::kernels
