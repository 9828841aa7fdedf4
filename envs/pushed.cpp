#include "envs/pushed.hpp"

#include <algorithm>
#include <utility>

#include "kernels/error.hpp"
#include "kernels/rng.hpp"

namespace baton::envs {
namespace {

constexpr std::uint64_t kPushStream = 0x9054ull;  // keeps these numbers apart from the environment's own

class PushedEnv final : public BatchEnv {
 public:
  PushedEnv(std::unique_ptr<BatchEnv> env, int push)
      : env_(std::move(env)),
        push_(push),
        begin_(static_cast<std::size_t>(env_->size()), 0),
        constant_(static_cast<std::size_t>(env_->size()) * action_dim()) {
    BATON_REQUIRE(push > 0 && push <= spec().horizon, "{}: a push of {} actions, episodes have {}",
                  spec().name, push, spec().horizon);
    reset(std::vector<std::uint64_t>(begin_.size(), 0));
  }

  const Spec& spec() const override { return env_->spec(); }
  int size() const override { return env_->size(); }
  std::vector<Goal> goals(const std::string& list) const override { return env_->goals(list); }

  void reset(std::span<const std::uint64_t> seeds) override {
    env_->reset(seeds);
    step_ = 0;
    for (std::size_t n = 0; n < begin_.size(); ++n) {
      kernels::Random random(kernels::mix_seed(seeds[n], kPushStream), 0);
      begin_[n] = static_cast<int>(random.below(static_cast<std::uint32_t>(spec().horizon - push_ + 1)));
      for (std::size_t j = 0; j < action_dim(); ++j)
        constant_[n * action_dim() + j] = 2 * random.uniform() - 1;
    }
  }

  void step(std::span<const float> actions) override { env_->step(replaced(actions)); }
  void step_from(std::span<const float> observed, std::span<const float> actions) override {
    env_->step_from(observed, replaced(actions));
  }

  std::span<const float> observation() const override { return env_->observation(); }
  std::span<const float> state() const override { return env_->state(); }
  int qpos_dim() const override { return env_->qpos_dim(); }
  int qvel_dim() const override { return env_->qvel_dim(); }
  void get_state(int env, std::span<double> qpos, std::span<double> qvel) const override {
    env_->get_state(env, qpos, qvel);
  }
  void set_state(int env, std::span<const double> qpos, std::span<const double> qvel) override {
    env_->set_state(env, qpos, qvel);
  }
  std::uint64_t diverged() const override { return env_->diverged(); }

 private:
  std::size_t action_dim() const { return static_cast<std::size_t>(env_->spec().action_dim); }

  std::span<const float> replaced(std::span<const float> actions) {
    BATON_REQUIRE(actions.size() == constant_.size(), "{}: {} action values for {} environments, expected {}",
                  spec().name, actions.size(), size(), constant_.size());
    executed_.assign(actions.begin(), actions.end());
    const std::size_t a = action_dim();
    for (std::size_t n = 0; n < begin_.size(); ++n) {
      if (step_ < begin_[n] || step_ >= begin_[n] + push_) continue;
      std::copy_n(&constant_[n * a], a, &executed_[n * a]);
    }
    ++step_;
    return executed_;
  }

  std::unique_ptr<BatchEnv> env_;
  int push_, step_ = 0;          // step_: actions since reset
  std::vector<int> begin_;       // [N], the step at which the push begins
  std::vector<float> constant_;  // [N][A]
  std::vector<float> executed_;  // [N][A]
};

}  // namespace

std::unique_ptr<BatchEnv> make_pushed(std::unique_ptr<BatchEnv> env, int push) {
  return std::make_unique<PushedEnv>(std::move(env), push);
}

}  // namespace baton::envs
