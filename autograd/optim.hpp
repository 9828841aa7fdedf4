#pragma once
// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019) and gradient-norm
// clipping, on a flat parameter vector; and learning-rate schedules.
//   g <- g * min(1, clip_norm / |g|),  m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
//   theta <- theta (1 - lr wd) - lr mhat / (sqrt(vhat) + eps),  mhat = m / (1 - b1^t), vhat = v / (1 - b2^t)
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::ag {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  double clip_norm = 0;  // 0: no clipping
};

template <class T>
class Adam {
 public:
  Adam() = default;
  // Throws Error on options outside lr >= 0, 0 <= beta < 1, eps > 0, weight_decay >= 0, clip_norm >= 0.
  Adam(int n, const AdamOptions& options);

  // One update, theta in place. Throws Error naming the first parameter whose gradient is not finite (theta
  // and the state are then untouched). lr_scale multiplies options.lr: a schedule's value. Does not allocate.
  void step(std::span<T> theta, std::span<const T> gradient, T lr_scale = T(1));

  std::int64_t steps() const { return steps_; }
  double gradient_norm() const { return gradient_norm_; }  // of the latest step, before clipping
  const AdamOptions& options() const { return options_; }
  std::span<T> first_moment() { return m_; }
  std::span<T> second_moment() { return v_; }

 private:
  AdamOptions options_;
  std::vector<T> m_, v_;
  std::int64_t steps_ = 0;
  double gradient_norm_ = 0;
};

extern template class Adam<float>;
extern template class Adam<double>;

enum class Schedule { kConstant, kLinear, kCosine };
Schedule parse_schedule(
    std::string_view name);  // "constant", "linear", "cosine"; throws Error naming the known ones
std::string_view schedule_name(Schedule schedule);

// Factor in [floor, 1] at step `step` of `total`: constant 1; linear from 1 to floor; cosine from 1 to floor.
// A linear warm-up from 0 over the first `warmup` steps multiplies it.
double schedule_factor(Schedule schedule, std::int64_t step, std::int64_t total, std::int64_t warmup = 0,
                       double floor = 0);

}  // namespace baton::ag
