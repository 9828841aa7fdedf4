// Updates of imitation on a device against LevelTrainer's on the processor: the same tuples, the same noise, theta
// within float's rounding.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "rl/cuda/level.hpp"
#include "rl/cuda/training_step.hpp"
#include "rl/imitation.hpp"
#include "rl/trainer.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;

namespace {

ImitationSettings small() {
  ImitationSettings settings;
  settings.updates = 5;
  settings.batch = 37;
  settings.warmup = 2;
  settings.report_every = 2;
  return settings;
}

ImitationSettings small_sgd() {
  ImitationSettings settings = small();
  settings.optimizer = ag::Algorithm::kSgd;
  settings.lr = 0.05f;
  return settings;
}

// The point mass with targets, some out of the world's bounds, groups and sensors.
envs::Spec sensed() {
  envs::Spec spec = test::kPointMass;
  spec.action_target = {.coordinate = {0, 1}, .scale = 0.1f, .low = {-0.4f, -0.4f}, .high = {0.4f, 0.4f}};
  spec.groups = {{.name = "robot", .index = {0, 1}}, {.name = "follower", .index = {2}}};
  spec.sensor_amplitude = {0.1f, 0.05f, 0.2f};
  return spec;
}

PolicySettings hidden(std::vector<int> widths) {
  PolicySettings settings;
  settings.hidden = std::move(widths);
  return settings;
}

// An update moves an element by lr at most, whatever its gradient: Adam's g / sqrt(v) keeps g's relative error, which
// cancellation in the sum over a batch makes larger than eps. So: within a hundredth of the way that all updates went.
// SGD moves it by lr times gradients of about 1, which are as right as a sum of a batch is: a hundredth of that.
void check_policies(const GaussianPolicy& got, const GaussianPolicy& want,
                    const ImitationSettings& settings) {
  const std::vector<float> a(got.theta().begin(), got.theta().end()),
      b(want.theta().begin(), want.theta().end());
  const double part = settings.optimizer == ag::Algorithm::kSgd ? 1e-4 : 1e-2;
  test::check_close(a, b, 1e-4, settings.updates * settings.lr * part, "theta");
}

void compare(const std::string& method, const PolicySettings& shape, const ImitationSettings& settings,
             const envs::Spec& spec = test::kPointMass) {
  const Dataset data = test::point_mass_dataset(6, 25, 1);
  std::vector<nlohmann::ordered_json> here, there;
  const auto into = [](std::vector<nlohmann::ordered_json>& list) {
    return [&list](const Progress& p) {
      if (p.metrics != nullptr) list.push_back(*p.metrics);
      return true;
    };
  };
  const RelayPolicy want = imitate(data, spec, find_method(method), shape, settings, 7, into(here));
  const RelayPolicy got =
      imitate(data, spec, find_method(method), shape, settings, 7, into(there), rl::cuda::make_level);
  check_policies(got.low, want.low, settings);
  if (want.hierarchical()) check_policies(*got.high, *want.high, settings);
  CHECK(here.size() == there.size());
  for (std::size_t i = 0; i < here.size(); ++i)
    for (const char* key : {"train", "heldout", "grad_norm", "log_std"}) {
      CAPTURE(key);
      CHECK(there[i]["low"][key].get<double>() ==
            doctest::Approx(here[i]["low"][key].get<double>()).epsilon(1e-3));
    }
}

}  // namespace

TEST_CASE("cuda: every method trains as on the processor") {
  for (const char* method : {"ril", "gcbc", "bc", "oracle"}) {
    CAPTURE(method);
    compare(method, hidden({16, 16}), small());
  }
}

TEST_CASE("cuda: so does every loss, optimizer setting, noise and encoding") {
  ImitationSettings settings = small();
  settings.loss = PolicyLoss::kSquaredError;
  compare("gcbc", hidden({16}), settings);
  settings = small();
  settings.optimizer = ag::Algorithm::kAdamW, settings.weight_decay = 0.1f, settings.clip_norm = 0.05f;
  compare("gcbc", hidden({}), settings);
  settings = small();
  settings.goal_noise = 0.3f;
  compare("ril", hidden({16}), settings);
  settings.state_noise = 0.1f, settings.goal_noise = 0;
  compare("ril", hidden({16}), settings);
  settings.goal_noise = 0.2f, settings.target_goal_fraction = 0.5f;
  PolicySettings shape = hidden({8});
  shape.activation = ag::Activation::kSilu;
  for (const RobotFill fill : {RobotFill::kKeep, RobotFill::kZero, RobotFill::kMask}) {
    shape.robot_fill = fill;
    shape.flat_relative_goal = !shape.flat_relative_goal;
    compare("gcbc", shape, settings);
  }
}

TEST_CASE("cuda: so do chunks of every label, past the ends of episodes, with whatever is seen and sensed") {
  for (const ActionLabels labels :
       {ActionLabels::kVelocity, ActionLabels::kAbsolute, ActionLabels::kRelative}) {
    PolicySettings shape = hidden({16});
    shape.chunk = {.predict = 5, .execute = 3, .labels = labels};
    shape.activation = ag::Activation::kGelu;
    shape.std_floor = 0.01f, shape.low_window = 6;
    ImitationSettings settings = small();
    for (const char* method : {"ril", "gcbc", "bc", "oracle"}) {
      CAPTURE(method);
      compare(method, shape, settings, sensed());
    }
    shape.observe = "robot";
    settings.sensor_noise = 0.7f;
    compare("ril", shape, settings, sensed());
    settings.state_noise = 0.1f;
    compare("gcbc", shape, settings, sensed());
    settings.goal_noise = 0.3f, settings.loss = PolicyLoss::kSquaredError;
    compare("ril", shape, settings, sensed());
    settings.state_noise = 0;
    shape.flat_relative_goal = true;
    compare("gcbc", shape, settings, sensed());
  }
}

TEST_CASE("cuda: so does the moving average, which takes the policy's place") {
  for (ImitationSettings settings : {small(), small_sgd()}) {
    settings.updates = 12;
    settings.average = 0.5f;  // the bound on it is reached after the eighth update
    compare("ril", hidden({16}), settings);
    settings.loss = PolicyLoss::kSquaredError;
    compare("gcbc", hidden({16}), settings);
  }
}

TEST_CASE("cuda: so do normalised layers") {
  // What a derivative is made from: h, n, either.
  for (const ag::Activation activation :
       {ag::Activation::kTanh, ag::Activation::kGelu, ag::Activation::kRelu}) {
    PolicySettings shape = hidden({16, 9});
    shape.layer_norm = true;
    shape.activation = activation;
    compare("gcbc", shape, small());
  }
  PolicySettings shape = hidden({16});
  shape.layer_norm = true;
  compare("ril", shape, small());
  compare("gcbc", shape, small_sgd());
}

TEST_CASE("cuda: so does sgd, with its momentum, nesterov's, decay, clipping and schedule") {
  compare("ril", hidden({16, 16}), small_sgd());
  ImitationSettings settings = small_sgd();
  settings.nesterov = true;
  compare("gcbc", hidden({16}), settings);
  settings.momentum = 0;
  compare("gcbc", hidden({16}), settings);
  settings = small_sgd();
  settings.weight_decay = 0.5f, settings.schedule = ag::Schedule::kLinear;
  compare("gcbc", hidden({16}), settings);
  settings.clip_norm = 0.05f, settings.loss = PolicyLoss::kSquaredError, settings.nesterov = true;
  compare("gcbc", hidden({16}), settings);
}

TEST_CASE("cuda: plans follow one another: more updates than one plan holds") {
  ImitationSettings settings = small();
  settings.updates = 70;
  settings.batch = 5;
  settings.lr = 1e-4f;
  compare("gcbc", hidden({4}), settings);
  settings.optimizer = ag::Algorithm::kSgd;
  settings.lr = 1e-3f;
  compare("gcbc", hidden({4}), settings);
}

TEST_CASE("cuda: a NaN in a gradient stops the updates, names the first parameter, changes nothing") {
  Dataset data = test::point_mass_dataset(6, 20, 1);
  std::vector<int> episodes(6);
  std::iota(episodes.begin(), episodes.end(), 0);
  TupleStream train, heldout;
  train.data = heldout.data = &data;
  train.sources.push_back({RelabelIndex(data, 5, episodes), 1.0});
  GaussianPolicy policy = make_policy(data, test::kPointMass, method::gcbc, hidden({}), 3).low;
  const std::vector<float> before(policy.theta().begin(), policy.theta().end());
  for (std::size_t i = 1; i < data.actions.size(); i += 2)  // the second action is no number
    data.actions[i] = std::numeric_limits<float>::quiet_NaN();
  ImitationSettings settings = small();
  for (const ag::Algorithm optimizer : {ag::Algorithm::kAdam, ag::Algorithm::kAdamW, ag::Algorithm::kSgd}) {
    settings.optimizer = optimizer;
    const auto device = rl::cuda::make_level(policy, train, settings, 5);
    device->update(0);
    device->update(1);
    CHECK(test::error_of([&] { device->fetch(policy, {}); }) ==
          fmt::format("{}: the gradient of layer 0 weight [0][1] is not finite",
                      ag::algorithm_name(optimizer)));
    CHECK(std::vector<float>(policy.theta().begin(), policy.theta().end()) == before);
  }
}

TEST_CASE(
    "cuda: a NaN after a good update: neither its momentum nor decay nor good updates change theta then") {
  Dataset data = test::point_mass_dataset(6, 20, 1);
  const GaussianPolicy policy = make_policy(data, test::kPointMass, method::gcbc, hidden({}), 3).low;
  constexpr int kBatch = 4, kBad = 7;
  data.actions[kBad * 2 + 1] = std::numeric_limits<float>::quiet_NaN();
  ag::OptimizerOptions options;
  options.weight_decay = 0.1, options.nesterov = true;
  std::vector<rl::cuda::BatchRow> rows;
  std::vector<rl::cuda::StepNumbers> steps;
  for (int update = 0; update < 3; ++update) {
    steps.push_back(
        {ag::adam_numbers<float>(options, update + 1, 0.1), ag::sgd_numbers<float>(options, 0.1)});
    for (int i = 0; i < kBatch; ++i) {
      const std::int32_t at = update == 1 && i == 2 ? kBad : i;
      rows.push_back({.state = at, .goal = at + 5, .target = at, .last = at});
    }
  }
  for (const auto algorithm : {ag::Algorithm::kAdamW, ag::Algorithm::kSgd}) {
    rl::cuda::TrainingShape shape;
    shape.batch = kBatch, shape.updates = 3, shape.algorithm = algorithm;
    rl::cuda::TrainingStep step(policy, {.data = data}, shape);
    std::vector<float> good(policy.theta().size()), then(good.size());
    step.plan(rows, {}, steps);
    step.update();
    CHECK(step.fetch(good).bad == -1);
    CHECK(good != std::vector<float>(policy.theta().begin(), policy.theta().end()));
    step.update();
    step.update();
    const rl::cuda::TrainingState end = step.fetch(then);
    CHECK(end.bad == 1);
    CHECK(end.losses == 0);
    CHECK(then == good);
  }
}
