// --device on machines without a GPU.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/process.hpp"
#ifdef BATON_HAVE_CUDA
#include "kernels/cuda/device.hpp"
#endif

namespace baton {
namespace {

void check_refused(const std::vector<std::string>& arguments, int code, const std::string& expected) {
  const test::Outcome outcome = test::run_baton(arguments);
  CHECK_MESSAGE(outcome.code == code, outcome.err);
  CHECK_MESSAGE(outcome.err.find(expected) != std::string::npos, outcome.err, " does not say ", expected);
}

}  // namespace

TEST_CASE("--device cuda where there is no GPU: one line with the reason, exit code 1, nothing written") {
  if (std::filesystem::exists("/dev/nvidiactl")) return;  // tests/rl and tests/sim try the device itself
#ifdef BATON_HAVE_CUDA
  // Why depends on what is installed of a driver.
  const std::string reason = "baton: --device cuda: " + kernels::cuda::unavailable_reason();
#else
  const std::string reason =
      "baton: --device cuda: this baton was built without CUDA: configure with -Dcuda=enabled where nvcc is "
      "installed";
#endif
  const test::TemporaryFolder folder;
  const std::string run = folder.file("run"), model = BATON_SOURCE_ROOT "/tests/sim/models/chain.xml";
  check_refused({"imitate", "--demos", "none.h5", "--out", run, "--device", "cuda"}, 1, reason);
  check_refused(
      {"finetune", "--init", "none", "--goal", "x", "--variant", "npg", "--out", run, "--device", "cuda"}, 1,
      reason);
  check_refused({"testspeed", model, "--device", "cuda"}, 1, reason);
  CHECK(folder.listing().empty());
}

TEST_CASE("--device: what it is not") {
  const std::string model = BATON_SOURCE_ROOT "/tests/sim/models/chain.xml";
  check_refused({"testspeed", model, "--device", "cuda", "--precision", "double"}, 2,
                "--device cuda is float");
  check_refused({"imitate", "--demos", "x.h5", "--out", "run", "--device", "tpu"}, 2, "tpu");
  check_refused({"testspeed", model, "--device", "cpu", "--envs", "2", "--steps", "2"}, 0, "");
}

}  // namespace baton
