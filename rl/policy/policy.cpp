#include "rl/policy/policy.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::rl {

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
                               LogStdRange range, std::uint64_t seed, Head head)
    : spec_(std::move(spec)),
      head_(head),
      encoding_(std::move(encoding)),
      in_(std::move(in)),
      out_(std::move(out)),
      range_(range) {
  ag::validate(spec_);
  BATON_REQUIRE(head_.components >= 1 && head_.components <= kMostComponents &&
                    (head_.components == 1 || head_.kind == HeadKind::kMixture),
                "policy: a {} head of {} components; a mixture has 1..{}, others 1",
                kHeadNames.at(static_cast<std::size_t>(head_.kind)), head_.components, kMostComponents);
  network_ = network_of(spec_, head_);
  ag::validate(network_);
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
  const std::size_t mlp = static_cast<std::size_t>(ag::parameter_count(network_));
  theta_.resize(mlp + static_cast<std::size_t>(spec_.out));
  ag::init_parameters<float>(network_, seed, 0.01f, std::span(theta_).first(mlp));
  std::ranges::fill(log_std(), range_.initial);
}

std::string GaussianPolicy::parameter_name(int index) const {
  const int log_std = index - mlp_parameters();
  return log_std < 0 ? ag::parameter_name(network_, index) : fmt::format("log_std [{}]", log_std);
}

PolicyLoss GaussianPolicy::loss(PolicyLoss wanted) const {
  if (head_.kind == HeadKind::kTwoPass) return PolicyLoss::kSquaredError;
  return head_.kind == HeadKind::kMixture ? PolicyLoss::kLogLikelihood : wanted;
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

}  // namespace baton::rl
