#pragma once
// One natural policy gradient step (paper, equations 2 and 3; Kakade 2001; DAPG: Rajeswaran et al. 2018):
//   g = 1/n sum_i A_i grad log pi(y_i | x_i) + lambda 1/m sum_j grad log pi(y_j | x_j)    (i own, j demonstrations)
//   d = F^-1 g (conjugate gradient),   alpha = sqrt(2 delta / g'd),   theta += s alpha d
// s = 1, backtrack, backtrack^2, ...: the first for which the mean KL(old || new) on the own samples stays within
// kl_slack * delta and the surrogate
//   L(theta) = 1/n sum_i A_i pi_theta(y_i | x_i) / pi_old(y_i | x_i) + lambda 1/m sum_j log pi_theta(y_j | x_j)
// has grown. None: the policy stays as it was.
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rl/cg.hpp"
#include "rl/device.hpp"
#include "rl/fisher.hpp"
#include "rl/policy/categorical.hpp"
#include "rl/policy/policy_pass.hpp"
#include "rl/run/settings.hpp"

namespace baton::rl {

enum class Preconditioner { kNone, kDiagonal };
inline constexpr std::array<std::string_view, 2> kPreconditionerNames = {"none", "diagonal"};

struct NpgSettings {
  float kl = 0.05f;  // delta
  int cg_iterations = 10;
  float cg_damping = 1e-4f;
  float cg_tolerance = 1e-10f;
  // Of F, estimated (rl/fisher.hpp). It pays where inputs are badly scaled (tests/rl/npg_test.cpp); normalised ones, as
  // policies have, leave it little to do.
  Preconditioner preconditioner = Preconditioner::kNone;
  float fisher_fraction = 0.25f;  // of the samples, evenly spaced, that the Fisher products see
  int line_search = 8;            // tries; 1: the full step, unless it breaks the checks
  float backtrack = 0.6f;
  float kl_slack = 1.5f;
};
void list_settings(SettingsTable& table, const std::string& section, NpgSettings& settings);

// Inputs [n][in_dim] and what was chosen for them: outputs [n][out] or choices [n].
template <class Output>
struct SampleRows {
  const float* x = nullptr;
  const Output* y = nullptr;
  int n = 0;
  std::span<const int> counted = {};  // [n], how many numbers of each output count (PolicyPass); empty: all
};
using PolicyRows = SampleRows<float>;

struct NpgReport {
  bool accepted = false;
  double step = 0;                                    // s of the accepted step; 0: none
  double kl = 0, predicted_kl = 0;                    // actual, and 1/2 s^2 alpha^2 d'Fd
  double improvement = 0, predicted_improvement = 0;  // of L: actual, and s alpha g'd
  double gradient_norm = 0;
  double alpha = 0;
  double demo_log_likelihood = 0;  // before the step, per row; 0 without demonstrations
  CgReport cg;
};

// The step of a GaussianPolicy or a CategoricalPolicy. Buffers are kept from step to step: a step with no more rows
// than one before does not allocate.
template <class Policy>
class NaturalGradient {
 public:
  using Rows = SampleRows<typename Policy::Output>;

  // Where directions are solved for, if not here. For a GaussianPolicy.
  void set_device(std::unique_ptr<SolveDevice> device) { device_ = std::move(device); }

  // Updates policy.theta(). advantages: [own.n]. demos.n = 0: no demonstration term. Throws on non-finite advantages,
  // and on a gradient that is not finite by the name of its first such parameter; theta is then untouched.
  NpgReport step(Policy& policy, Rows own, std::span<const float> advantages, Rows demos, float demo_weight,
                 const NpgSettings& settings);

 private:
  double gradient(const Policy& policy, Rows own, std::span<const float> advantages, Rows demos,
                  float demo_weight, NpgReport& report);
  CgReport solve(const Policy& policy, Rows own, const NpgSettings& settings);
  void estimate_preconditioner(double damping);
  double surrogate(const Policy& policy, Rows own, std::span<const float> advantages, Rows demos,
                   float demo_weight);

  typename Policy::Pass own_, demo_, thinned_;
  Fisher<float> fisher_;
  ConjugateGradient<float> cg_;
  std::vector<float> gradient_, direction_, preconditioner_, weights_, log_prob_, old_log_prob_, old_theta_;
  std::vector<float> thinned_x_;
  std::vector<int> thinned_counted_;
  std::unique_ptr<SolveDevice> device_;
};

extern template class NaturalGradient<GaussianPolicy>;
extern template class NaturalGradient<CategoricalPolicy>;
using NpgSolver = NaturalGradient<GaussianPolicy>;

}  // namespace baton::rl
