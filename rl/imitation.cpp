#include "rl/imitation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/names.hpp"
#include "kernels/rng.hpp"
#include "rl/hierarchy.hpp"

namespace baton::rl {
namespace {

void require_fit(const Dataset& data, const envs::Spec& spec) {
  validate(data, "demonstrations");
  BATON_REQUIRE(data.state_dim == spec.state_dim && data.action_dim == spec.action_dim,
                "demonstrations: states have {} numbers and actions {}, {} expects {} and {}", data.state_dim,
                data.action_dim, spec.name, spec.state_dim, spec.action_dim);
}

// Episodes in a random order; the first `held` are held out.
struct Split {
  std::vector<int> train, heldout;
};

Split split_episodes(const Dataset& data, float fraction, std::uint64_t seed) {
  std::vector<int> order(static_cast<std::size_t>(data.episodes()));
  std::iota(order.begin(), order.end(), 0);
  kernels::Random random(seed, 0x73706c74);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  std::size_t held = 0;
  if (fraction > 0 && order.size() > 1) {
    held = std::clamp<std::size_t>(
        static_cast<std::size_t>(std::lround(fraction * static_cast<float>(order.size()))), 1,
        order.size() - 1);
  }
  Split split{{order.begin() + static_cast<std::ptrdiff_t>(held), order.end()},
              {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(held)}};
  std::ranges::sort(split.train);
  std::ranges::sort(split.heldout);
  return split;
}

GaussianPolicy make_level(const Dataset& data, const TupleStream& stream, const envs::Spec& spec,
                          const PolicySettings& settings, bool flat, std::uint64_t seed) {
  const bool high = stream.kind == TupleKind::kHigh;
  if (!high && !flat && settings.low_robot_fill == RobotFill::kTypical)
    throw UsageError(
        "policy.low_robot_fill is 'typical'; subgoals hold a pose: keep, zero or mask is expected");
  PolicyEncoding encoding;
  encoding.state_dim = spec.state_dim;
  encoding.robot_dim = spec.robot_dim;
  encoding.robot_fill = high || flat ? settings.robot_fill : settings.low_robot_fill;
  encoding.relative_goal = high   ? settings.high_relative_goal
                           : flat ? settings.flat_relative_goal
                                  : settings.low_relative_goal;
  encoding.residual = high ? settings.high_residual : settings.chunk.labels == ActionLabels::kRelative;
  if (!high && encoding.residual) {
    for (int k = 0; k < settings.chunk.predict; ++k)
      encoding.residual_of.insert(encoding.residual_of.end(), spec.action_target.coordinate.begin(),
                                  spec.action_target.coordinate.end());
  }
  encoding.seen = seen_coordinates(spec, settings.observe);
  if (encoding.robot_fill == RobotFill::kTypical) {
    const std::vector<float> final_state = mean_final_state(data);
    encoding.typical_robot.assign(final_state.begin(), final_state.begin() + spec.robot_dim);
  }
  const ag::MlpSpec shape{.in = 2 * spec.state_dim,
                          .hidden = settings.hidden,
                          .out = stream.output_dim(),
                          .activation = settings.activation,
                          .layer_norm = settings.layer_norm};
  Normalizers scale = measure(stream, encoding, settings.std_floor,
                              high ? settings.std_floor : settings.action_std_floor, seed);
  Head head;
  if (!high) head.kind = settings.head;
  if (head.kind == HeadKind::kMixture) head.components = settings.components;
  return GaussianPolicy(shape, encoding, std::move(scale.in), std::move(scale.out),
                        {settings.log_std_initial, settings.log_std_min, settings.log_std_max}, seed, head);
}

RelayPolicy make_policy_on(const Dataset& data, std::span<const int> episodes, const envs::Spec& spec,
                           const Method& method, const PolicySettings& settings,
                           const ImitationSettings& imitation, std::uint64_t seed) {
  BATON_REQUIRE(method.trained(), "imitation: method {} has no policy to train", method.name);
  RelayPolicy policy;
  policy.method = policy.base = method.name;
  policy.env = spec.name;
  policy.subgoal_every = settings.subgoal_every;
  policy.subgoal_end = method.subgoal_end;
  policy.tuples = {.low_window = settings.low_window,
                   .high_window = settings.high_window,
                   .final_goal_fraction = imitation.final_goal_fraction,
                   .target_goal_fraction = imitation.target_goal_fraction,
                   .bc_goal = imitation.bc_goal,
                   .chunk = settings.chunk};
  policy.state_noise = imitation.state_noise;
  policy.goal_noise = imitation.goal_noise;
  if (method.hierarchical()) policy.high.emplace();
  for (int level = 0; level < policy.levels(); ++level) {
    const TupleStream stream = make_stream(method.rule(level), data, episodes, policy.tuples, spec);
    BATON_REQUIRE(!stream.sources.empty(), "demonstrations: every episode is shorter than 2 steps");
    policy.level(level) =
        make_level(data, stream, spec, settings, !method.hierarchical(), kernels::mix_seed(seed, 1, level));
  }
  return policy;
}

}  // namespace

std::vector<int> seen_coordinates(const envs::Spec& spec, const std::string& groups) {
  if (groups == "all") return {};
  std::vector<std::string> names;
  for (const envs::Group& group : spec.groups) names.push_back(group.name);
  std::vector<int> seen;
  for (const std::string& name : split_names(groups)) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      throw UsageError(fmt::format("policy.observe: {} has no group of coordinates '{}'{} (all, {})",
                                   spec.name, printable(name), suggestion(name, names),
                                   fmt::join(names, ", ")));
    const auto& index = spec.groups[static_cast<std::size_t>(found - names.begin())].index;
    seen.insert(seen.end(), index.begin(), index.end());
  }
  std::ranges::sort(seen);
  const auto repeated = std::ranges::unique(seen);
  seen.erase(repeated.begin(), repeated.end());
  return seen;
}

RelayPolicy make_policy(const Dataset& data, const envs::Spec& spec, const Method& method,
                        const PolicySettings& settings, std::uint64_t seed) {
  require_fit(data, spec);
  return make_policy_on(data, all_episodes(data), spec, method, settings, {}, seed);
}

RelayPolicy imitate(const Dataset& data, const envs::Spec& spec, const Method& method,
                    const PolicySettings& policy_settings, const ImitationSettings& settings,
                    std::uint64_t seed, const ProgressCallback& progress, MakeLevelDevice make_device) {
  require_fit(data, spec);
  const Split split = split_episodes(data, settings.holdout, seed);
  RelayPolicy policy = make_policy_on(data, split.train, spec, method, policy_settings, settings, seed);
  std::vector<TupleStream> train, heldout;
  std::shared_ptr<const StateTable> table;  // a device gathers by itself; held-out tuples are drawn once
  if (make_device == nullptr) table = std::make_shared<const StateTable>(data);
  for (int level = 0; level < policy.levels(); ++level) {
    train.push_back(make_stream(method.rule(level), data, split.train, policy.tuples, spec));
    train.back().table = table;
    heldout.push_back(make_stream(method.rule(level), data, split.heldout, policy.tuples, spec));
  }
  train_levels(policy, train, heldout, settings, kernels::mix_seed(seed, 2), "imitate", progress,
               make_device);
  return policy;
}

std::unique_ptr<Agent> learn(const Dataset& data, const envs::Spec& spec, const Method& method,
                             const PolicySettings& policy_settings, const ImitationSettings& settings,
                             std::uint64_t seed, const ProgressCallback& progress,
                             MakeLevelDevice make_device) {
  if (!method.trained()) {
    require_fit(data, spec);
    return method.make(data, spec);
  }
  return std::make_unique<RelayAgent>(
      imitate(data, spec, method, policy_settings, settings, seed, progress, make_device));
}

void list_settings(SettingsTable& table, const std::string& section, PolicySettings& s) {
  const std::string p = section + ".";
  table.add(p + "hidden", &s.hidden, "hidden layers' widths", 1, 65536);
  table.add_choice(p + "activation", &s.activation, names_of(ag::activation_name, ag::Activation::kSigmoid),
                   "of hidden layers");
  table.add(p + "layer_norm", &s.layer_norm, "normalise hidden layers before their activation");
  table.add(p + "std_floor", &s.std_floor, "least std of state normalisers, raw units", 1e-6, 1e6);
  table.add(p + "action_std_floor", &s.action_std_floor, "least std of the action normaliser", 1e-6, 1e6);
  table.add(p + "log_std_initial", &s.log_std_initial, "of the normalised output", -20, 5);
  table.add(p + "log_std_min", &s.log_std_min, "lower clamp", -20, 5);
  table.add(p + "log_std_max", &s.log_std_max, "upper clamp", -20, 5);
  table.add_choice(p + "robot_fill", &s.robot_fill, kRobotFillNames, "robot part of the long-term goal");
  table.add_choice(p + "low_robot_fill", &s.low_robot_fill, kRobotFillNames, "robot part of subgoals");
  table.add(p + "low_relative_goal", &s.low_relative_goal, "low level sees goal - state");
  table.add(p + "high_relative_goal", &s.high_relative_goal, "high level sees goal - state");
  table.add(p + "flat_relative_goal", &s.flat_relative_goal, "flat policies see goal - state");
  table.add(p + "high_residual", &s.high_residual, "high level gives subgoal - state");
  table.add(p + "low_window", &s.low_window, "W_l, algorithm 2", 1, 1e6);
  table.add(p + "high_window", &s.high_window, "W_h, algorithm 3 and GCBC", 1, 1e6);
  table.add(p + "subgoal_every", &s.subgoal_every, "H, steps a subgoal is held", 1, 1e6);
  table.add(p + "chunk", &s.chunk.predict, "T_p, actions that are predicted at once", 1, kLongestChunk);
  table.add(p + "execute", &s.chunk.execute, "T_a, actions of a chunk that are executed", 1, kLongestChunk);
  table.add_choice(p + "labels", &s.chunk.labels, kActionLabelsNames, "what the numbers of a chunk are");
  table.add_choice(p + "head", &s.head, kHeadNames, "of the low level and of flat policies");
  table.add(p + "components", &s.components, "Gaussians of a mixture", 1, kMostComponents);
  table.add(p + "observe", &s.observe, "groups of coordinates that policies see, with commas, or all");
}

}  // namespace baton::rl
