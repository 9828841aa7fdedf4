#include "autograd/optim.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numbers>
#include <numeric>
#include <utility>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {

constexpr std::array<std::string_view, 3> kAlgorithmNames = {"adam", "adamw", "sgd"};
constexpr std::array<std::string_view, 3> kScheduleNames = {"constant", "linear", "cosine"};

template <class Enum>
Enum parse(const char* what, std::span<const std::string_view> names, std::string_view name) {
  const auto known = std::ranges::find(names, name);
  BATON_REQUIRE(known != names.end(), "{} '{}' is unknown, known are {}", what, name, fmt::join(names, ", "));
  return static_cast<Enum>(known - names.begin());
}

void validate(std::string_view who, const OptimizerOptions& o) {
  const auto fraction = [&](const char* what, double x) {
    BATON_REQUIRE(x >= 0 && x < 1, "{}: {} {} is outside [0, 1)", who, what, x);
  };
  BATON_REQUIRE(o.lr >= 0 && std::isfinite(o.lr), "{}: lr {} must be finite and >= 0", who, o.lr);
  fraction("beta1", o.beta1);
  fraction("beta2", o.beta2);
  fraction("momentum", o.momentum);
  BATON_REQUIRE(o.eps > 0, "{}: eps {} must be > 0", who, o.eps);
  BATON_REQUIRE(o.weight_decay >= 0, "{}: weight_decay {} must be >= 0", who, o.weight_decay);
  BATON_REQUIRE(o.weight_decay == 0 || o.algorithm != Algorithm::kAdam,
                "adam: weight_decay {} must be 0; adamw is the one that decays weights", o.weight_decay);
  BATON_REQUIRE(o.clip_norm >= 0, "{}: clip_norm {} must be >= 0 (0: no clipping)", who, o.clip_norm);
}

}  // namespace

Algorithm parse_algorithm(std::string_view name) {
  return parse<Algorithm>("optimizer", kAlgorithmNames, name);
}
std::string_view algorithm_name(Algorithm algorithm) {
  return kAlgorithmNames[static_cast<std::size_t>(algorithm)];
}

template <class T>
double finite_norm(std::string_view who, std::span<const T> gradient, const ParameterName& name) {
  const auto n = static_cast<std::int64_t>(gradient.size());
  std::array<double, kernels::kMaxStretches> parts = {};
  kernels::parallel_stretches(n, [&](int stretch, std::int64_t i, std::int64_t size) {
    parts[static_cast<std::size_t>(stretch)] =
        kernels::dot<T>(size, gradient.data() + i, gradient.data() + i);
  });
  const double squares = std::accumulate(parts.begin(), parts.end(), 0.0);
  if (std::isfinite(squares)) return std::sqrt(squares);
  const std::int64_t bad = kernels::first_not_finite<T>(n, gradient.data());
  BATON_REQUIRE(bad >= 0, "{}: the gradient's norm overflows", who);
  const int index = static_cast<int>(bad);
  fail("{}: the gradient of {} is {}", who, name ? name(index) : fmt::format("parameter {}", index),
       static_cast<double>(gradient[static_cast<std::size_t>(bad)]));
}

template double finite_norm(std::string_view, std::span<const float>, const ParameterName&);
template double finite_norm(std::string_view, std::span<const double>, const ParameterName&);

template <class T>
Optimizer<T>::Optimizer(int n, const OptimizerOptions& options, ParameterName name)
    : options_(options), name_(std::move(name)) {
  const std::string_view who = algorithm_name(options.algorithm);
  BATON_REQUIRE(n >= 0, "{}: {} parameters", who, n);
  validate(who, options);
  m_.assign(static_cast<std::size_t>(n), T(0));
  if (options.algorithm != Algorithm::kSgd) v_.assign(static_cast<std::size_t>(n), T(0));
}

template <class T>
void Optimizer<T>::step(std::span<T> theta, std::span<const T> gradient, T lr_scale) {
  const std::string_view who = algorithm_name(options_.algorithm);
  BATON_REQUIRE(theta.size() == m_.size() && gradient.size() == m_.size(),
                "{}: theta has {} elements, the gradient {}, the optimiser {}", who, theta.size(),
                gradient.size(), m_.size());
  BATON_REQUIRE(std::isfinite(lr_scale) && lr_scale >= 0, "{}: lr_scale {} must be finite and >= 0", who,
                lr_scale);
  gradient_norm_ = finite_norm<T>(who, gradient, name_);
  ++steps_;
  const bool clip = options_.clip_norm > 0 && gradient_norm_ > options_.clip_norm;
  const double gradient_scale = clip ? options_.clip_norm / gradient_norm_ : 1.0;
  const double lr = options_.lr * static_cast<double>(lr_scale);
  if (options_.algorithm == Algorithm::kSgd) {
    sgd_step(theta, gradient, gradient_scale, lr);
  } else {
    adam_step(theta, gradient, gradient_scale, lr);
  }
}

template <class T>
kernels::AdamStep<T> adam_numbers(const OptimizerOptions& options, std::int64_t t, double lr) {
  const double steps = static_cast<double>(t);
  kernels::AdamStep<T> step;
  step.gradient_scale = T(1);
  step.beta1 = static_cast<T>(options.beta1);
  step.beta2 = static_cast<T>(options.beta2);
  step.step_size = static_cast<T>(lr / (1 - std::pow(options.beta1, steps)));
  step.root_correction = static_cast<T>(1 / std::sqrt(1 - std::pow(options.beta2, steps)));
  step.eps = static_cast<T>(options.eps);
  step.decay = static_cast<T>(lr * options.weight_decay);
  return step;
}

template kernels::AdamStep<float> adam_numbers(const OptimizerOptions&, std::int64_t, double);
template kernels::AdamStep<double> adam_numbers(const OptimizerOptions&, std::int64_t, double);

template <class T>
kernels::SgdStep<T> sgd_numbers(const OptimizerOptions& options, double lr) {
  kernels::SgdStep<T> step;
  step.gradient_scale = T(1);
  step.momentum = static_cast<T>(options.momentum);
  step.step_size = static_cast<T>(lr);
  step.decay = static_cast<T>(lr * options.weight_decay);
  step.nesterov = options.nesterov;
  return step;
}

template kernels::SgdStep<float> sgd_numbers(const OptimizerOptions&, double);
template kernels::SgdStep<double> sgd_numbers(const OptimizerOptions&, double);

template <class T>
void Optimizer<T>::adam_step(std::span<T> theta, std::span<const T> gradient, double gradient_scale,
                             double lr) {
  kernels::AdamStep<T> step = adam_numbers<T>(options_, steps_, lr);
  step.gradient_scale = static_cast<T>(gradient_scale);
  kernels::parallel_stretches(std::ssize(theta), [&](int, std::int64_t i, std::int64_t n) {
    kernels::adam<T>(n, step, gradient.data() + i, theta.data() + i, m_.data() + i, v_.data() + i);
  });
}

template <class T>
void Optimizer<T>::sgd_step(std::span<T> theta, std::span<const T> gradient, double gradient_scale,
                            double lr) {
  kernels::SgdStep<T> step = sgd_numbers<T>(options_, lr);
  step.gradient_scale = static_cast<T>(gradient_scale);
  kernels::parallel_stretches(std::ssize(theta), [&](int, std::int64_t i, std::int64_t n) {
    kernels::sgd<T>(n, step, gradient.data() + i, theta.data() + i, m_.data() + i);
  });
}

template class Optimizer<float>;
template class Optimizer<double>;

Schedule parse_schedule(std::string_view name) { return parse<Schedule>("schedule", kScheduleNames, name); }
std::string_view schedule_name(Schedule schedule) {
  return kScheduleNames[static_cast<std::size_t>(schedule)];
}

double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t total, std::int64_t warmup,
                       double floor) {
  const double progress = step >= total ? 1.0 : static_cast<double>(step) / static_cast<double>(total);
  double factor = 1;
  if (schedule == Schedule::kLinear) factor = 1 - (1 - floor) * progress;
  if (schedule == Schedule::kCosine)
    factor = floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  if (step < warmup) factor *= static_cast<double>(step + 1) / static_cast<double>(warmup);
  return factor;
}

}  // namespace baton::ag
