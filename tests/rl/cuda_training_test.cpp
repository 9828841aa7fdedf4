// Updates of imitation on a device against LevelTrainer's on the processor: the same tuples, the same noise, theta
// within float's rounding.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "rl/cuda/level.hpp"
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

PolicySettings hidden(std::vector<int> widths) {
  PolicySettings settings;
  settings.hidden = std::move(widths);
  return settings;
}

// An update moves an element by lr at most, whatever its gradient: Adam's g / sqrt(v) keeps g's relative error, which
// cancellation in the sum over a batch makes larger than eps. So: within a hundredth of the way that all updates went.
void check_policies(const GaussianPolicy& got, const GaussianPolicy& want,
                    const ImitationSettings& settings) {
  const std::vector<float> a(got.theta().begin(), got.theta().end()),
      b(want.theta().begin(), want.theta().end());
  test::check_close(a, b, 1e-4, settings.updates * settings.lr * 1e-2, "theta");
}

void compare(const std::string& method, const PolicySettings& shape, const ImitationSettings& settings) {
  const Dataset data = test::point_mass_dataset(6, 25, 1);
  std::vector<nlohmann::ordered_json> here, there;
  const auto into = [](std::vector<nlohmann::ordered_json>& list) {
    return [&list](const Progress& p) {
      if (p.metrics != nullptr) list.push_back(*p.metrics);
      return true;
    };
  };
  const RelayPolicy want = imitate(data, test::kPointMass, method, shape, settings, 7, into(here));
  const RelayPolicy got =
      imitate(data, test::kPointMass, method, shape, settings, 7, into(there), rl::cuda::make_level);
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
  for (const char* method : {"ril", "gcbc", "bc"}) {
    CAPTURE(method);
    compare(method, hidden({16, 16}), small());
  }
}

TEST_CASE("cuda: so does every loss, optimizer setting, noise and encoding") {
  ImitationSettings settings = small();
  settings.loss = "mse";
  compare("gcbc", hidden({16}), settings);
  settings = small();
  settings.optimizer = "adamw", settings.weight_decay = 0.1f, settings.clip_norm = 0.05f;
  compare("gcbc", hidden({}), settings);
  settings = small();
  settings.goal_noise = 0.3f;
  compare("ril", hidden({16}), settings);
  settings.state_noise = 0.1f, settings.goal_noise = 0;
  compare("ril", hidden({16}), settings);
  settings.goal_noise = 0.2f, settings.target_goal_fraction = 0.5f;
  PolicySettings shape = hidden({8});
  shape.activation = "silu";
  for (const char* fill : {"keep", "zero", "mask"}) {
    shape.robot_fill = fill;
    shape.flat_relative_goal = !shape.flat_relative_goal;
    compare("gcbc", shape, settings);
  }
}

TEST_CASE("cuda: plans follow one another: more updates than one plan holds") {
  ImitationSettings settings = small();
  settings.updates = 70;
  settings.batch = 5;
  settings.lr = 1e-4f;
  compare("gcbc", hidden({4}), settings);
}

TEST_CASE("cuda: a NaN in a gradient stops the updates, names the first parameter, changes nothing") {
  Dataset data = test::point_mass_dataset(6, 20, 1);
  std::vector<int> episodes(6);
  std::iota(episodes.begin(), episodes.end(), 0);
  TupleStream train, heldout;
  train.data = heldout.data = &data;
  train.sources.push_back({RelabelIndex(data, 5, episodes), 1.0});
  GaussianPolicy policy = make_policy(data, test::kPointMass, "gcbc", hidden({}), 3).low;
  const std::vector<float> before(policy.theta().begin(), policy.theta().end());
  for (std::size_t i = 1; i < data.actions.size(); i += 2)  // the second action is no number
    data.actions[i] = std::numeric_limits<float>::quiet_NaN();
  const ImitationSettings settings = small();
  const auto device = rl::cuda::make_level(policy, train, settings, 5);
  device->update(0);
  device->update(1);
  CHECK(test::error_of([&] { device->fetch(policy); }) ==
        "adamw: the gradient of layer 0 weight [0][1] is not finite");
  CHECK(std::vector<float>(policy.theta().begin(), policy.theta().end()) == before);
}

TEST_CASE("cuda: what a device does not train is refused") {
  const Dataset data = test::point_mass_dataset(6, 20, 1);
  ImitationSettings settings = small();
  settings.optimizer = "sgd";
  CHECK(test::error_of([&] {
          imitate(data, test::kPointMass, "gcbc", hidden({4}), settings, 7, {}, rl::cuda::make_level);
        }) == "imitate.optimizer sgd is not made on a device: use adam, adamw or --device cpu");
}
