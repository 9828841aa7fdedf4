// MJCF from memory: whatever is accepted is a finite model that can be stepped. Small ones are, once, in double.
#include <cmath>

#include "envs/sim/mjcf/load.hpp"
#include "envs/sim/step.hpp"
#include "tests/fuzz/target.hpp"

using namespace baton;

namespace {

constexpr int kMaxDofs = 12;
constexpr std::size_t kMaxPairs = 12;

void check_step(const sim::Model<double>& m) {
  try {
    sim::check_supported(m);
  } catch (const Error& e) {
    return fuzz::check_message(e.what());
  }
  sim::Data<double> d(m);
  sim::step(m, d);
}

void check(const sim::Model<double>& m) {
  fuzz::promise(m.qpos0.size() == static_cast<std::size_t>(m.nq));
  fuzz::promise(m.dofs.size() == static_cast<std::size_t>(m.nv));
  for (const double q : m.qpos0) fuzz::promise(std::isfinite(q));
  for (const auto& b : m.bodies) fuzz::promise(std::isfinite(b.mass) && std::isfinite(b.invweight[0]));
  for (const auto& d : m.dofs) fuzz::promise(std::isfinite(d.invweight));
  if (m.nv > 0 && m.nv <= kMaxDofs && m.pairs.size() <= kMaxPairs) check_step(m);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run(data, size, [](std::string_view text) { check(sim::mjcf::parse(text, "m.xml")); });
}
