// Every stage against MuJoCo in double, over all models of the folder and both kitchens (docs/fidelity.md).
// BATON_FIDELITY=N (states of each model, at least 45) prints the worst error of each stage and model, and its place.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/sim/stage_errors.hpp"

using namespace baton;
using namespace baton::sim;

#ifdef BATON_HAVE_MUJOCO
using baton::test::Oracle;
using baton::test::StageErrors;

namespace {

// Three kinds of state in turn: drawn at random, and 20 or 200 of MuJoCo's steps later.
void next_state(Oracle& o, Data<double>& d, unsigned seed) {
  d.qacc_warmstart.assign(d.qacc_warmstart.size(), 0.0);
  o.random_state(seed, d, 0.05, 1.0);
  const int steps = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 20 : 200;
  const mjOption exact = o.m->opt;
  o.m->opt.tolerance = 1e-8;  // on the way there, nothing is compared
  for (int k = 0; k < steps; ++k) mj_step(o.m, o.d);
  o.m->opt = exact;
  std::copy_n(o.d->qpos, d.qpos.size(), d.qpos.begin());
  std::copy_n(o.d->qvel, d.qvel.size(), d.qvel.begin());
  std::copy_n(o.d->qacc_warmstart, d.qvel.size(), d.qacc_warmstart.begin());
  mj_forward(o.m, o.d);
}

void compare_states(StageErrors& e, Oracle& o, unsigned states) {
  Data<double> d(o.model);
  test::tighten(o);
  for (unsigned seed = 0; seed < states; ++seed) {
    e.state = fmt::format("state {}", seed);
    next_state(o, d, seed);
    forward(o.model, d);
    test::compare_smooth(e, o, d);
    test::compare_contacts(e, o, d);
    test::forward_with_their_contacts(o, d);
    test::compare_constraints(e, o, d);
  }
}

// 1,000 steps side by side with contacts switched off in both.
void compare_trajectory(StageErrors& e, Oracle& o) {
  test::tighten(o);
  o.m->opt.disableflags |= mjDSBL_CONTACT;
  o.model.pairs.clear();
  Data<double> d(o.model);
  o.random_state(1, d, 0.05, 0.5);
  for (int k = 1; k <= 1000; ++k) {
    mj_step(o.m, o.d);
    step(o.model, d);
    if (k % 50 != 0) continue;
    e.state = fmt::format("step {}", k);
    e.compare(test::kTrajectory, "qpos", d.qpos, test::copy(o.d->qpos, d.qpos.size()));
    e.compare(test::kTrajectory, "qvel", d.qvel, test::copy(o.d->qvel, d.qvel.size()));
  }
}

std::string table_row(const std::string& name, const StageErrors& e) {
  std::string row = "| " + name + " |";
  for (const auto& w : e.worst) row += w.compared == 0 ? " - |" : fmt::format(" {:.0e} |", w.error);
  return row + fmt::format(" {} | {} | {} |", e.worst[test::kContactSet].compared,
                           e.worst[test::kContactDeep].compared, e.astray.size());
}

void print(const std::string& name, const StageErrors& e) {
  if (std::getenv("BATON_FIDELITY") == nullptr) return;
  fmt::print("{}\n", table_row(name, e));
  for (std::size_t s = 0; s < test::kStages; ++s)
    if (e.worst[s].compared > 0)
      fmt::print("    {} {:.2g} {}\n", test::kStageInfo[s].name, e.worst[s].error, e.worst[s].where);
  for (const auto& where : e.astray) fmt::print("    MuJoCo is no oracle: {}\n", where);
}

long warnings = 0;

// MuJoCo warns of states that blow up; it then starts over, and nothing is compared any more.
void count_warning(const char* message) {
  if (++warnings == 1) MESSAGE("MuJoCo: " << std::string(message));
}

unsigned wanted_states() {
  const char* text = std::getenv("BATON_FIDELITY");
  return text == nullptr ? 45 : static_cast<unsigned>(std::max(45, std::atoi(text)));
}

void check_model(const std::string& path) {
  mju_user_warning = count_warning;
  warnings = 0;
  const std::string name = std::filesystem::path(path).stem().string();
  CAPTURE(name);
  StageErrors e;
  Oracle o = Oracle::from_file(path);
  compare_states(e, o, wanted_states());
  Oracle alone = Oracle::from_file(path);
  compare_trajectory(e, alone);
  mju_user_warning = nullptr;
  CHECK(warnings == 0);
  print(name, e);
  for (std::size_t s = 0; s < test::kStages; ++s) {
    const auto& w = e.worst[s];
    CHECK_MESSAGE(w.error <= test::kStageInfo[s].limit,
                  name << ": " << test::kStageInfo[s].name << " differs by " << w.error << " at " << w.where);
  }
  CHECK(2 * static_cast<long>(e.astray.size()) <= e.worst[test::kContactDeep].compared);
  for (auto s : {test::kKinematics, test::kInertia, test::kSmooth, test::kAcceleration, test::kTrajectory})
    CHECK(e.worst[s].compared > 0);
}

}  // namespace
#endif

TEST_CASE("every stage equals MuJoCo's on every model of the folder") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  const auto paths = test::model_files();
  CHECK(paths.size() >= 12);
  for (const auto& path : paths) check_model(path);
#endif
}

TEST_CASE("every stage equals MuJoCo's in the kitchen") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  check_model(test::source_path("envs/kitchen/kitchen.xml"));
#endif
}

TEST_CASE("every stage equals MuJoCo's in the original kitchen, with its meshes") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  if (const std::string path = test::franka_kitchen(); !path.empty()) check_model(path);
#endif
}
