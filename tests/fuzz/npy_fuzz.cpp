// NumPy files from memory: what is accepted has as many finite values as its shape says.
#include <cmath>

#include "rl/data/npy.hpp"
#include "tests/fuzz/target.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run(data, size, [](std::string_view bytes) {
    const rl::NpyArray array = rl::parse_npy(bytes, "a.npy");
    std::int64_t count = 1;
    for (const std::int64_t n : array.shape) count *= n;
    fuzz::promise(count == static_cast<std::int64_t>(array.values.size()));
    for (const double v : array.values) fuzz::promise(std::isfinite(v));
  });
}
