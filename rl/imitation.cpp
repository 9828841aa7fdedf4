#include "rl/imitation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"
#include "rl/trainer.hpp"

namespace baton::rl {
namespace {

constexpr double kAny = std::numeric_limits<double>::infinity();

void require_fit(const Dataset& data, const TaskShape& shape) {
  validate(data, "demonstrations");
  BATON_REQUIRE(data.state_dim == shape.state_dim && data.action_dim == shape.action_dim,
                "demonstrations: states have {} numbers and actions {}, {} expects {} and {}", data.state_dim,
                data.action_dim, shape.env, shape.state_dim, shape.action_dim);
}

void require_method(const std::string& method) {
  if (method == "ril" || method == "gcbc" || method == "bc") return;
  throw UsageError(fmt::format("method '{}' is unknown: ril, gcbc or bc", method));
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

std::vector<float> compound_goals(const Dataset& data, const char* setting) {
  BATON_REQUIRE(!data.goal_targets.empty(), "demonstrations: they hold no compound goals, which {} needs",
                setting);
  return data.goal_targets;
}

// The tuples that one policy of a method is trained on. level: 0 low or flat, 1 high.
TupleStream make_stream(const Dataset& data, std::span<const int> episodes, const std::string& method,
                        int level, const PolicySettings& policy, const ImitationSettings& settings) {
  TupleStream stream;
  stream.data = &data;
  stream.low_window = policy.low_window;
  int window = policy.high_window;
  if (method == "bc") {
    stream.kind = TupleKind::kGoal;
    window = 1;  // every state but the last, once
    stream.goals =
        settings.bc_goal == "target" ? compound_goals(data, "bc_goal = target") : final_states(data);
  } else if (level == 1) {
    stream.kind = TupleKind::kHigh;
  } else if (method == "ril") {
    window = policy.low_window;
  }
  const bool long_term = level == 1 || method == "gcbc";
  if (long_term) stream.final_goal_fraction = settings.final_goal_fraction;
  if (long_term && settings.target_goal_fraction > 0) {
    stream.target_goal_fraction = settings.target_goal_fraction;
    stream.goals = compound_goals(data, "target_goal_fraction");
  }
  // Held-out episodes may all be too short to hold a tuple.
  const bool any = std::ranges::any_of(episodes, [&](int e) { return data.length(e) > 1; });
  if (any) stream.sources.push_back({RelabelIndex(data, window, episodes), 1.0});
  return stream;
}

GaussianPolicy make_level(const Dataset& data, const TupleStream& stream, const TaskShape& shape,
                          const PolicySettings& settings, bool flat, std::uint64_t seed) {
  const bool high = stream.kind == TupleKind::kHigh;
  PolicyEncoding encoding;
  encoding.state_dim = shape.state_dim;
  encoding.robot_dim = shape.robot_dim;
  encoding.robot_fill = parse_robot_fill(high || flat ? settings.robot_fill : settings.low_robot_fill);
  encoding.relative_goal = high   ? settings.high_relative_goal
                           : flat ? settings.flat_relative_goal
                                  : settings.low_relative_goal;
  encoding.residual = high && settings.high_residual;
  if (encoding.robot_fill == RobotFill::kTypical) {
    const std::vector<float> final_state = mean_final_state(data);
    encoding.typical_robot.assign(final_state.begin(), final_state.begin() + shape.robot_dim);
  }
  const ag::MlpSpec spec{.in = 2 * shape.state_dim,
                         .hidden = settings.hidden,
                         .out = stream.output_dim(),
                         .activation = ag::parse_activation(settings.activation),
                         .layer_norm = settings.layer_norm};
  Normalizers scale = measure(stream, encoding.relative_goal, encoding.residual, settings.std_floor,
                              high ? settings.std_floor : settings.action_std_floor, seed);
  return GaussianPolicy(spec, encoding, std::move(scale.in), std::move(scale.out),
                        {settings.log_std_initial, settings.log_std_min, settings.log_std_max}, seed);
}

RelayPolicy make_policy_on(const Dataset& data, std::span<const int> episodes, const TaskShape& shape,
                           const std::string& method, const PolicySettings& settings,
                           const ImitationSettings& imitation, std::uint64_t seed) {
  RelayPolicy policy;
  policy.method = method;
  policy.env = shape.env;
  policy.subgoal_every = settings.subgoal_every;
  const bool flat = method != "ril";
  for (int level = 0; level < (flat ? 1 : 2); ++level) {
    const TupleStream stream = make_stream(data, episodes, method, level, settings, imitation);
    BATON_REQUIRE(!stream.sources.empty(), "demonstrations: every episode is shorter than 2 steps");
    GaussianPolicy made = make_level(data, stream, shape, settings, flat, kernels::mix_seed(seed, 1, level));
    if (level == 1) {
      policy.high = std::move(made);
    } else {
      policy.low = std::move(made);
    }
  }
  return policy;
}

}  // namespace

RelayPolicy make_policy(const Dataset& data, const TaskShape& shape, const std::string& method,
                        const PolicySettings& settings, std::uint64_t seed) {
  require_method(method);
  require_fit(data, shape);
  std::vector<int> all(static_cast<std::size_t>(data.episodes()));
  std::iota(all.begin(), all.end(), 0);
  return make_policy_on(data, all, shape, method, settings, {}, seed);
}

RelayPolicy imitate(const Dataset& data, const TaskShape& shape, const std::string& method,
                    const PolicySettings& policy_settings, const ImitationSettings& settings,
                    std::uint64_t seed, const ProgressCallback& progress, MakeLevelDevice make_device) {
  require_method(method);
  require_fit(data, shape);
  const Split split = split_episodes(data, settings.holdout, seed);
  RelayPolicy policy = make_policy_on(data, split.train, shape, method, policy_settings, settings, seed);
  const int levels = policy.hierarchical() ? 2 : 1;
  std::vector<TupleStream> train, heldout;
  std::shared_ptr<const StateTable> table;  // a device gathers by itself; held-out tuples are drawn once
  if (make_device == nullptr) table = std::make_shared<const StateTable>(data);
  for (int level = 0; level < levels; ++level) {
    train.push_back(make_stream(data, split.train, method, level, policy_settings, settings));
    train.back().table = table;
    heldout.push_back(make_stream(data, split.heldout, method, level, policy_settings, settings));
  }
  train_levels(policy, train, heldout, settings, kernels::mix_seed(seed, 2), "imitate", progress,
               make_device);
  return policy;
}

void train_levels(RelayPolicy& policy, std::span<const TupleStream> train,
                  std::span<const TupleStream> heldout, const ImitationSettings& settings, std::uint64_t seed,
                  std::string_view stage, const ProgressCallback& progress, MakeLevelDevice make_device) {
  const int levels = policy.hierarchical() ? 2 : 1;
  std::vector<LevelTrainer> trainers;
  for (int level = 0; level < levels; ++level) {
    trainers.emplace_back(level == 1 ? *policy.high : policy.low, train[level], heldout[level], settings,
                          kernels::mix_seed(seed, level), make_device);
  }
  for (int k = 0; k < settings.updates; ++k) {
    if (make_device != nullptr) {  // queues and returns
      for (LevelTrainer& trainer : trainers) trainer.update(k);
    } else {
      kernels::parallel_for(levels, [&](int level) { trainers[level].update(k); });
    }
    const int done = k + 1;
    Progress now{stage, done, settings.updates, nullptr};
    nlohmann::ordered_json object;
    if (done % settings.report_every == 0 || done == settings.updates) {
      object = {{"stage", stage},
                {"method", policy.method},
                {"update", done},
                {"lr", trainers[0].learning_rate(k)}};
      for (int level = 0; level < levels; ++level)
        object[level == 1 ? "high" : "low"] = trainers[level].metrics();
      now.metrics = &object;
    }
    report(progress, now);
  }
  for (LevelTrainer& trainer : trainers) trainer.finish();
}

void list_settings(SettingsTable& table, const std::string& section, PolicySettings& s) {
  const std::string p = section + ".";
  table.add(p + "hidden", &s.hidden, "hidden layers' widths", 1, 65536);
  table.add_choice(p + "activation", &s.activation, "tanh|relu|elu|gelu|silu|softplus|sigmoid",
                   "of hidden layers");
  table.add(p + "layer_norm", &s.layer_norm, "normalise hidden layers before their activation");
  table.add(p + "std_floor", &s.std_floor, "least std of state normalisers, raw units", 1e-6, 1e6);
  table.add(p + "action_std_floor", &s.action_std_floor, "least std of the action normaliser", 1e-6, 1e6);
  table.add(p + "log_std_initial", &s.log_std_initial, "of the normalised output", -20, 5);
  table.add(p + "log_std_min", &s.log_std_min, "lower clamp", -20, 5);
  table.add(p + "log_std_max", &s.log_std_max, "upper clamp", -20, 5);
  table.add_choice(p + "robot_fill", &s.robot_fill, "keep|typical|zero|mask",
                   "robot part of the long-term goal");
  table.add_choice(p + "low_robot_fill", &s.low_robot_fill, "keep|zero|mask", "robot part of subgoals");
  table.add(p + "low_relative_goal", &s.low_relative_goal, "low level sees goal - state");
  table.add(p + "high_relative_goal", &s.high_relative_goal, "high level sees goal - state");
  table.add(p + "flat_relative_goal", &s.flat_relative_goal, "flat policies see goal - state");
  table.add(p + "high_residual", &s.high_residual, "high level gives subgoal - state");
  table.add(p + "low_window", &s.low_window, "W_l, algorithm 2", 1, 1e6);
  table.add(p + "high_window", &s.high_window, "W_h, algorithm 3 and GCBC", 1, 1e6);
  table.add(p + "subgoal_every", &s.subgoal_every, "H, steps a subgoal is held", 1, 1e6);
}

void list_settings(SettingsTable& table, const std::string& section, ImitationSettings& s) {
  const std::string p = section + ".";
  table.add(p + "updates", &s.updates, "minibatches", 1, 1e9);
  table.add(p + "batch", &s.batch, "tuples per minibatch", 1, 1e6);
  table.add_choice(p + "optimizer", &s.optimizer, "adam|adamw|sgd", "what updates the parameters");
  table.add(p + "momentum", &s.momentum, "sgd's", 0, 0.9999);
  table.add(p + "nesterov", &s.nesterov, "sgd looks ahead along its momentum");
  table.add(p + "lr", &s.lr, "learning rate", 0, 10);
  table.add_choice(p + "schedule", &s.schedule, "constant|linear|cosine", "of the learning rate");
  table.add(p + "warmup", &s.warmup, "updates of linear warm-up", 0, 1e9);
  table.add(p + "lr_floor", &s.lr_floor, "the schedule ends at this fraction of lr", 0, 1);
  table.add(p + "weight_decay", &s.weight_decay, "decoupled; adamw and sgd", 0, kAny);
  table.add(p + "clip_norm", &s.clip_norm, "of the gradient; 0: off", 0, kAny);
  table.add(p + "state_noise", &s.state_noise, "std of noise on inputs, in normalised units", 0, kAny);
  table.add(p + "goal_noise", &s.goal_noise, "same, on goals", 0, kAny);
  table.add(p + "final_goal_fraction", &s.final_goal_fraction,
            "long-term goals moved to the demonstration's end", 0, 1);
  table.add(p + "target_goal_fraction", &s.target_goal_fraction, "long-term goals moved to the compound goal",
            0, 1);
  table.add_choice(p + "bc_goal", &s.bc_goal, "final|target", "goal of BC without relabeling");
  table.add_choice(p + "loss", &s.loss, "nll|mse", "negative log-likelihood, or squared error");
  table.add(p + "holdout", &s.holdout, "fraction of episodes kept out", 0, 0.9);
  table.add(p + "report_every", &s.report_every, "updates between metrics", 1, 1e9);
}

}  // namespace baton::rl
