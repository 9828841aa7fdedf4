#include "kernels/categorical.hpp"

#include <cmath>
#include <limits>

namespace baton::kernels::ref {
namespace {

template <class T>
double number(const T* p, std::int64_t i) {
  return static_cast<double>(p[i]);
}
template <class T>
double weight(const T* w, std::int64_t r) {
  return w == nullptr ? 1.0 : static_cast<double>(w[r]);
}

// ln p[k] = (x[k] - largest) - ln sum_j e^(x[j] - largest)
template <class T>
struct Row {
  const T* x;
  double largest = -std::numeric_limits<double>::infinity(), log_total = 0;
  Row(const T* logits, std::int64_t r, int n) : x(logits + r * n) {
    for (int k = 0; k < n; ++k) {
      if (number(x, k) > largest) largest = number(x, k);
    }
    double total = 0;
    for (int k = 0; k < n; ++k) total += std::exp(number(x, k) - largest);
    log_total = std::log(total);
  }
  double log_p(int k) const { return number(x, k) - largest - log_total; }
  double p(int k) const { return std::exp(log_p(k)); }
};

// p times something that may be infinite where p is 0
double part(double p, double factor) { return p == 0 ? 0.0 : p * factor; }

template <class T>
double divergence(const Row<T>& p, const Row<T>& q, int n) {
  double total = 0;
  for (int k = 0; k < n; ++k) total += part(p.p(k), p.log_p(k) - q.log_p(k));
  return total;
}

template <class T>
double entropy(const Row<T>& p, int n) {
  double total = 0;
  for (int k = 0; k < n; ++k) total -= part(p.p(k), p.log_p(k));
  return total;
}

}  // namespace

template <class T>
void categorical_log_prob(std::int64_t rows, int n, const T* logits, const std::int32_t* index, T* out) {
  for (std::int64_t r = 0; r < rows; ++r) out[r] = static_cast<T>(Row<T>(logits, r, n).log_p(index[r]));
}

template <class T>
void categorical_log_prob_vjp(std::int64_t rows, int n, const T* logits, const std::int32_t* index,
                              const T* w, T* d_logits) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const Row<T> p(logits, r, n);
    for (int k = 0; k < n; ++k)
      d_logits[r * n + k] = static_cast<T>(weight(w, r) * ((k == index[r] ? 1.0 : 0.0) - p.p(k)));
  }
}

template <class T>
void categorical_kl(std::int64_t rows, int n, const T* logits_p, const T* logits_q, T* out) {
  for (std::int64_t r = 0; r < rows; ++r)
    out[r] = static_cast<T>(divergence(Row<T>(logits_p, r, n), Row<T>(logits_q, r, n), n));
}

template <class T>
void categorical_kl_vjp(std::int64_t rows, int n, const T* logits_p, const T* logits_q, const T* w, T* d_p,
                        T* d_q) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const Row<T> p(logits_p, r, n), q(logits_q, r, n);
    const double kl = divergence(p, q, n);
    for (int k = 0; k < n; ++k) {
      if (d_p != nullptr)
        d_p[r * n + k] = static_cast<T>(weight(w, r) * part(p.p(k), p.log_p(k) - q.log_p(k) - kl));
      if (d_q != nullptr) d_q[r * n + k] = static_cast<T>(weight(w, r) * (q.p(k) - p.p(k)));
    }
  }
}

template <class T>
void categorical_entropy(std::int64_t rows, int n, const T* logits, T* out) {
  for (std::int64_t r = 0; r < rows; ++r) out[r] = static_cast<T>(entropy(Row<T>(logits, r, n), n));
}

template <class T>
void categorical_entropy_vjp(std::int64_t rows, int n, const T* logits, const T* w, T* d_logits) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const Row<T> p(logits, r, n);
    const double h = entropy(p, n);
    for (int k = 0; k < n; ++k)
      d_logits[r * n + k] = static_cast<T>(-weight(w, r) * part(p.p(k), p.log_p(k) + h));
  }
}

#define BATON_INSTANTIATE(T)                                                                              \
  template void categorical_log_prob(std::int64_t, int, const T*, const std::int32_t*, T*);               \
  template void categorical_log_prob_vjp(std::int64_t, int, const T*, const std::int32_t*, const T*, T*); \
  template void categorical_kl(std::int64_t, int, const T*, const T*, T*);                                \
  template void categorical_kl_vjp(std::int64_t, int, const T*, const T*, const T*, T*, T*);              \
  template void categorical_entropy(std::int64_t, int, const T*, T*);                                     \
  template void categorical_entropy_vjp(std::int64_t, int, const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::ref
