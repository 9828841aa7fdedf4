#include "rl/distill.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/data/tuples.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/policy_pass.hpp"

namespace baton::rl {
namespace {

// Replaces each action by what the teacher's mean chunk says of that step. `rows` are the episodes kept.
void relabel_actions(const Teacher& teacher, std::span<const int> rows, const envs::Spec& spec,
                     Dataset& data) {
  const Trajectories& t = *teacher.rollouts;
  const GaussianPolicy& low = teacher.policy->low;
  const std::size_t A = static_cast<std::size_t>(t.action_dim), S = static_cast<std::size_t>(t.state_dim),
                    width = static_cast<std::size_t>(low.out_dim());
  PolicyPass pass;
  std::vector<float> x, y;
  for (std::size_t e = 0; e < rows.size(); ++e) {
    const int first = t.low.offsets[static_cast<std::size_t>(rows[e])],
              count = t.low.offsets[static_cast<std::size_t>(rows[e]) + 1] - first;
    x.clear();
    for (int k = first; k < first + count; ++k) {
      const int start = t.low.spans[static_cast<std::size_t>(k)].start;
      for (const auto part : {t.observation(rows[e], start), t.low_goal(rows[e], start)})
        x.insert(x.end(), part.begin(), part.end());
    }
    y.resize(static_cast<std::size_t>(count) * width);
    pass.infer(low, x.data(), count);
    pass.mean(low, y.data());
    for (int step = 0; step < t.horizon; ++step) {
      const int k = t.low.at[static_cast<std::size_t>(rows[e]) * t.horizon + step];
      const std::size_t at =
          static_cast<std::size_t>(k - first) * width +
          A * static_cast<std::size_t>(step - t.low.spans[static_cast<std::size_t>(k)].start);
      const auto row = static_cast<std::size_t>(data.offsets[e] + step);
      const auto action = std::span(data.actions).subspan(row * A, A);
      action_of_label(spec, teacher.policy->tuples.chunk.labels, t.observation(rows[e], step).first(S),
                      std::span(y).subspan(at, A), action);
      for (float& a : action) a = std::clamp(a, -1.0f, 1.0f);
    }
  }
}

Dataset teacher_data(const Teacher& teacher, const envs::Spec& spec, const DistillSettings& settings) {
  const Trajectories& t = *teacher.rollouts;
  std::vector<int> rows;
  for (int e = 0; e < t.n; ++e) {
    if (t.success[static_cast<std::size_t>(e)] != 0 || !settings.only_successful) rows.push_back(e);
  }
  if (rows.empty()) {
    rows.resize(static_cast<std::size_t>(t.n));
    std::iota(rows.begin(), rows.end(), 0);
  }
  Dataset data = select(to_dataset(t), rows);
  if (settings.teacher_actions) relabel_actions(teacher, rows, spec, data);
  return data;
}

std::vector<int> episode_range(int first, int last) {
  std::vector<int> episodes(static_cast<std::size_t>(std::max(0, last - first)));
  std::iota(episodes.begin(), episodes.end(), first);
  return episodes;
}

// The tuples of one level: of the teachers' episodes, which come first, and of the demonstrations behind them.
TupleStream mixed_stream(const RelayPolicy& policy, int level, const Dataset& data, int own,
                         const envs::Spec& spec, float demos_fraction) {
  const TupleRule rule = find_method(policy.base).rule(level);
  TupleStream stream = make_stream(rule, data, {}, policy.tuples, spec);
  const int window = window_of(rule, policy.tuples);
  const double demos = data.episodes() > own ? static_cast<double>(demos_fraction) : 0.0;
  if (demos < 1) stream.sources.push_back({RelabelIndex(data, window, episode_range(0, own)), 1 - demos});
  if (demos > 0)
    stream.sources.push_back({RelabelIndex(data, window, episode_range(own, data.episodes())), demos});
  return stream;
}

}  // namespace

RelayPolicy distill(const RelayPolicy& start, std::span<const Teacher> teachers, const Dataset* demos,
                    const envs::Spec& spec, const DistillSettings& settings, std::uint64_t seed,
                    const ProgressCallback& progress) {
  BATON_REQUIRE(!teachers.empty(), "distill: no teachers, at least one policy is needed");
  const int state_dim = start.low.encoding().state_dim, action_dim = spec.action_dim;
  Dataset data;
  for (const Teacher& teacher : teachers) {
    BATON_REQUIRE(teacher.policy->low.spec().in == start.low.spec().in &&
                      teacher.policy->low.out_dim() == start.low.out_dim() &&
                      teacher.policy->hierarchical() == start.hierarchical(),
                  "distill: a teacher takes {} inputs, gives {} numbers and is {}, the start {}, {} and {}",
                  teacher.policy->low.in_dim(), teacher.policy->low.out_dim(),
                  teacher.policy->hierarchical() ? "bi-level" : "flat", start.low.in_dim(),
                  start.low.out_dim(), start.hierarchical() ? "bi-level" : "flat");
    BATON_REQUIRE(teacher.rollouts->state_dim == state_dim && teacher.rollouts->action_dim == action_dim,
                  "distill: rollouts have states of {} and actions of {}, {} and {} are expected",
                  teacher.rollouts->state_dim, teacher.rollouts->action_dim, state_dim, action_dim);
    append(data, teacher_data(teacher, spec, settings));
  }
  const int own = data.episodes();
  if (demos != nullptr && settings.demos_fraction > 0) append(data, *demos);
  validate(data, "distill");
  RelayPolicy policy = start;
  policy.method = "distilled";
  ImitationSettings imitation = settings.imitation;
  if (imitation.state_noise < 0) imitation.state_noise = start.state_noise;
  if (imitation.goal_noise < 0) imitation.goal_noise = start.goal_noise;
  policy.state_noise = imitation.state_noise, policy.goal_noise = imitation.goal_noise;
  policy.tuples.final_goal_fraction = imitation.final_goal_fraction;
  policy.tuples.target_goal_fraction = data.goal_targets.empty() ? 0.0f : imitation.target_goal_fraction;
  std::vector<TupleStream> train, heldout;
  const auto table = std::make_shared<const StateTable>(data);
  for (int level = 0; level < policy.levels(); ++level) {
    train.push_back(mixed_stream(policy, level, data, own, spec, settings.demos_fraction));
    train.back().table = table;
    heldout.emplace_back();
  }
  train_levels(policy, train, heldout, imitation, kernels::mix_seed(seed, 3), "distill", progress);
  return policy;
}

void list_settings(SettingsTable& table, const std::string& section, DistillSettings& s) {
  table.add(section + ".only_successful", &s.only_successful,
            "learn from successful rollouts alone, where there are any");
  table.add(section + ".teacher_actions", &s.teacher_actions, "targets are the teachers' mean actions");
  table.add(section + ".demos_fraction", &s.demos_fraction, "share of tuples from the demonstrations", 0, 1);
  table.add(section + ".episodes", &s.episodes, "rollouts of each teacher", 1, 1e6);
  table.add(section + ".explore", &s.explore, "multiple of sigma in those rollouts", 0, 100);
  list_settings(table, section, s.imitation, -1);
}

}  // namespace baton::rl
