#include "rl/evaluate.hpp"
#include "rl/imitation.hpp"
#include "rl/methods/method.hpp"
#include "rl/rollout.hpp"
#include "tests/rl/point_goal_demos.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::TemporaryFolder;

namespace {

Trajectories roll_out(const Agent& agent, const std::string& goals, int episodes) {
  const auto env = envs::make_env("point_goal", {.size = 8});
  const auto actor = agent.make_actor(env->spec(), env->size());
  return rollout(*env, *actor, env->goals(goals), {.episodes = episodes, .seed = 5});
}

std::unique_ptr<Agent> learned(const Method& method, const Dataset& demos, int updates) {
  ImitationSettings settings;
  settings.updates = updates;
  settings.batch = 128;
  settings.lr = 2e-3f;
  return learn(demos, test::point_goal_spec(), method, test::point_goal_policy_settings(), settings, 1);
}

}  // namespace

TEST_CASE("methods: names are unique, found, and unknown ones refused with the nearest") {
  CHECK(&find_method("ril") == methods().front());
  for (const Method* method : methods()) {
    CHECK(&find_method(method->name) == method);
    CHECK_FALSE(method->help.empty());
    CHECK(method->trained() == (method->load == nullptr));
  }
  CHECK_THROWS_WITH_AS(find_method("oracel"), doctest::Contains("did you mean 'oracle'?"), UsageError);
}

TEST_CASE("methods: each learns, is saved, and acts the same after it was loaded") {
  const Dataset demos = test::point_goal_demos(6, 0.1f, 4);
  for (const Method* method : methods()) {
    CAPTURE(method->name);
    const TemporaryFolder folder;
    const auto agent = learned(*method, demos, 20);
    agent->config = "seed = 1\n";
    CHECK(agent->method == method->name);
    CHECK(agent->env == "point_goal");
    agent->save(folder.file("run"));
    const auto back = load_agent(folder.file("run"));
    CHECK(back->method == agent->method);
    CHECK(back->env == agent->env);
    CHECK(back->config == agent->config);
    CHECK_FALSE(back->describe().empty());
    CHECK((back->relay() != nullptr) == method->trained());
    CHECK(roll_out(*agent, "all", 2).actions == roll_out(*back, "all", 2).actions);
  }
}

TEST_CASE("nearest: replays the demonstration that ends closest to the goal, then zeros") {
  Dataset demos = test::point_goal_demos(3, 0, 4);  // one of each goal: left_top, top_right, left_right
  for (int e = 0; e < 3; ++e) {
    for (int t = 0; t < demos.length(e); ++t)
      demos.actions[(demos.offsets[e] + t) * 2] = 0.1f * static_cast<float>(e + 1);
  }
  const auto agent = learned(method::nearest, demos, 1);
  const Trajectories own = roll_out(*agent, "all", 1);
  CHECK_FALSE(own.hierarchical());
  for (int e = 0; e < 3; ++e) {
    CAPTURE(e);
    for (const int t : {0, 17, 89}) {
      CHECK(own.action(e, t)[0] == 0.1f * static_cast<float>(e + 1));
      CHECK(own.action(e, t)[1] == demos.action(e, t)[1]);
    }
  }
  // Shorter than the episode: what follows is zero.
  Dataset brief = test::counting_dataset({3}, 5, 2);
  const auto replayed = roll_out(*learned(method::nearest, brief, 1), "left_top", 1);
  CHECK(replayed.action(0, 2)[0] == brief.action(0, 2)[0]);
  CHECK(replayed.action(0, 3)[0] == 0);
  CHECK(replayed.action(0, 3)[1] == 0);
}

TEST_CASE("nearest: undisturbed demonstrations complete their goals again from nearby starts") {
  const Dataset demos = test::point_goal_demos(30, 0, 4);
  const auto env = envs::make_env("point_goal", {.size = 8});
  const auto agent = learned(method::nearest, demos, 1);
  const auto actor = agent->make_actor(env->spec(), env->size());
  const Evaluation evaluation = evaluate(*env, *actor, env->goals("all"), {.episodes = 20, .seed = 9});
  CHECK(evaluation.mean.step_completion > 0.3);  // a start 0.1 away misses some knobs
  CHECK_THROWS_WITH_AS(agent->make_actor(test::kPointMass, 2), doctest::Contains("point_mass has 3 and 2"),
                       Error);
}

TEST_CASE("oracle: a subgoal ends when it is reached; segments are the episode's, not a clock's") {
  const Dataset demos = test::point_goal_demos(30, 0.1f, 4);
  const auto agent = learned(method::oracle, demos, 300);
  REQUIRE(agent->relay() != nullptr);
  CHECK(agent->relay()->subgoal_end == SubgoalEnd::kReached);
  const Trajectories own = roll_out(*agent, "all", 3);
  REQUIRE(own.hierarchical());
  REQUIRE(own.high.offsets.size() == static_cast<std::size_t>(own.n) + 1);
  for (int e = 0; e < own.n; ++e) {
    int next = 0;
    for (int k = own.high.offsets[e]; k < own.high.offsets[e + 1]; ++k) {
      CHECK(own.high.spans[k].start == next);
      CHECK(own.high.spans[k].length <= own.subgoal_every);
      for (int t = next; t < next + own.high.spans[k].length; ++t) CHECK(own.segment(e, t) == k);
      next += own.high.spans[k].length;
    }
    CHECK(next == own.horizon);
  }
}
