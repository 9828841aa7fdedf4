#include "rl/npg.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "autograd/optim.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::rl {

void list_settings(SettingsTable& table, const std::string& section, NpgSettings& settings) {
  table.add(section + ".kl", &settings.kl, "trust region: mean KL of one step", 1e-8, 10);
  table.add(section + ".cg_iterations", &settings.cg_iterations, "conjugate gradient iterations", 1, 1000);
  table.add(section + ".cg_damping", &settings.cg_damping, "added to the Fisher matrix's diagonal", 0, 1e3);
  table.add(section + ".cg_tolerance", &settings.cg_tolerance, "stop at this squared relative residual", 0,
            1);
  table.add_choice(section + ".preconditioner", &settings.preconditioner, kPreconditionerNames,
                   "of the conjugate gradient; diagonal: of the Fisher matrix, estimated");
  table.add(section + ".fisher_fraction", &settings.fisher_fraction,
            "share of the samples in Fisher products", 1e-3, 1);
  table.add(section + ".line_search", &settings.line_search, "tries of the line search", 1, 100);
  table.add(section + ".backtrack", &settings.backtrack, "factor between tries", 0.01, 0.99);
  table.add(section + ".kl_slack", &settings.kl_slack, "accepted multiple of kl", 1, 100);
}

namespace {

// Copies every (1/fraction)-th row of x, evenly spaced, into out; returns how many.
int thin(const float* x, int rows, int width, float fraction, std::vector<float>& out) {
  const int n = std::clamp(static_cast<int>(std::lround(static_cast<double>(rows) * fraction)), 1, rows);
  out.resize(static_cast<std::size_t>(n) * width);
  for (int i = 0; i < n; ++i) {
    const std::size_t from = static_cast<std::size_t>(static_cast<std::int64_t>(i) * rows / n);
    std::copy_n(x + from * width, width, &out[static_cast<std::size_t>(i) * width]);
  }
  return n;
}

// Of the rows that thin() keeps.
void thin(std::span<const int> values, int n, std::vector<int>& out) {
  out.clear();
  for (int i = 0; i < n && !values.empty(); ++i)
    out.push_back(values[static_cast<std::size_t>(std::int64_t{i} * static_cast<int>(values.size()) / n)]);
}

template <class Pass>
void count(Pass& pass, std::span<const int> counted) {
  if constexpr (requires { pass.set_counted(counted); }) pass.set_counted(counted);
}

}  // namespace

// Forward passes at the present theta; gradient_ = g. Returns L.
template <class Policy>
double NaturalGradient<Policy>::gradient(const Policy& policy, Rows own, std::span<const float> advantages,
                                         Rows demos, float demo_weight, NpgReport& report) {
  gradient_.assign(policy.parameters(), 0.0f);
  count(own_, own.counted);
  count(demo_, demos.counted);
  own_.forward(policy, own.x, own.n);
  own_.remember(policy);
  old_log_prob_.resize(own.n);
  log_prob_.resize(own.n);
  own_.log_prob(policy, own.y, old_log_prob_);
  weights_.resize(own.n);
  double value = 0;
  for (int i = 0; i < own.n; ++i) {
    BATON_REQUIRE(std::isfinite(advantages[i]), "npg: advantage {} of {} is {}", i, own.n, advantages[i]);
    weights_[i] = advantages[i] / static_cast<float>(own.n);
    value += advantages[i];
  }
  own_.weighted_log_likelihood(policy, own.y, weights_, gradient_);
  value /= own.n;
  if (demos.n > 0) {
    demo_.forward(policy, demos.x, demos.n);
    weights_.assign(demos.n, demo_weight / static_cast<float>(demos.n));
    const double likelihood = demo_.weighted_log_likelihood(policy, demos.y, weights_, gradient_);
    report.demo_log_likelihood = demo_weight > 0 ? likelihood / demo_weight : 0;
    value += likelihood;
  }
  report.gradient_norm =
      ag::finite_norm<float>("npg", gradient_, [&policy](int i) { return policy.parameter_name(i); });
  return value;
}

// preconditioner_ = 1 / (diagonal of F + damping), kept positive where both vanish.
template <class Policy>
void NaturalGradient<Policy>::estimate_preconditioner(double damping) {
  constexpr std::uint64_t kSigns = 0x7369676e;  // the same ones at every step
  preconditioner_.resize(gradient_.size());
  fisher_.diagonal(kSigns, preconditioner_);
  const float least = 1e-8f * std::max(*std::ranges::max_element(preconditioner_), 1e-20f);
  for (float& value : preconditioner_) value = 1 / std::max(value + static_cast<float>(damping), least);
}

// direction_ = F^-1 g.
template <class Policy>
CgReport NaturalGradient<Policy>::solve(const Policy& policy, Rows own, const NpgSettings& settings) {
  const float* x = own.x;
  int n = own.n;
  std::span<const int> counted = own.counted;
  if (settings.fisher_fraction < 1) {
    n = thin(own.x, own.n, policy.in_dim(), settings.fisher_fraction, thinned_x_);
    x = thinned_x_.data();
    thin(own.counted, n, thinned_counted_);
    counted = thinned_counted_;
    count(thinned_, counted);
    thinned_.forward(policy, x, n);
    thinned_.set_fisher(policy, fisher_);
  } else {
    own_.set_fisher(policy, fisher_);
  }
  direction_.resize(gradient_.size());
  const bool preconditioned = settings.preconditioner == Preconditioner::kDiagonal;
  if (preconditioned) estimate_preconditioner(settings.cg_damping);
  const CgOptions options{.iterations = settings.cg_iterations,
                          .damping = settings.cg_damping,
                          .tolerance = settings.cg_tolerance};
  const std::span<const float> inverse_diagonal =
      preconditioned ? std::span<const float>(preconditioner_) : std::span<const float>();
  if constexpr (std::is_same_v<Policy, GaussianPolicy>) {
    if (device_)
      return device_->solve(policy, x, n, counted, gradient_, inverse_diagonal, options, direction_);
  }
  return cg_.solve([&](std::span<const float> v, std::span<float> out) { fisher_.product(v, out); },
                   std::span<const float>(gradient_), std::span<float>(direction_), options,
                   inverse_diagonal);
}

// L at the present theta against old_log_prob_; own_ then holds its outputs.
template <class Policy>
double NaturalGradient<Policy>::surrogate(const Policy& policy, Rows own, std::span<const float> advantages,
                                          Rows demos, float demo_weight) {
  own_.infer(policy, own.x, own.n);
  own_.log_prob(policy, own.y, log_prob_);
  double value = 0;
  for (int i = 0; i < own.n; ++i) {
    value += advantages[i] * std::exp(static_cast<double>(log_prob_[i]) - old_log_prob_[i]);
  }
  value /= own.n;
  if (demos.n > 0) {
    demo_.infer(policy, demos.x, demos.n);
    weights_.resize(demos.n);
    demo_.log_prob(policy, demos.y, weights_);
    value += demo_weight * kernels::sum<float>(demos.n, weights_.data()) / demos.n;
  }
  return value;
}

template <class Policy>
NpgReport NaturalGradient<Policy>::step(Policy& policy, Rows own, std::span<const float> advantages,
                                        Rows demos, float demo_weight, const NpgSettings& settings) {
  BATON_REQUIRE(own.n > 0 && static_cast<int>(advantages.size()) == own.n,
                "npg: {} advantages for {} samples", advantages.size(), own.n);
  NpgReport report;
  old_theta_.assign(policy.theta().begin(), policy.theta().end());
  const double before = gradient(policy, own, advantages, demos, demo_weight, report);
  if (!(report.gradient_norm > 0)) return report;
  report.cg = solve(policy, own, settings);
  const std::span<const float> d = direction_;
  const double gd = dot(std::span<const float>(gradient_), d);
  if (!(gd > 0) || !std::isfinite(gd)) return report;
  // The iterates of CG leave a residual across d, so that g'd = d'(F + damping I)d.
  const double curvature = gd - settings.cg_damping * dot(d, d);
  report.alpha = std::sqrt(2 * settings.kl / gd);
  double s = 1;
  for (int i = 0; i < settings.line_search; ++i, s *= settings.backtrack) {
    const double length = s * report.alpha;
    for (std::size_t k = 0; k < old_theta_.size(); ++k) {
      policy.theta()[k] = static_cast<float>(old_theta_[k] + length * direction_[k]);
    }
    if constexpr (requires { policy.clamp_log_std(); }) policy.clamp_log_std();
    const double after = surrogate(policy, own, advantages, demos, demo_weight);
    const double kl = own_.mean_kl(policy);
    if (!(kl <= settings.kl_slack * settings.kl) || !(after > before)) continue;
    report.accepted = true;
    report.step = s;
    report.kl = kl;
    report.predicted_kl = 0.5 * length * length * curvature;
    report.improvement = after - before;
    report.predicted_improvement = length * gd;
    return report;
  }
  std::copy(old_theta_.begin(), old_theta_.end(), policy.theta().begin());
  return report;
}

template class NaturalGradient<GaussianPolicy>;
template class NaturalGradient<CategoricalPolicy>;

}  // namespace baton::rl
