#include "rl/npg.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/error.hpp"
#include "rl/fisher.hpp"

namespace baton::rl {

void list_settings(SettingsTable& table, const std::string& section, NpgSettings& settings) {
  table.add(section + ".kl", &settings.kl, "trust region: mean KL of one step", 1e-8, 10);
  table.add(section + ".cg_iterations", &settings.cg_iterations, "conjugate gradient iterations", 1, 1000);
  table.add(section + ".cg_damping", &settings.cg_damping, "added to the Fisher matrix's diagonal", 0, 1e3);
  table.add(section + ".cg_tolerance", &settings.cg_tolerance, "stop at this squared relative residual", 0,
            1);
  table.add(section + ".fisher_fraction", &settings.fisher_fraction,
            "share of the samples in Fisher products", 1e-3, 1);
  table.add(section + ".line_search", &settings.line_search, "tries of the line search", 1, 100);
  table.add(section + ".backtrack", &settings.backtrack, "factor between tries", 0.01, 0.99);
  table.add(section + ".kl_slack", &settings.kl_slack, "accepted multiple of kl", 1, 100);
}

namespace {

// Copies every (1/fraction)-th row of x, evenly spaced, into out; returns how many.
int thin(PolicyRows rows, int width, float fraction, std::vector<float>& out) {
  const int n = std::clamp(static_cast<int>(std::lround(static_cast<double>(rows.n) * fraction)), 1, rows.n);
  out.resize(static_cast<std::size_t>(n) * width);
  for (int i = 0; i < n; ++i) {
    const std::size_t from = static_cast<std::size_t>(static_cast<std::int64_t>(i) * rows.n / n);
    std::copy_n(rows.x + from * width, width, &out[static_cast<std::size_t>(i) * width]);
  }
  return n;
}

}  // namespace

// Forward passes at the present theta; gradient_ = g. Returns L.
double NpgSolver::gradient(const GaussianPolicy& policy, PolicyRows own, std::span<const float> advantages,
                           PolicyRows demos, float demo_weight, NpgReport& report) {
  gradient_.assign(policy.parameters(), 0.0f);
  own_.forward(policy, own.x, own.n);
  old_mean_.assign(own_.normalized_mean().begin(), own_.normalized_mean().end());
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
  report.gradient_norm = std::sqrt(dot(std::span<const float>(gradient_), std::span<const float>(gradient_)));
  return value;
}

// direction_ = F^-1 g.
CgReport NpgSolver::solve(const GaussianPolicy& policy, PolicyRows own, const NpgSettings& settings) {
  PolicyPass* pass = &own_;
  if (settings.fisher_fraction < 1) {
    const int n = thin(own, policy.in_dim(), settings.fisher_fraction, fisher_x_);
    fisher_.forward(policy, fisher_x_.data(), n);
    pass = &fisher_;
  }
  Fisher<float> fisher(pass->mlp(), policy.mlp_theta(), policy.log_std());
  direction_.resize(gradient_.size());
  const CgOptions options{.iterations = settings.cg_iterations,
                          .damping = settings.cg_damping,
                          .tolerance = settings.cg_tolerance};
  return conjugate_gradient<float>(
      [&](std::span<const float> v, std::span<float> out) { fisher.product(v, out); }, gradient_, direction_,
      options);
}

// L at the present theta against old_log_prob_; own_ then holds its forward pass.
double NpgSolver::surrogate(const GaussianPolicy& policy, PolicyRows own, std::span<const float> advantages,
                            PolicyRows demos, float demo_weight) {
  own_.forward(policy, own.x, own.n);
  own_.log_prob(policy, own.y, log_prob_);
  double value = 0;
  for (int i = 0; i < own.n; ++i) {
    value += advantages[i] * std::exp(static_cast<double>(log_prob_[i]) - old_log_prob_[i]);
  }
  value /= own.n;
  if (demos.n > 0) {
    demo_.forward(policy, demos.x, demos.n);
    weights_.resize(demos.n);
    demo_.log_prob(policy, demos.y, weights_);
    double sum = 0;
    for (const float w : weights_) sum += w;
    value += demo_weight * sum / demos.n;
  }
  return value;
}

NpgReport NpgSolver::step(GaussianPolicy& policy, PolicyRows own, std::span<const float> advantages,
                          PolicyRows demos, float demo_weight, const NpgSettings& settings) {
  BATON_REQUIRE(own.n > 0 && static_cast<int>(advantages.size()) == own.n,
                "npg: {} advantages for {} samples", advantages.size(), own.n);
  NpgReport report;
  old_theta_.assign(policy.theta().begin(), policy.theta().end());
  old_log_std_.assign(policy.log_std().begin(), policy.log_std().end());
  const double before = gradient(policy, own, advantages, demos, demo_weight, report);
  if (!(report.gradient_norm > 0)) return report;
  report.cg = solve(policy, own, settings);
  const double gd = dot(std::span<const float>(gradient_), std::span<const float>(direction_));
  if (!(gd > 0) || !std::isfinite(gd)) return report;
  // g'd = d'(F + damping I)d up to the residual: the quadratic model's KL of the whole step is delta.
  report.alpha = std::sqrt(2 * settings.kl / gd);
  double s = 1;
  for (int i = 0; i < settings.line_search; ++i, s *= settings.backtrack) {
    const double length = s * report.alpha;
    for (std::size_t k = 0; k < old_theta_.size(); ++k) {
      policy.theta()[k] = static_cast<float>(old_theta_[k] + length * direction_[k]);
    }
    policy.clamp_log_std();
    const double after = surrogate(policy, own, advantages, demos, demo_weight);
    const double kl = mean_kl(old_mean_, old_log_std_, own_.normalized_mean(), policy.log_std());
    if (!(kl <= settings.kl_slack * settings.kl) || !(after > before)) continue;
    report.accepted = true;
    report.step = s;
    report.kl = kl;
    report.predicted_kl = 0.5 * length * length * gd;
    report.improvement = after - before;
    report.predicted_improvement = length * gd;
    return report;
  }
  std::copy(old_theta_.begin(), old_theta_.end(), policy.theta().begin());
  return report;
}

}  // namespace baton::rl
