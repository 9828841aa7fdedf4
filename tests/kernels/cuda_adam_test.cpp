#include <doctest/doctest.h>

#include "kernels/adam.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/sgd.hpp"
#include "tests/support/cuda_twin.hpp"

namespace baton::kernels {
namespace {

template <class T>
test::Twin<T> adam_twin(std::int64_t n, const AdamStep<T>& step, const AdamStep<T>* on_device) {
  return {.name = "adam",
          .sizes = {n, n, n, n},
          .device = [=](cuda::Stream& s,
                        const test::Side<T>& a) { cuda::adam<T>(s, n, on_device, a[0], a[1], a[2], a[3]); },
          .reference = [=](const test::Side<T>& a) { ref::adam<T>(n, step, a[0], a[1], a[2], a[3]); },
          .relative = 8,
          .absolute = 8,
          .positive = true};  // as v is
}

template <class T>
test::Twin<T> sgd_twin(std::int64_t n, const SgdStep<T>& step, const SgdStep<T>* on_device) {
  return {.name = "sgd",
          .sizes = {n, n, n},
          .device = [=](cuda::Stream& s,
                        const test::Side<T>& a) { cuda::sgd<T>(s, n, on_device, a[0], a[1], a[2]); },
          .reference = [=](const test::Side<T>& a) { ref::sgd<T>(n, step, a[0], a[1], a[2]); },
          .relative = 8,
          .absolute = 8};
}

}  // namespace

TEST_CASE_TEMPLATE("cuda: the fused Adam update equals ref", T, float, double) {
  const AdamStep<T> step{T(0.5), T(0.9), T(0.999), T(0.01), T(1.3), T(1e-8), T(0.02)};
  cuda::Stream stream;
  const auto on_device = test::to_device(stream, std::vector<AdamStep<T>>{step});
  std::vector<test::Twin<T>> twins;
  for (const std::int64_t n : {0, 1, 3, 4, 5, 257, 1030})
    twins.push_back(adam_twin<T>(n, step, on_device.data()));
  test::check_twins(twins);
}

TEST_CASE_TEMPLATE("cuda: the fused step of gradient descent equals ref", T, float, double) {
  for (const bool nesterov : {false, true}) {
    const SgdStep<T> step{T(0.5), T(0.9), T(0.01), T(0.02), nesterov};
    cuda::Stream stream;
    const auto on_device = test::to_device(stream, std::vector<SgdStep<T>>{step});
    std::vector<test::Twin<T>> twins;
    for (const std::int64_t n : {0, 1, 3, 4, 5, 257}) twins.push_back(sgd_twin<T>(n, step, on_device.data()));
    test::check_twins(twins);
  }
}

}  // namespace baton::kernels
