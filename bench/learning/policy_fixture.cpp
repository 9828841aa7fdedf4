#include "bench/learning/policy_fixture.hpp"

#include <cmath>
#include <numeric>

#include "kernels/rng.hpp"

namespace baton::bench {
namespace {

constexpr int kState = 30, kAction = 9, kEpisodes = 400, kSteps = 280;

rl::Dataset noise_demonstrations() {
  rl::Dataset data;
  data.state_dim = kState;
  data.action_dim = kAction;
  data.states.resize(std::size_t{kEpisodes} * kSteps * kState);
  data.actions.resize(std::size_t{kEpisodes} * kSteps * kAction);
  kernels::fill_normal(1, 0, 0, data.states);
  kernels::fill_normal(1, 1, 0, data.actions);
  for (int e = 1; e <= kEpisodes; ++e) data.offsets.push_back(std::int64_t{e} * kSteps);
  return data;
}

rl::Normalizer normalizer(int width) {
  const std::size_t n = static_cast<std::size_t>(width);
  return {std::vector<float>(n, 0.1F), std::vector<float>(n, 1.1F)};
}

rl::PolicyEncoding encoding() {
  rl::PolicyEncoding made;
  made.state_dim = kState;
  return made;
}

}  // namespace

PolicyFixture::PolicyFixture(int n, const FixtureShape& shape)
    : rows(n),
      chunk(shape.chunk),
      data(noise_demonstrations()),
      policy({2 * kState, shape.hidden, kAction * chunk, shape.activation}, encoding(),
             normalizer(2 * kState), normalizer(kAction * chunk), {}, 1),
      x(static_cast<std::size_t>(n) * 2 * kState),
      y(static_cast<std::size_t>(n) * kAction * static_cast<std::size_t>(chunk)) {
  ag::init_parameters<float>(policy.spec(), 2, 1.0F, policy.theta().first(policy.mlp_theta().size()));
  kernels::fill_normal(3, 0, 0, x);
  kernels::fill_normal(3, 1, 0, y);
}

double PolicyFixture::step_flops() const {
  const ag::MlpSpec& spec = policy.spec();
  double flops = 0;
  int in = spec.in;
  const auto layer = [&](int out) { flops += 2.0 * in * out, in = out; };
  for (const int width : spec.hidden) layer(width);
  layer(spec.out);
  return 3 * flops - 2.0 * spec.in * spec.hidden.front();
}

InDouble PolicyFixture::in_double() const {
  InDouble made;
  made.theta.assign(policy.mlp_theta().begin(), policy.mlp_theta().end());
  made.log_std.assign(policy.log_std().begin(), policy.log_std().end());
  std::vector<float> z(x.size()), u(y.size());
  policy.encode(x.data(), rows, z.data());
  policy.normalize_output(x.data(), y.data(), rows, u.data());
  made.target.assign(u.begin(), u.end());
  const std::vector<double> input(z.begin(), z.end());
  made.pass.forward(policy.spec(), made.theta, input.data(), rows);
  return made;
}

// d log pi / d mean = (target - mean) / sigma^2
std::vector<double> InDouble::log_likelihood_gradient() {
  const std::size_t m = log_std.size();
  std::vector<double> dy(target.size()), gradient(theta.size());
  for (std::size_t i = 0; i < dy.size(); ++i)
    dy[i] = (target[i] - pass.output()[i]) * std::exp(-2 * log_std[i % m]) / pass.rows();
  pass.vjp(theta, dy.data(), gradient);
  return gradient;
}

rl::TupleStream PolicyFixture::stream(bool high) const {
  std::vector<int> episodes(static_cast<std::size_t>(data.episodes()));
  std::iota(episodes.begin(), episodes.end(), 0);
  rl::TupleStream made;
  made.data = &data;
  made.table = std::make_shared<const rl::StateTable>(data);  // as imitate() does
  made.chunk = chunk;
  made.kind = high ? rl::TupleKind::kHigh : rl::TupleKind::kLow;
  made.sources.push_back({rl::RelabelIndex(data, high ? 260 : made.low_window, episodes), 1});
  return made;
}

}  // namespace baton::bench
