#include "rl/rollout.hpp"

#include <algorithm>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/completion.hpp"

namespace baton::rl {
namespace {

// Copies rows of a batch [N][dim] into place (row0 + n, t) of an array [n][rows][dim].
void store(std::span<const float> batch, int dim, int count, int first, int t, int rows,
           std::vector<float>& out) {
  for (int n = 0; n < count; ++n) {
    std::copy_n(&batch[static_cast<std::size_t>(n) * dim], dim,
                &out[(static_cast<std::size_t>(first + n) * rows + t) * dim]);
  }
}

// One batch of episodes first .. first+count-1 of `out`, whose goals and seeds are set; spare environments repeat the
// batch's first episode and are thrown away.
class BatchRollout {
 public:
  BatchRollout(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals, Trajectories& out)
      : env_(env),
        goals_(goals),
        out_(out),
        actor_(actor),
        actions_(static_cast<std::size_t>(env.size()) * out.action_dim),
        low_(static_cast<std::size_t>(env.size())),
        high_(static_cast<std::size_t>(env.size())) {}

  void run(int first, int count, int per_goal, const RolloutOptions& options,
           const ProgressCallback& progress) {
    begin(first, count, per_goal, options);
    for (int t = 0; t < out_.horizon; ++t) {
      actor_.act(t, env_.observation(), actions_);
      store(actions_, out_.action_dim, count, first, t, out_.horizon, out_.actions);
      note(actor_.proposed(), actor_.subgoals(), out_.high.width, count, t, high_);
      note(actor_.planned(), actor_.chunks(), out_.low.width, count, t, low_);
      env_.step(actions_);
      observe(first, count, t + 1);
      report(progress, {.stage = options.stage,
                        .done = static_cast<std::int64_t>(first) * out_.horizon +
                                static_cast<std::int64_t>(t + 1) * count,
                        .total = static_cast<std::int64_t>(out_.n) * out_.horizon});
    }
    for (int n = 0; n < count; ++n) {
      if (out_.hierarchical()) out_.high.add_episode(high_[n].starts, high_[n].values, out_.horizon);
      if (out_.low.width > 0) out_.low.add_episode(low_[n].starts, low_[n].values, out_.horizon);
    }
  }

 private:
  void begin(int first, int count, int per_goal, const RolloutOptions& options) {
    const int size = env_.size();
    std::vector<float> targets;
    std::vector<std::uint64_t> seeds(size);
    for (int n = 0; n < size; ++n) {
      const int episode = n < count ? first + n : first;
      const std::vector<float>& target = goals_[episode / per_goal].target;
      targets.insert(targets.end(), target.begin(), target.end());
      seeds[n] = out_.seeds[episode];
      for (Noted* noted : {&low_[n], &high_[n]}) noted->starts.clear(), noted->values.clear();
    }
    env_.reset(seeds);
    actor_.begin(targets, seeds, options.exploration);
    store(actor_.goals(), out_.state_dim, count, first, 0, 1, out_.goal_targets);
    observe(first, count, 0);
  }

  // What a level decided in an episode so far.
  struct Noted {
    std::vector<int> starts;
    std::vector<float> values;
  };

  static void note(std::span<const std::uint8_t> fresh, std::span<const float> held, int width, int count,
                   int t, std::vector<Noted>& noted) {
    const std::size_t w = static_cast<std::size_t>(width);
    for (std::size_t n = 0; !fresh.empty() && n < static_cast<std::size_t>(count); ++n) {
      if (fresh[n] == 0) continue;
      noted[n].starts.push_back(t);
      noted[n].values.insert(noted[n].values.end(), held.begin() + static_cast<std::ptrdiff_t>(n * w),
                             held.begin() + static_cast<std::ptrdiff_t>((n + 1) * w));
    }
  }

  void observe(int first, int count, int t) {
    store(env_.observation(), out_.state_dim, count, first, t, out_.horizon + 1, out_.observations);
    store(env_.state(), out_.state_dim, count, first, t, out_.horizon + 1, out_.states);
  }

  envs::BatchEnv& env_;
  std::span<const envs::Goal> goals_;
  Trajectories& out_;
  Actor& actor_;
  std::vector<float> actions_;
  std::vector<Noted> low_, high_;  // [rows]
};

}  // namespace

std::uint64_t episode_seed(std::uint64_t seed, std::string_view goal, int episode) {
  std::uint64_t name = 0;
  for (const char c : goal) name = kernels::mix_seed(name, static_cast<unsigned char>(c), 1);
  return kernels::mix_seed(seed, name, static_cast<std::uint64_t>(episode));
}

Trajectories rollout(envs::BatchEnv& env, Actor& actor, std::span<const envs::Goal> goals,
                     const RolloutOptions& options, const ProgressCallback& progress) {
  const envs::Spec& spec = env.spec();
  BATON_REQUIRE(actor.rows() == env.size(), "rollout: an actor of {} rows in {} environments", actor.rows(),
                env.size());
  BATON_REQUIRE(options.episodes > 0 && !goals.empty(), "rollout: {} goals with {} episodes each",
                goals.size(), options.episodes);
  Trajectories out;
  out.horizon = spec.horizon;
  out.state_dim = spec.state_dim;
  out.action_dim = spec.action_dim;
  out.subgoal_every = actor.subgoal_every();
  out.resize(static_cast<int>(goals.size()) * options.episodes);
  out.low.reset(actor.chunk_width());
  for (int i = 0; i < out.n; ++i) {
    const envs::Goal& goal = goals[i / options.episodes];
    BATON_REQUIRE(static_cast<int>(goal.target.size()) == spec.state_dim,
                  "goal {} has {} coordinates, {} has {}", goal.name, goal.target.size(), spec.name,
                  spec.state_dim);
    out.goal_names[i] = goal.name;
    out.seeds[i] = episode_seed(options.seed, goal.name, options.first_episode + i % options.episodes);
  }
  BatchRollout batch(env, actor, goals, out);
  for (int first = 0; first < out.n; first += env.size()) {
    batch.run(first, std::min(env.size(), out.n - first), options.episodes, options, progress);
  }
  for (int i = 0; i < out.n; ++i)
    out.success[i] = completion(spec, goals[i / options.episodes], out.episode_states(i)).all();
  return out;
}

}  // namespace baton::rl
