// One minibatch update: what it does to the parameters, and what a bad gradient does not do.
#include "rl/trainer.hpp"

#include <limits>
#include <numeric>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;

namespace {

struct Level {
  Dataset data = test::point_mass_dataset(6, 20, 1);
  TupleStream train, heldout;
  GaussianPolicy policy;

  explicit Level(std::vector<int> hidden) {
    std::vector<int> episodes(6);
    std::iota(episodes.begin(), episodes.end(), 0);
    train.data = heldout.data = &data;
    train.sources.push_back({RelabelIndex(data, 5, episodes), 1.0});
    PolicySettings settings;
    settings.hidden = std::move(hidden);
    policy = make_policy(data, test::kPointMass, method::gcbc, settings, 3).low;
  }
  std::vector<float> theta() const { return {policy.theta().begin(), policy.theta().end()}; }
};

ImitationSettings settings_of(ag::Algorithm optimizer) {
  ImitationSettings settings;
  settings.optimizer = optimizer;
  settings.batch = 64;
  settings.schedule = ag::Schedule::kConstant;
  settings.warmup = 0;
  return settings;
}

// The gradient of the mean negative log-likelihood on the minibatch of update k.
std::vector<float> gradient_of(const Level& level, int batch, std::uint64_t seed, std::uint64_t k) {
  std::vector<float> x(static_cast<std::size_t>(batch) * 6), y(static_cast<std::size_t>(batch) * 2);
  kernels::Random random(seed, k);
  level.train.draw(random, batch, x.data(), y.data());
  PolicyPass pass;
  pass.forward(level.policy, x.data(), batch);
  std::vector<float> gradient(level.theta().size());
  pass.weighted_log_likelihood(
      level.policy, y.data(),
      std::vector<float>(static_cast<std::size_t>(batch), -1.0f / static_cast<float>(batch)), gradient);
  return gradient;
}

}  // namespace

TEST_CASE("trainer: tuples drawn by chunks are those drawn one by one, on one thread and on two") {
  Level level({4});
  constexpr std::size_t kTuples = 1300;  // three chunks
  std::vector<float> want_x(kTuples * 6), want_y(kTuples * 2);
  kernels::Random one_by_one(5);
  one_by_one.next_u32();  // chunks need not begin with a block of random numbers
  std::vector<RelabelTuple> tuples(kTuples);
  for (RelabelTuple& tuple : tuples) tuple = level.train.sources[0].index.sample(one_by_one);
  gather_low(level.data, tuples, {level.data.actions.data(), level.data.action_dim}, want_x.data(),
             want_y.data());
  const std::uint64_t next = one_by_one.next_u64();
  for (const bool table : {false, true}) {
    level.train.table = table ? std::make_shared<const StateTable>(level.data) : nullptr;
    for (const int threads : {1, 2}) {
      CAPTURE(table);
      CAPTURE(threads);
      kernels::set_threads(threads);
      kernels::Random random(5);
      random.next_u32();
      std::vector<float> x(want_x.size()), y(want_y.size());
      level.train.draw(random, static_cast<int>(kTuples), x.data(), y.data());
      CHECK(x == want_x);
      CHECK(y == want_y);
      CHECK(random.next_u64() == next);
    }
  }
  kernels::set_threads(0);
}

TEST_CASE("trainer: a stream's table is where states are read, and one of another dataset is refused") {
  Level level({4}), other({4});
  for (float& number : other.data.states) number += 1;
  level.train.table = std::make_shared<const StateTable>(other.data);
  kernels::Random random(5), again(5);
  std::vector<float> x(8 * 6), y(8 * 2), moved(x.size());
  level.train.draw(random, 8, moved.data(), y.data());
  level.train.table = nullptr;
  level.train.draw(again, 8, x.data(), y.data());
  for (float& number : x) number += 1;
  CHECK(moved == x);
  level.train.table = std::make_shared<const StateTable>(other.data);
  CHECK(test::contains(test::error_of([&] {
                         LevelTrainer(level.policy, level.train, level.heldout,
                                      settings_of(ag::Algorithm::kSgd), 5);
                       }),
                       "of another dataset"));
}

TEST_CASE("trainer: the policy ends as the moving average of its parameters") {
  const ImitationSettings last = settings_of(ag::Algorithm::kAdamW);
  ImitationSettings settings = last;
  settings.average = 0.5f;
  Level averaged({4}), plain({4});
  std::vector<float> want = plain.theta();
  LevelTrainer with(averaged.policy, averaged.train, averaged.heldout, settings, 5);
  LevelTrainer without(plain.policy, plain.train, plain.heldout, last, 5);
  for (int k = 0; k < 12; ++k) {
    with.update(k), without.update(k);
    const std::vector<float> now = plain.theta();
    const float keep = std::min(0.5f, static_cast<float>(k + 1) / static_cast<float>(k + 10));
    for (std::size_t i = 0; i < want.size(); ++i) want[i] = keep * want[i] + (1 - keep) * now[i];
  }
  CHECK(averaged.theta() == plain.theta());
  with.finish();
  test::check_close(averaged.theta(), want, 1e-5, 1e-6, "average");
}

TEST_CASE("trainer: sensor noise needs the sensors' amplitude, and zero amplitude changes nothing") {
  ImitationSettings settings = settings_of(ag::Algorithm::kAdamW);
  Level plain({4}), still({4}), noisy({4});
  still.train.sensor_amplitude = {0, 0, 0};
  noisy.train.sensor_amplitude = {0.1f, 0, 0};
  LevelTrainer(plain.policy, plain.train, plain.heldout, settings, 5).update(0);
  settings.sensor_noise = 0.5f;
  CHECK(test::contains(
      test::error_of([&] { LevelTrainer(plain.policy, plain.train, plain.heldout, settings, 5); }),
      "no amplitude"));
  LevelTrainer(still.policy, still.train, still.heldout, settings, 5).update(0);
  LevelTrainer(noisy.policy, noisy.train, noisy.heldout, settings, 5).update(0);
  CHECK(still.theta() == plain.theta());
  CHECK(noisy.theta() != plain.theta());
}

TEST_CASE("trainer: sgd without momentum goes down the gradient by lr, adam by lr in every coordinate") {
  for (const ag::Algorithm optimizer : {ag::Algorithm::kSgd, ag::Algorithm::kAdam, ag::Algorithm::kAdamW}) {
    CAPTURE(ag::algorithm_name(optimizer));
    Level level({4});
    ImitationSettings settings = settings_of(optimizer);
    settings.momentum = 0;
    settings.lr = 0.01f;
    LevelTrainer trainer(level.policy, level.train, level.heldout, settings, 5);
    const std::vector<float> gradient = gradient_of(level, settings.batch, 5, 0);
    std::vector<float> want = level.theta();
    // Adam's first step is lr g / (|g| + eps).
    for (std::size_t i = 0; i < want.size(); ++i) {
      want[i] -= 0.01f * (optimizer == ag::Algorithm::kSgd ? gradient[i]
                                                           : gradient[i] / (std::fabs(gradient[i]) + 1e-8f));
    }
    trainer.update(0);
    test::check_close(level.theta(), want, 1e-6, 1e-7, "theta");
  }
}

TEST_CASE("trainer: the gradient's norm is clipped for every optimizer") {
  Level level({4});
  ImitationSettings settings = settings_of(ag::Algorithm::kSgd);
  settings.momentum = 0;
  settings.lr = 1;
  settings.clip_norm = 1e-3f;
  LevelTrainer trainer(level.policy, level.train, level.heldout, settings, 5);
  const std::vector<float> before = level.theta();
  trainer.update(0);
  const std::vector<float> after = level.theta();
  double squares = 0;
  for (std::size_t i = 0; i < before.size(); ++i) squares += std::pow(after[i] - before[i], 2);
  CHECK(std::sqrt(squares) == doctest::Approx(1e-3).epsilon(1e-2));  // theta's own rounding: 1e-7 of 0.5 each
}

TEST_CASE("trainer: a NaN in a gradient stops the update, names the first parameter, changes nothing") {
  for (const ag::Algorithm optimizer : {ag::Algorithm::kSgd, ag::Algorithm::kAdam, ag::Algorithm::kAdamW}) {
    Level level({});
    const ImitationSettings settings = settings_of(optimizer);
    LevelTrainer trainer(level.policy, level.train, level.heldout, settings, 5);
    trainer.update(0);
    const std::vector<float> before = level.theta();
    for (std::size_t i = 1; i < level.data.actions.size(); i += 2) {  // the second action is no number
      level.data.actions[i] = std::numeric_limits<float>::quiet_NaN();
    }
    CHECK(test::error_of([&] { trainer.update(1); }) ==
          std::string(ag::algorithm_name(optimizer)) + ": the gradient of layer 0 weight [0][1] is nan");
    CHECK(level.theta() == before);
  }
}
