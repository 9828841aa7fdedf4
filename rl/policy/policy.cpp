#include "rl/policy/policy.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gaussian.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rng.hpp"

namespace baton::rl {
namespace {

std::size_t index(int rows, int width) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
}

ag::MlpPass<float>::Input encoder(const GaussianPolicy& policy, const float* x) {
  return [&policy, x](float* z, int first, int rows) {
    policy.encode(x + index(first, policy.in_dim()), rows, z);
  };
}

void check_gradient(const GaussianPolicy& policy, std::span<const float> grad) {
  BATON_REQUIRE(static_cast<int>(grad.size()) == policy.parameters(), "policy: gradient of {}, {} parameters",
                grad.size(), policy.parameters());
}

}  // namespace

RobotFill parse_robot_fill(std::string_view name) {
  const auto at = std::ranges::find(kRobotFillNames, name);
  if (at != kRobotFillNames.end()) return static_cast<RobotFill>(at - kRobotFillNames.begin());
  throw UsageError(
      fmt::format("robot fill '{}' is unknown: {} is expected", name, fmt::join(kRobotFillNames, ", ")));
}

std::string_view robot_fill_name(RobotFill fill) {
  return kRobotFillNames.at(static_cast<std::size_t>(fill));
}

GaussianPolicy::GaussianPolicy(ag::MlpSpec spec, PolicyEncoding encoding, Normalizer in, Normalizer out,
                               LogStdRange range, std::uint64_t seed)
    : spec_(std::move(spec)),
      encoding_(std::move(encoding)),
      in_(std::move(in)),
      out_(std::move(out)),
      range_(range) {
  ag::validate(spec_);
  BATON_REQUIRE(spec_.in == 2 * encoding_.state_dim, "policy: input is {} wide, state and goal of {} make {}",
                spec_.in, encoding_.state_dim, 2 * encoding_.state_dim);
  in_.check(spec_.in, "policy: input");
  out_.check(spec_.out, "policy: output");
  BATON_REQUIRE(!encoding_.residual || !encoding_.residual_of.empty() || spec_.out == encoding_.state_dim,
                "policy: a residual output must be a state of {}, it is {} wide", encoding_.state_dim,
                spec_.out);
  BATON_REQUIRE(
      encoding_.residual_of.empty() || encoding_.residual_of.size() == static_cast<std::size_t>(spec_.out),
      "policy: {} coordinates for a residual output of {}", encoding_.residual_of.size(), spec_.out);
  for (const std::vector<int>* list : {&encoding_.residual_of, &encoding_.seen}) {
    for (const int i : *list)
      BATON_REQUIRE(i >= 0 && i < encoding_.state_dim, "policy: coordinate {} of a state of {}", i,
                    encoding_.state_dim);
  }
  for (int i = 0; !encoding_.seen.empty() && i < encoding_.state_dim; ++i) {
    if (std::ranges::find(encoding_.seen, i) == encoding_.seen.end()) hidden_from_.push_back(i);
  }
  BATON_REQUIRE(encoding_.robot_dim >= 0 && encoding_.robot_dim <= encoding_.state_dim,
                "policy: {} robot coordinates in a state of {}", encoding_.robot_dim, encoding_.state_dim);
  BATON_REQUIRE(encoding_.robot_fill != RobotFill::kTypical ||
                    encoding_.typical_robot.size() == static_cast<std::size_t>(encoding_.robot_dim),
                "policy: the typical robot pose has {} values, {} are expected",
                encoding_.typical_robot.size(), encoding_.robot_dim);
  BATON_REQUIRE(range_.min <= range_.initial && range_.initial <= range_.max,
                "policy: log_std starts at {}, outside {} .. {}", range_.initial, range_.min, range_.max);
  const std::size_t mlp = static_cast<std::size_t>(ag::parameter_count(spec_));
  theta_.resize(mlp + static_cast<std::size_t>(spec_.out));
  ag::init_parameters<float>(spec_, seed, 0.01f, std::span(theta_).first(mlp));
  std::ranges::fill(log_std(), range_.initial);
}

std::string GaussianPolicy::parameter_name(int index) const {
  const int log_std = index - mlp_parameters();
  return log_std < 0 ? ag::parameter_name(spec_, index) : fmt::format("log_std [{}]", log_std);
}

void GaussianPolicy::clamp_log_std() {
  for (float& value : log_std()) value = std::clamp(value, range_.min, range_.max);
}

void GaussianPolicy::encode(const float* x, int n, float* z) const {
  const int s = encoding_.state_dim;
  const std::size_t size = static_cast<std::size_t>(n) * 2 * s;
  const bool zero = encoding_.robot_fill == RobotFill::kZero, changes = encoding_.relative_goal || zero;
  if (changes) std::copy(x, x + size, z);
  if (encoding_.relative_goal) {
    for (float* row = z; row < z + size; row += 2 * s) {
      for (int j = 0; j < s; ++j) row[s + j] -= row[j];
    }
  }
  const auto blank_robot = [&] {
    for (float* row = z; row < z + size; row += 2 * s) std::fill_n(row + s, encoding_.robot_dim, 0.0f);
  };
  if (zero) blank_robot();  // raw zeros
  in_.normalize(n, changes ? z : x, z);
  if (encoding_.robot_fill == RobotFill::kMask) blank_robot();  // normalised ones
  for (float* row = z; !hidden_from_.empty() && row < z + size; row += 2 * s) {
    for (const int j : hidden_from_) row[j] = row[s + j] = 0;
  }
}

void GaussianPolicy::normalize_output(const float* x, const float* y, int n, float* u) const {
  const int m = spec_.out, stride = spec_.in;
  if (!encoding_.residual) return out_.normalize(n, y, u);
  const int* of = encoding_.residual_of.empty() ? nullptr : encoding_.residual_of.data();
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < m; ++j) u[i * m + j] = y[i * m + j] - x[i * stride + (of != nullptr ? of[j] : j)];
  }
  out_.normalize(n, u, u);
}

void GaussianPolicy::denormalize_output(const float* x, const float* u, int n, float* y) const {
  const int m = spec_.out, stride = spec_.in;
  out_.denormalize(n, u, y);
  const int* of = encoding_.residual_of.empty() ? nullptr : encoding_.residual_of.data();
  for (int i = 0; encoding_.residual && i < n; ++i) {
    for (int j = 0; j < m; ++j) y[i * m + j] += x[i * stride + (of != nullptr ? of[j] : j)];
  }
}

void GaussianPolicy::fill_goal(std::span<float> goal) const {
  BATON_REQUIRE(static_cast<int>(goal.size()) == encoding_.state_dim,
                "policy: goal has {} numbers, {} are expected", goal.size(), encoding_.state_dim);
  if (encoding_.robot_fill == RobotFill::kTypical) std::ranges::copy(encoding_.typical_robot, goal.begin());
}

void PolicyPass::reserve(const GaussianPolicy& policy, int max_rows) {
  mlp_ = ag::MlpPass<float>(policy.spec(), max_rows);
  target_.resize(index(max_rows, policy.out_dim()));
  dy_.resize(target_.size());
}

// What comes before the first of n rows.
void PolicyPass::begin(const GaussianPolicy& policy, const float* x, int n) {
  if (target_.size() < index(n, policy.out_dim())) reserve(policy, n);
  mlp_.prepare(policy.spec());
  x_ = x;
  n_ = n;
}

void PolicyPass::forward(const GaussianPolicy& policy, const float* x, int n) {
  begin(policy, x, n);
  mlp_.forward(policy.mlp_theta(), encoder(policy, x), n);
}

void PolicyPass::infer(const GaussianPolicy& policy, const float* x, int n) {
  begin(policy, x, n);
  mlp_.infer(policy.mlp_theta(), encoder(policy, x), n);
}

std::span<const float> PolicyPass::normalized_mean() const { return mlp_.output(); }

void PolicyPass::mean(const GaussianPolicy& policy, float* y) const {
  policy.denormalize_output(x_, mlp_.output().data(), n_, y);
}

void PolicyPass::sample(const GaussianPolicy& policy, std::span<const std::uint64_t> row_seeds,
                        std::uint64_t step, float scale, float* y) const {
  BATON_REQUIRE(static_cast<int>(row_seeds.size()) == n_, "policy: {} seeds for {} rows", row_seeds.size(),
                n_);
  const int m = policy.out_dim();
  const float* u = mlp_.output().data();
  const std::span<const float> log_std = policy.log_std();
  for (int i = 0; i < n_; ++i) {
    kernels::Random random(row_seeds[static_cast<std::size_t>(i)], step);
    for (int j = 0; j < m; ++j) y[i * m + j] = u[i * m + j] + std::exp(log_std[j]) * scale * random.normal();
  }
  policy.denormalize_output(x_, y, n_, y);
}

void PolicyPass::log_prob(const GaussianPolicy& policy, const float* y, std::span<float> result) {
  BATON_REQUIRE(static_cast<int>(result.size()) == n_, "policy: {} places for {} rows", result.size(), n_);
  policy.normalize_output(x_, y, n_, target_.data());
  row_log_prob(policy, result.data());
}

// Of target_, one number a row.
void PolicyPass::row_log_prob(const GaussianPolicy& policy, float* result) const {
  const float *u = mlp_.output().data(), *log_std = policy.log_std().data();
  if (counted_.empty())
    return kernels::gaussian_log_prob<float>(n_, policy.out_dim(), target_.data(), u, log_std, result);
  require_counts(policy);
  const std::size_t m = static_cast<std::size_t>(policy.out_dim());
  for (std::size_t i = 0; i < counted_.size(); ++i)
    kernels::gaussian_log_prob<float>(1, counted_[i], &target_[i * m], u + i * m, log_std, result + i);
}

void PolicyPass::require_counts(const GaussianPolicy& policy) const {
  BATON_REQUIRE(static_cast<int>(counted_.size()) == n_, "policy: {} counts of outputs for {} rows",
                counted_.size(), n_);
  for (const int count : counted_)
    BATON_REQUIRE(count >= 1 && count <= policy.out_dim(), "policy: {} outputs of {} are to count", count,
                  policy.out_dim());
}

void PolicyPass::set_weights(std::span<const float> weights) {
  BATON_REQUIRE(weights.empty() || static_cast<int>(weights.size()) == n_, "policy: {} weights for {} rows",
                weights.size(), n_);
  if (weights.empty()) equal_weights_.assign(static_cast<std::size_t>(n_), 1.0f / static_cast<float>(n_));
  weights_ = weights.empty() ? std::span<const float>(equal_weights_) : weights;
}

// dy [rows][out] of some rows, from target_ and the means u [rows][out].
void PolicyPass::likelihood_slope(const GaussianPolicy& policy, const float* u, int first, int rows,
                                  float* dy) const {
  kernels::gaussian_log_prob_vjp<float>(rows, policy.out_dim(),
                                        target_.data() + index(first, policy.out_dim()), u,
                                        policy.log_std().data(), weights_.data() + first, dy, nullptr);
}

// The sum over all rows, from target_; its derivative in log_std is added to log_std_grad.
double PolicyPass::likelihood(const GaussianPolicy& policy, float* log_std_grad) {
  const float *u = mlp_.output().data(), *log_std = policy.log_std().data();
  per_row_.resize(static_cast<std::size_t>(n_));
  row_log_prob(policy, per_row_.data());
  if (counted_.empty()) {
    kernels::gaussian_log_prob_vjp<float>(n_, policy.out_dim(), target_.data(), u, log_std, weights_.data(),
                                          nullptr, log_std_grad);
  } else {
    const std::size_t m = static_cast<std::size_t>(policy.out_dim());
    for (std::size_t i = 0; i < counted_.size(); ++i)
      kernels::gaussian_log_prob_vjp<float>(1, counted_[i], &target_[i * m], u + i * m, log_std, &weights_[i],
                                            nullptr, log_std_grad);
  }
  return kernels::dot<float>(n_, weights_.data(), per_row_.data());
}

// target_ of some rows becomes its difference from the means u [rows][out].
void PolicyPass::subtract_from_mean(const GaussianPolicy& policy, const float* u, int first, int rows) {
  float* target = target_.data() + index(first, policy.out_dim());
  const auto size = static_cast<std::int64_t>(index(rows, policy.out_dim()));
  kernels::binary<float>(kernels::Binary::kSub, size, u, 1, target, 1, target);
}

// From the differences.
double PolicyPass::half_mean_square(const GaussianPolicy& policy) const {
  const auto size = static_cast<std::int64_t>(index(n_, policy.out_dim()));
  return 0.5 * kernels::dot<float>(size, target_.data(), target_.data()) / n_;
}

double PolicyPass::weighted_log_likelihood(const GaussianPolicy& policy, const float* y,
                                           std::span<const float> weights, std::span<float> grad) {
  check_gradient(policy, grad);
  set_weights(weights);
  const std::size_t m = static_cast<std::size_t>(policy.mlp_parameters());
  policy.normalize_output(x_, y, n_, target_.data());
  likelihood_slope(policy, mlp_.output().data(), 0, n_, dy_.data());
  for (std::size_t i = 0; i < counted_.size(); ++i) {
    const std::size_t width = static_cast<std::size_t>(policy.out_dim());
    std::fill(&dy_[i * width] + counted_[i], &dy_[i * width] + width, 0.0f);
  }
  mlp_.vjp(policy.mlp_theta(), dy_.data(), grad.first(m));
  return likelihood(policy, grad.data() + m);
}

double PolicyPass::mean_squared_error(const GaussianPolicy& policy, const float* y) {
  policy.normalize_output(x_, y, n_, target_.data());
  subtract_from_mean(policy, mlp_.output().data(), 0, n_);
  return half_mean_square(policy);
}

double PolicyPass::fit(const GaussianPolicy& policy, PolicyLoss loss, const float* x, const float* y, int n,
                       std::span<const float> weights, std::span<float> grad) {
  check_gradient(policy, grad);
  begin(policy, x, n);
  const bool squares = loss == PolicyLoss::kSquaredError;
  if (!squares) set_weights(weights);
  const auto slope = [&](const float* u, float* dy, int first, int rows) {
    const std::size_t at = index(first, policy.out_dim());
    policy.normalize_output(x + index(first, policy.in_dim()), y + at, rows, target_.data() + at);
    if (!squares) return likelihood_slope(policy, u, first, rows, dy);
    subtract_from_mean(policy, u, first, rows);
    const float share = 1.0f / static_cast<float>(n);
    kernels::binary<float>(kernels::Binary::kMul, static_cast<std::int64_t>(index(rows, policy.out_dim())),
                           target_.data() + at, 1, &share, 0, dy);
  };
  const std::size_t m = static_cast<std::size_t>(policy.mlp_parameters());
  mlp_.forward_vjp(policy.mlp_theta(), encoder(policy, x), n, std::cref(slope), dy_.data(), grad.first(m));
  std::ranges::fill(grad.subspan(m), 0.0f);
  return squares ? half_mean_square(policy) : likelihood(policy, grad.data() + m);
}

void PolicyPass::remember(const GaussianPolicy& policy) {
  old_mean_.assign(normalized_mean().begin(), normalized_mean().end());
  old_log_std_.assign(policy.log_std().begin(), policy.log_std().end());
}

double PolicyPass::mean_kl(const GaussianPolicy& policy) {
  BATON_REQUIRE(n_ > 0 && old_mean_.size() == normalized_mean().size(),
                "policy: {} means are remembered, {} are there", old_mean_.size(), normalized_mean().size());
  per_row_.resize(static_cast<std::size_t>(n_));
  const float *u = normalized_mean().data(), *log_std = policy.log_std().data();
  const int m = policy.out_dim();
  if (counted_.empty()) {
    kernels::gaussian_kl<float>(n_, m, old_mean_.data(), old_log_std_.data(), u, log_std, per_row_.data());
  } else {
    require_counts(policy);
    for (std::size_t i = 0; i < counted_.size(); ++i)
      kernels::gaussian_kl<float>(1, counted_[i], &old_mean_[index(static_cast<int>(i), m)],
                                  old_log_std_.data(), u + index(static_cast<int>(i), m), log_std,
                                  &per_row_[i]);
  }
  return kernels::sum<float>(n_, per_row_.data()) / n_;
}

void PolicyPass::set_fisher(const GaussianPolicy& policy, Fisher<float>& fisher) {
  fisher.set_gaussian(mlp_, policy.mlp_theta(), policy.log_std(), counted_);
}

}  // namespace baton::rl
