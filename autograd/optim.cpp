#include "autograd/optim.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "kernels/adam.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {
constexpr std::array<std::string_view, 3> kScheduleNames = {"constant", "linear", "cosine"};
}

template <class T>
Adam<T>::Adam(int n, const AdamOptions& options) : options_(options) {
  BATON_REQUIRE(n >= 0, "adam: {} parameters", n);
  BATON_REQUIRE(options.lr >= 0 && std::isfinite(options.lr), "adam: lr {} must be finite and >= 0",
                options.lr);
  BATON_REQUIRE(options.beta1 >= 0 && options.beta1 < 1, "adam: beta1 {} is outside [0, 1)", options.beta1);
  BATON_REQUIRE(options.beta2 >= 0 && options.beta2 < 1, "adam: beta2 {} is outside [0, 1)", options.beta2);
  BATON_REQUIRE(options.eps > 0, "adam: eps {} must be > 0", options.eps);
  BATON_REQUIRE(options.weight_decay >= 0, "adam: weight_decay {} must be >= 0", options.weight_decay);
  BATON_REQUIRE(options.clip_norm >= 0, "adam: clip_norm {} must be >= 0 (0: no clipping)",
                options.clip_norm);
  m_.assign(static_cast<std::size_t>(n), T(0));
  v_.assign(static_cast<std::size_t>(n), T(0));
}

template <class T>
void Adam<T>::step(std::span<T> theta, std::span<const T> gradient, T lr_scale) {
  BATON_REQUIRE(theta.size() == m_.size() && gradient.size() == m_.size(),
                "adam: theta has {} elements, the gradient {}, the optimiser {}", theta.size(),
                gradient.size(), m_.size());
  const auto n = static_cast<std::int64_t>(m_.size());
  const double squares = kernels::dot<T>(n, gradient.data(), gradient.data());
  if (!std::isfinite(squares)) {
    const std::int64_t bad = kernels::first_not_finite<T>(n, gradient.data());
    BATON_REQUIRE(bad >= 0, "adam: the gradient's norm overflows");
    fail("adam: the gradient of parameter {} is {} (step {})", bad,
         static_cast<double>(gradient[static_cast<std::size_t>(bad)]), steps_ + 1);
  }
  gradient_norm_ = std::sqrt(squares);
  ++steps_;
  const double t = static_cast<double>(steps_), lr = options_.lr * static_cast<double>(lr_scale);
  const bool clip = options_.clip_norm > 0 && gradient_norm_ > options_.clip_norm;
  kernels::AdamStep<T> step;
  step.gradient_scale = clip ? static_cast<T>(options_.clip_norm / gradient_norm_) : T(1);
  step.beta1 = static_cast<T>(options_.beta1);
  step.beta2 = static_cast<T>(options_.beta2);
  step.step_size = static_cast<T>(lr / (1 - std::pow(options_.beta1, t)));
  step.root_correction = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
  step.eps = static_cast<T>(options_.eps);
  step.decay = static_cast<T>(lr * options_.weight_decay);
  kernels::adam<T>(n, step, gradient.data(), theta.data(), m_.data(), v_.data());
}

template class Adam<float>;
template class Adam<double>;

Schedule parse_schedule(std::string_view name) {
  for (std::size_t i = 0; i < kScheduleNames.size(); ++i) {
    if (kScheduleNames[i] == name) return static_cast<Schedule>(i);
  }
  std::string known;
  for (const std::string_view each : kScheduleNames) known.append(known.empty() ? "" : ", ").append(each);
  fail("schedule '{}' is unknown, known are {}", name, known);
}

std::string_view schedule_name(Schedule schedule) {
  return kScheduleNames[static_cast<std::size_t>(schedule)];
}

double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t total, std::int64_t warmup,
                       double floor) {
  const double progress =
      total <= 1 ? 0.0 : std::clamp(static_cast<double>(step) / static_cast<double>(total), 0.0, 1.0);
  double factor = 1;
  if (schedule == Schedule::kLinear) factor = 1 - (1 - floor) * progress;
  if (schedule == Schedule::kCosine)
    factor = floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  if (step < warmup) factor *= static_cast<double>(step + 1) / static_cast<double>(warmup);
  return factor;
}

}  // namespace baton::ag
