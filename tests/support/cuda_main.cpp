// Runs the tests of the CUDA kernels; where no device can be used, only what is true without one.
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/cuda/device.hpp"

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const std::string reason = baton::kernels::cuda::unavailable_reason();
  if (reason.empty()) {
    context.addFilter("test-case-exclude", "without a device*");
  } else {
    std::printf("skipped: CUDA kernels on a device: %s\n", reason.c_str());
    context.addFilter("test-case", "without a device*");
  }
  return context.run();
}
