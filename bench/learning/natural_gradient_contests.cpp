// fisher_vector_product/28000: F v over cached activations (one jvp, one vjp). npg_update/28000: policy gradient, 10
// iterations of conjugate gradient on all samples, line search. Limit: the multiply-adds of a cached J, J' pair (and of
// the forward and backward passes that the update cannot avoid) at the machine's peak. Peer: PyTorch's double backward.
#include <cmath>

#include "bench/learning/contest.hpp"
#include "bench/learning/policy_fixture.hpp"
#include "kernels/error.hpp"
#include "kernels/rng.hpp"
#include "rl/fisher.hpp"
#include "rl/npg.hpp"

namespace baton::bench {
namespace {

constexpr int kRows = 28000, kIterations = 10;

struct FisherWork {
  PolicyFixture fixture{kRows};
  rl::PolicyPass pass;
  std::unique_ptr<rl::Fisher<float>> fisher;
  std::vector<float> v, product;

  FisherWork() {
    const rl::GaussianPolicy& policy = fixture.policy;
    pass.forward(policy, fixture.x.data(), kRows);
    fisher = std::make_unique<rl::Fisher<float>>(pass.mlp(), policy.mlp_theta(), policy.log_std());
    v.resize(static_cast<std::size_t>(policy.parameters()));
    product = v;
    kernels::fill_normal(4, 0, 0, v);
    run();
    InDouble exact = fixture.in_double();
    rl::Fisher<double> reference(exact.pass, exact.theta, exact.log_std);
    const std::vector<double> direction(v.begin(), v.end());
    std::vector<double> want(v.size());
    reference.product(direction, want);
    require_close("fisher_vector_product", product, {want.begin(), want.end()}, 1e-4);
  }
  void run() { fisher->product(v, product); }
};

struct UpdateWork {
  PolicyFixture fixture{kRows};
  rl::GaussianPolicy start;
  rl::NpgSolver solver;
  rl::NpgSettings settings;
  std::vector<float> advantages;
  rl::NpgReport report;

  UpdateWork() : start(fixture.policy), advantages(kRows) {
    settings.cg_iterations = kIterations;
    settings.cg_tolerance = 0;
    settings.fisher_fraction = 1;
    settings.kl = 0.01F;
    kernels::fill_normal(5, 0, 0, advantages);
    run();
    BATON_REQUIRE(report.accepted && report.cg.iterations == kIterations,
                  "npg_update: accepted {}, {} iterations", report.accepted, report.cg.iterations);
    BATON_REQUIRE(std::fabs(report.kl - report.predicted_kl) <= 0.2 * report.predicted_kl,
                  "npg_update: KL {}, the quadratic model says {}", report.kl, report.predicted_kl);
  }
  void run() {
    fixture.policy = start;
    report =
        solver.step(fixture.policy, {fixture.x.data(), fixture.y.data(), kRows}, advantages, {}, 0, settings);
  }
};

}  // namespace

void add_natural_gradient_contests() {
  add_contest("fisher_vector_product/28000", "fisher_vector_product/28000", 20, [] {
    const auto work = std::make_shared<FisherWork>();
    return Work{[w = work.get()] { w->run(); }, kRows * (kJvpFlops + kBackwardFlops), {}, work};
  });
  add_contest("npg_update/28000", "npg_update/28000", 4, [] {
    const auto work = std::make_shared<UpdateWork>();
    // Forward and backward for the gradient, ten products, one forward to see where the step has led.
    const double flops =
        kRows * (2 * kForwardFlops + kBackwardFlops + kIterations * (kJvpFlops + kBackwardFlops));
    return Work{[w = work.get()] { w->run(); }, flops, {}, work};
  });
}

}  // namespace baton::bench
