#include "cli/operators.hpp"

#include <algorithm>
#include <vector>

#include "cli/common.hpp"
#include "envs/kitchen/kitchen_env.hpp"
#include "envs/kitchen/teleoperator.hpp"
#include "envs/point_goal/point_goal.hpp"
#include "kernels/error.hpp"

namespace baton::cli {
namespace {

class KitchenOperator final : public DemoOperator {
 public:
  KitchenOperator(int size, const envs::TeleoperatorSettings& settings) : teleoperator_(size, settings) {}

  void reset(int i, const envs::Goal& goal, std::uint64_t seed) override {
    teleoperator_.reset(i, goal.elements, seed);
  }
  void act(std::span<const float> observation, std::span<float> wanted, std::span<float> executed) override {
    teleoperator_.act(observation, wanted, executed);
  }
  bool done(int i) const override { return teleoperator_.done(i); }

 private:
  envs::Teleoperator teleoperator_;
};

// A function of the state alone: neither style nor disturbance.
class PointGoalOperator final : public DemoOperator {
 public:
  PointGoalOperator(int size, const envs::Spec& spec) : spec_(spec), goals_(size), done_(size, false) {}

  void reset(int i, const envs::Goal& goal, std::uint64_t) override {
    goals_[static_cast<std::size_t>(i)] = goal;
    done_[static_cast<std::size_t>(i)] = false;
  }

  void act(std::span<const float> observation, std::span<float> wanted, std::span<float> executed) override {
    const auto s = static_cast<std::size_t>(spec_.state_dim), a = static_cast<std::size_t>(spec_.action_dim);
    for (std::size_t i = 0; i < goals_.size(); ++i) {
      const auto state = observation.subspan(i * s, s);
      envs::point_goal_operator(spec_, goals_[i], state, wanted.subspan(i * a, a));
      done_[i] = std::all_of(goals_[i].elements.begin(), goals_[i].elements.end(), [&](int e) {
        const envs::Element& element = spec_.elements[static_cast<std::size_t>(e)];
        return envs::element_error(element, state, goals_[i].target) < element.epsilon;
      });
    }
    std::copy(wanted.begin(), wanted.end(), executed.begin());
  }

  bool done(int i) const override { return done_[static_cast<std::size_t>(i)]; }

 private:
  envs::Spec spec_;
  std::vector<envs::Goal> goals_;
  std::vector<char> done_;
};

}  // namespace

void DemoBench::simulator_state(int i, std::span<double> qpos, std::span<double> qvel) const {
  if (const auto* kitchen = dynamic_cast<const envs::KitchenEnv*>(env.get()))
    kitchen->get_state(i, qpos, qvel);
}

DemoBench make_demo_bench(const rl::Config& config, int size, bool disturbed) {
  const rl::CollectSettings& c = config.collect;
  const envs::EnvOptions options = env_options(config, size);
  DemoBench bench;
  if (config.env == "kitchen") {
    bench.env =
        std::make_unique<envs::KitchenEnv>(options, envs::KitchenOptions{.start_spread = c.start_spread});
    envs::TeleoperatorSettings settings;
    settings.spread = c.spread;
    settings.tremor = c.tremor;
    settings.disturbance_low = disturbed ? c.disturbance_low : 0;
    settings.disturbance_high = disturbed ? c.disturbance_high : 0;
    bench.operators = std::make_unique<KitchenOperator>(size, settings);
    bench.qpos_dim = envs::kKitchenStateDim;
    bench.qvel_dim = envs::kKitchenQvelDim;
    return bench;
  }
  bench.env = envs::make_env(config.env, options);
  if (config.env != "point_goal")
    fail("{}: has no scripted operator to collect with (kitchen and point_goal have)", config.env);
  bench.operators = std::make_unique<PointGoalOperator>(size, bench.env->spec());
  return bench;
}

}  // namespace baton::cli
