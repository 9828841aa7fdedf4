#include "rl/finetune.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "rl/hierarchy.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/rl/point_goal_demos.hpp"
#include "tests/support/compare.hpp"

using namespace baton;

namespace {

rl::RelayPolicy imitated(const rl::Dataset& demos, const std::string& method, int updates,
                         rl::HeadKind head = rl::HeadKind::kGaussian) {
  rl::ImitationSettings settings;
  settings.updates = updates;
  settings.batch = 128;
  settings.lr = 2e-3f;
  rl::PolicySettings shape = test::point_goal_policy_settings();
  shape.head = head;
  return rl::imitate(demos, test::point_goal_spec(), rl::find_method(method), shape, settings, 1);
}

rl::FinetuneSettings small_settings() {
  rl::FinetuneSettings settings;
  settings.iterations = 2;
  settings.episodes = 8;
  settings.eval_every = 1;
  settings.eval_episodes = 4;
  settings.demo_rows = 256;
  settings.baseline.epochs = 2;
  return settings;
}

bool same_theta(const rl::GaussianPolicy& a, const rl::GaussianPolicy& b) {
  return a.parameters() == b.parameters() &&
         std::memcmp(a.theta().data(), b.theta().data(), a.theta().size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE(
    "finetune: the same bytes for 1 and 2 threads and any batch of environments, every variant and level") {
  const rl::Dataset demos = test::point_goal_demos(6, 0.2f, 4);
  const rl::RelayPolicy start = imitated(demos, "ril", 20);
  const std::pair<rl::Variant, rl::Levels> cases[] = {{rl::Variant::kNpg, rl::Levels::kLow},
                                                      {rl::Variant::kDapg, rl::Levels::kHigh},
                                                      {rl::Variant::kIril, rl::Levels::kBoth}};
  for (const auto& [variant, levels] : cases) {
    rl::FinetuneSettings settings = small_settings();
    settings.variant = variant;
    settings.levels = levels;
    const auto run = [&](int threads, int batch) {
      kernels::set_threads(threads);
      const auto env = envs::make_env("point_goal", {.size = batch});
      return rl::finetune(*env, start, env->goals("left_top").front(), &demos, settings, 3);
    };
    const rl::FinetuneResult one = run(1, 3), two = run(2, 16);
    CHECK(same_theta(one.last.low, two.last.low));
    CHECK(same_theta(*one.last.high, *two.last.high));
    CHECK(same_theta(one.best.low, two.best.low));
    CHECK(same_theta(one.last.low, start.low) == (settings.levels == rl::Levels::kHigh));
    CHECK(same_theta(*one.last.high, *start.high) == (settings.levels == rl::Levels::kLow));
    CHECK(one.last.method == std::string(rl::variant_name(settings.variant)) + "-rpl");
  }
  kernels::set_threads(0);
}

TEST_CASE("finetune: metrics of every iteration, best policy among the evaluated, progress stops the work") {
  const rl::Dataset demos = test::point_goal_demos(6, 0.2f, 4);
  const rl::RelayPolicy start = imitated(demos, "ril", 20);
  const auto env = envs::make_env("point_goal", {.size = 8});
  const envs::Goal goal = env->goals("left_top").front();
  std::vector<nlohmann::ordered_json> lines;
  std::int64_t last = -1;
  const rl::FinetuneResult result =
      rl::finetune(*env, start, goal, &demos, small_settings(), 3, [&](const rl::Progress& progress) {
        CHECK(progress.done >= last);
        last = progress.done;
        CHECK(progress.total == 2 * 8 * 90);
        if (progress.metrics) lines.push_back(*progress.metrics);
        return true;
      });
  CHECK(last == 2 * 8 * 90);
  REQUIRE(lines.size() == 2);
  for (const auto& line : lines) {
    for (const char* key : {"iteration", "env_steps", "goal", "success", "step_completion", "low", "eval"})
      CHECK(line.contains(key));
    for (const char* key :
         {"accepted", "step", "kl", "predicted_kl", "improvement", "predicted_improvement", "gradient_norm",
          "cg_iterations", "cg_residual", "explained_variance", "return", "log_std"}) {
      CHECK(line["low"].contains(key));
    }
  }
  const auto value = [](const rl::GoalResult& r) { return r.success + r.step_completion / 2; };
  CHECK(value(result.best_result) >= value(result.start_result));
  CHECK(value(result.best_result) >= value(result.last_result));
  int calls = 0;
  CHECK_THROWS_AS(rl::finetune(*env, start, goal, &demos, small_settings(), 3,
                               [&](const rl::Progress&) { return ++calls < 150; }),
                  rl::Interrupted);
}

TEST_CASE("finetune: what cannot be fine-tuned is refused with the reason") {
  const auto env = envs::make_env("point_goal", {.size = 2});
  const envs::Goal goal = env->goals("left_top").front();
  rl::FinetuneSettings settings = small_settings();
  settings.variant = rl::Variant::kDapg;
  CHECK_THROWS_WITH_AS(rl::finetune(*env, test::hand_relay(true), goal, nullptr, settings, 1),
                       doctest::Contains("demonstrations"), UsageError);
  settings.variant = rl::Variant::kNpg;
  settings.levels = rl::Levels::kBoth;
  CHECK_THROWS_WITH_AS(rl::finetune(*env, test::hand_relay(false), goal, nullptr, settings, 1),
                       doctest::Contains("flat"), UsageError);
  settings.levels = rl::Levels::kLow;
  CHECK_THROWS_AS(rl::finetune(*env, test::hand_relay(true, 10, 6, 2), goal, nullptr, settings, 1), Error);
}

TEST_CASE("finetune: flat policies are fine-tuned, too, with and without the demonstration term") {
  const rl::Dataset demos = test::point_goal_demos(6, 0.2f, 4);
  const auto env = envs::make_env("point_goal", {.size = 8});
  for (const std::string method : {"gcbc", "bc"}) {
    rl::FinetuneSettings settings = small_settings();
    settings.variant = rl::Variant::kDapg;
    settings.iterations = 1;
    const rl::RelayPolicy start = imitated(demos, method, 20);
    const rl::FinetuneResult result =
        rl::finetune(*env, start, env->goals("left_top").front(), &demos, settings, 1);
    CHECK(!same_theta(result.last.low, start.low));
    CHECK(result.last.method == "dapg-" + method);
  }
}

TEST_CASE("the method on point_goal: every head learns, acts and is fine-tuned within its trust region") {
  const rl::Dataset demos = test::point_goal_demos(60, 0.1f, 5);
  const auto env = envs::make_env("point_goal", {.size = 64});
  const std::vector<envs::Goal> goals = env->goals("left_right");
  rl::RolloutOptions options;
  options.episodes = 64;
  options.seed = 99;
  const auto steps = [&](const rl::RelayPolicy& policy) {
    rl::RelayActor actor(policy, env->spec(), env->size());
    return rl::evaluate(*env, actor, goals, options).goals.front().step_completion;
  };
  for (const rl::HeadKind head : {rl::HeadKind::kTwoPass, rl::HeadKind::kMixture}) {
    CAPTURE(rl::kHeadNames.at(static_cast<std::size_t>(head)));
    const rl::RelayPolicy start = imitated(demos, "ril", 1500, head);
    MESSAGE("step completion, untrained " << steps(imitated(demos, "ril", 1, head)) << ", imitation "
                                          << steps(start));
    CHECK(steps(start) > steps(imitated(demos, "ril", 1, head)) + 0.3);
    for (const rl::Variant variant : {rl::Variant::kNpg, rl::Variant::kDapg, rl::Variant::kIril}) {
      rl::FinetuneSettings settings = small_settings();
      settings.variant = variant;
      settings.eval_every = 0;
      settings.npg.kl = 0.02f;
      int accepted = 0;
      const rl::FinetuneResult result =
          rl::finetune(*env, start, goals.front(), &demos, settings, 7, [&](const rl::Progress& now) {
            if (now.metrics == nullptr) return true;
            const auto& low = (*now.metrics)["low"];
            accepted += low["accepted"].get<bool>();
            CHECK(low["kl"].get<double>() <= 1.5 * 0.02);
            return true;
          });
      CHECK(accepted > 0);
      CHECK(!same_theta(result.last.low, start.low));
    }
  }
}

TEST_CASE("the method on point_goal: relay imitation alone does something, fine-tuning makes it reliable") {
  const rl::Dataset demos = test::point_goal_demos(60, 0.1f, 5);
  const rl::RelayPolicy start = imitated(demos, "ril", 2000);
  const auto env = envs::make_env("point_goal", {.size = 64});
  rl::FinetuneSettings settings = small_settings();
  settings.variant = rl::Variant::kNpg;
  settings.iterations = 25;
  settings.episodes = 48;
  settings.eval_every = 0;
  settings.npg.kl = 0.03f;
  settings.baseline.epochs = 4;
  const std::vector<envs::Goal> goals = env->goals("left_right");
  rl::RolloutOptions options;
  options.episodes = 64;
  options.seed = 99;
  const auto evaluate = [&](const rl::RelayPolicy& policy) {
    rl::RelayActor actor(policy, env->spec(), env->size());
    return rl::evaluate(*env, actor, goals, options).goals.front();
  };
  const rl::GoalResult before = evaluate(start);
  const rl::FinetuneResult result = rl::finetune(*env, start, goals.front(), nullptr, settings, 7);
  const rl::GoalResult after = evaluate(result.last);
  MESSAGE("left_right before: success " << before.success << ", steps " << before.step_completion
                                        << "; after: success " << after.success << ", steps "
                                        << after.step_completion);
  CHECK(before.step_completion > 0.3);
  CHECK(after.success >= before.success + 0.2);
}
