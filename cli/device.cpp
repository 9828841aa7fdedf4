#include "cli/device.hpp"

#include "kernels/error.hpp"
#ifdef BATON_HAVE_CUDA
#include "envs/sim/cuda/tile.hpp"
#include "kernels/cuda/device.hpp"
#include "rl/cuda/fisher_solve.hpp"
#include "rl/cuda/level.hpp"
#endif

namespace baton::cli {

void add_device(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "cpu, or cuda: an NVIDIA GPU")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->default_str("cpu");
}

Device use_device(const std::string& name) {
  if (name.empty() || name == "cpu") return {};
#ifdef BATON_HAVE_CUDA
  const std::string reason = kernels::cuda::unavailable_reason();
  BATON_REQUIRE(reason.empty(), "--device cuda: {}", reason);
  return {.name = name,
          .level = rl::cuda::make_level,
          .solve = rl::cuda::make_solve,
          .batch = sim::cuda::make_tile};
#else
  fail(
      "--device cuda: this baton was built without CUDA: configure with -Dcuda=enabled where nvcc is "
      "installed");
#endif
}

}  // namespace baton::cli
