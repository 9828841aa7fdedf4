// Logs from memory: what is accepted is one valid episode whose actions lie within -1..1.
#include <cmath>

#include "rl/data/demonstrations.hpp"
#include "tests/fuzz/target.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run(data, size, [](std::string_view bytes) {
    rl::MjlReport report;
    const rl::Dataset episode = rl::parse_mjl(bytes, "a.mjl", &report);
    rl::validate(episode, "a.mjl");
    fuzz::promise(episode.episodes() == 1 && episode.steps() == (report.records + 39) / 40);
    fuzz::promise(report.truncated_bytes >= 0 &&
                  report.truncated_bytes < static_cast<std::int64_t>(bytes.size()));
    for (const float a : episode.actions) fuzz::promise(std::abs(a) <= 1);
  });
}
