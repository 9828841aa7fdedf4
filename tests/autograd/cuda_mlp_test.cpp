// The MLP's pass on a device against the processor's.
#include <doctest/doctest.h>

#include <limits>

#include "autograd/cuda/mlp.hpp"
#include "tests/support/cuda_twin.hpp"

using namespace baton;

namespace {

// A sum of n products of floats in another order: n eps times the sum of their magnitudes, here below 8.
double rounding(int n) { return 8 * n * static_cast<double>(std::numeric_limits<float>::epsilon()); }

void compare(const ag::MlpSpec& spec, int rows) {
  const auto parameters = static_cast<std::size_t>(ag::parameter_count(spec)),
             outputs = static_cast<std::size_t>(rows) * static_cast<std::size_t>(spec.out),
             inputs = static_cast<std::size_t>(rows) * static_cast<std::size_t>(spec.in);
  std::vector<float> theta(parameters);
  ag::init_parameters<float>(spec, 3, 1.0f, theta);
  const std::vector<float> shift = test::normals<float>(parameters, 4), x = test::normals<float>(inputs, 5),
                           u = test::normals<float>(outputs, 6), v = test::normals<float>(parameters, 7);
  for (std::size_t i = 0; i < parameters; ++i) theta[i] += 0.1f * shift[i];  // biases, too
  std::vector<float> dtheta(parameters), y_dot(outputs);
  ag::MlpPass<float> here(spec, rows);
  here.forward(theta, x.data(), rows);
  here.vjp(theta, u.data(), dtheta);
  here.jvp(theta, v, y_dot.data());

  kernels::cuda::Stream stream;
  kernels::cuda::Blas blas(stream);
  kernels::cuda::Arena arena(ag::cuda::MlpPass::footprint(spec, rows));
  ag::cuda::MlpPass there(spec, rows, arena);
  CHECK(arena.used() == arena.capacity());
  const auto on_device = test::to_device(stream, theta), u_on_device = test::to_device(stream, u),
             v_on_device = test::to_device(stream, v);
  const kernels::cuda::Buffer<float> got_dtheta(ag::parameter_count(spec)), got_y_dot(y_dot.size());
  kernels::cuda::upload<float>(stream, x, there.input());
  there.forward(blas, on_device.data());
  there.vjp(blas, on_device.data(), u_on_device.data(), got_dtheta.data());
  there.jvp(blas, on_device.data(), v_on_device.data(), got_y_dot.data());
  std::vector<float> y(outputs);
  kernels::cuda::download<float>(stream, there.output(), y);
  stream.synchronize();
  test::check_close(std::span<const float>(y), here.output(), rounding(33), rounding(33), "y");
  test::check_close(test::to_host(stream, got_dtheta), dtheta, rounding(rows + 33), rounding(rows + 33),
                    "dtheta");
  test::check_close(test::to_host(stream, got_y_dot), y_dot, rounding(33), rounding(33), "y_dot");
}

}  // namespace

TEST_CASE("cuda: an MLP's output and both its products are the processor's; its memory is what it says") {
  for (const bool layer_norm : {false, true})
    for (const auto activation : {ag::Activation::kTanh, ag::Activation::kGelu})
      for (const std::vector<int>& hidden :
           {std::vector<int>{}, std::vector<int>{5}, std::vector<int>{33, 12}})
        for (const int rows : {1, 37, 600}) {
          CAPTURE(layer_norm);
          CAPTURE(rows);
          compare({5, hidden, 3, activation, layer_norm}, rows);
        }
}
