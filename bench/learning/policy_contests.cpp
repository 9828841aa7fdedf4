// bc_step/N: LevelTrainer's update on N relabelled tuples, as `baton imitate` runs it: draw and gather, encode,
// forward, log-likelihood, backward, Adam. policy_forward/N: encode and forward of N rows. Policy
// 60 -> 256 -> 256 -> 9, tanh. bc_step_chunks/N: 60 -> 256 -> 256 -> 256 -> 72, GELU, the 8 actions from a step on.
// Limit: the multiply-adds of the layers alone at the machine's peak. Peer: PyTorch.
#include <fmt/format.h>

#include "bench/learning/contest.hpp"
#include "bench/learning/policy_fixture.hpp"
#include "rl/trainer.hpp"

namespace baton::bench {
namespace {

struct ForwardWork {
  PolicyFixture fixture;
  rl::PolicyPass pass;
  explicit ForwardWork(int rows) : fixture(rows) {
    pass.reserve(fixture.policy, rows);
    run();
    const std::span<const float> u = pass.normalized_mean();
    const std::vector<double> want = fixture.in_double().mean();
    require_close("policy_forward", {u.begin(), u.end()}, {want.begin(), want.end()}, 1e-5);
  }
  void run() { pass.infer(fixture.policy, fixture.x.data(), fixture.rows); }
};

struct StepWork {
  PolicyFixture fixture;
  rl::ImitationSettings settings;
  rl::TupleStream stream, none;
  std::unique_ptr<rl::LevelTrainer> trainer;
  int update = 0;

  StepWork(int rows, const FixtureShape& shape) : fixture(rows, shape) {
    verify_gradient();
    settings.batch = rows;
    settings.updates = 1 << 30;
    stream = fixture.stream();
    none.data = &fixture.data;
    trainer = std::make_unique<rl::LevelTrainer>(fixture.policy, stream, none, settings, 1);
    run();
  }
  void run() { trainer->update(update++); }

  // The gradient that the step follows, against the same network in double.
  void verify_gradient() {
    rl::PolicyPass pass;
    std::vector<float> gradient(static_cast<std::size_t>(fixture.policy.parameters()));
    pass.fit(fixture.policy, rl::PolicyLoss::kLogLikelihood, fixture.x.data(), fixture.y.data(), fixture.rows,
             {}, gradient);
    const std::vector<double> want = fixture.in_double().log_likelihood_gradient();
    gradient.resize(want.size());  // without log_std's
    require_close("bc_step's gradient", gradient, {want.begin(), want.end()}, 1e-5);
  }
};

}  // namespace

void add_policy_contests() {
  const auto add_step = [](const std::string& name, int rows, const FixtureShape& shape) {
    add_contest(name, name, 60, [rows, shape] {
      const auto work = std::make_shared<StepWork>(rows, shape);
      return Work{[w = work.get()] { w->run(); }, rows * work->fixture.step_flops(), {}, work};
    });
  };
  for (const int rows : {256, 4096}) add_step(fmt::format("bc_step/{}", rows), rows, {});
  add_step("bc_step_chunks/256", 256, kChunks);
  for (const int rows : {1, 16, 1024}) {
    const std::string name = fmt::format("policy_forward/{}", rows);
    add_contest(name, name, 60, [rows] {
      const auto work = std::make_shared<ForwardWork>(rows);
      return Work{[w = work.get()] { w->run(); }, rows * kForwardFlops, {}, work};
    });
  }
}

}  // namespace baton::bench
