#pragma once
// First-order optimisers with decoupled weight decay (Loshchilov and Hutter 2019) and clipping of the gradient's
// norm, on a flat parameter vector; and learning-rate schedules.
//   g <- g * min(1, clip_norm / |g|)
//   adam, adamw (Kingma and Ba 2015):  m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
//       d = mhat / (sqrt(vhat) + eps),  mhat = m / (1 - b1^t),  vhat = v / (1 - b2^t)
//   sgd (momentum: Polyak 1964; nesterov: Sutskever et al. 2013):  m <- momentum m + g,
//       d = m,  or with nesterov  g + momentum m
//   theta <- theta (1 - lr wd) - lr d
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/adam.hpp"
#include "kernels/sgd.hpp"

namespace baton::ag {

enum class Algorithm { kAdam, kAdamW, kSgd };
Algorithm parse_algorithm(
    std::string_view name);  // "adam", "adamw", "sgd"; throws Error naming the known ones
std::string_view algorithm_name(Algorithm algorithm);

struct OptimizerOptions {
  Algorithm algorithm = Algorithm::kAdamW;
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adam, adamw
  double momentum = 0.9;                          // sgd
  bool nesterov = false;                          // sgd
  double weight_decay = 0;                        // adam is adamw without it, and refuses any
  double clip_norm = 0;                           // 0: no clipping
};

// The numbers of step t = 1, 2, ... of adam or adamw at the rate lr, and of any step of sgd; unclipped.
template <class T>
kernels::AdamStep<T> adam_numbers(const OptimizerOptions& options, std::int64_t t, double lr);
template <class T>
kernels::SgdStep<T> sgd_numbers(const OptimizerOptions& options, double lr);

// What a flat index means: "layer 1 weight [3][17]". For messages.
using ParameterName = std::function<std::string(int index)>;

// |gradient|. Throws Error "<who>: the gradient of <name> is nan" for the first element that is not finite, by
// `name` or, where that is empty, "parameter <index>".
template <class T>
double finite_norm(std::string_view who, std::span<const T> gradient, const ParameterName& name);

template <class T>
class Optimizer {
 public:
  Optimizer() = default;
  // Throws Error on options outside lr >= 0, 0 <= beta < 1, 0 <= momentum < 1, eps > 0, weight_decay >= 0 (adam:
  // 0), clip_norm >= 0.
  Optimizer(int n, const OptimizerOptions& options, ParameterName name = {});

  // One update, theta in place. lr_scale, finite and >= 0, multiplies options.lr: a schedule's value. Throws Error
  // where it is not, on other sizes than n, and as finite_norm does; theta and the state are then untouched. Does not
  // allocate.
  void step(std::span<T> theta, std::span<const T> gradient, T lr_scale = T(1));

  std::int64_t steps() const { return steps_; }
  double gradient_norm() const { return gradient_norm_; }  // of the latest step, before clipping
  const OptimizerOptions& options() const { return options_; }

 private:
  void adam_step(std::span<T> theta, std::span<const T> gradient, double gradient_scale, double lr);
  void sgd_step(std::span<T> theta, std::span<const T> gradient, double gradient_scale, double lr);

  OptimizerOptions options_;
  ParameterName name_;
  std::vector<T> m_, v_;
  std::int64_t steps_ = 0;
  double gradient_norm_ = 0;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;

enum class Schedule { kConstant, kLinear, kCosine };
Schedule parse_schedule(std::string_view name);  // "constant", "linear", "cosine"; throws as parse_algorithm
std::string_view schedule_name(Schedule schedule);

// Factor at step `step` = 0, 1, ... of `total`: constant 1; linear or cosine from 1 at step 0 to floor from step
// `total` on. Before step `warmup` it is multiplied by (step + 1) / warmup, and so may be below floor.
double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t total, std::int64_t warmup = 0,
                       double floor = 0);

}  // namespace baton::ag
