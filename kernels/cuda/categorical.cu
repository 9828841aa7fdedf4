#include <cmath>

#include "kernels/cuda/column.hpp"
#include "kernels/cuda/kernels.hpp"

namespace baton::kernels::cuda {
namespace {

// ln p[k] = (x[k] - largest) - ln sum_j e^(x[j] - largest) of a row
template <class T>
struct LogP {
  const T* x;
  T largest, log_total;
  __device__ LogP(const Row& row, const T* logits) : x(logits + row.start), largest(row.largest(logits)) {
    const T total = row.template sum<T>([&](std::int64_t k) { return std::exp(x[k] - largest); });
    log_total = std::log(total);
  }
  __device__ T operator()(std::int64_t k) const { return x[k] - largest - log_total; }
};

// p times something that may be infinite where p is 0
template <class T>
__device__ T part(T p, T factor) {
  return p == T(0) ? T(0) : p * factor;
}
template <class T>
__device__ T weight(const T* w, const Row& row) {
  return w == nullptr ? T(1) : w[row.place];
}
template <class T>
__device__ T divergence(const Row& row, const LogP<T>& p, const LogP<T>& q) {
  return row.template sum<T>([&](std::int64_t k) { return part(std::exp(p(k)), p(k) - q(k)); });
}
template <class T>
__device__ T entropy(const Row& row, const LogP<T>& p) {
  return -row.template sum<T>([&](std::int64_t k) { return part(std::exp(p(k)), p(k)); });
}

template <class T>
struct LogProb {
  const T* logits;
  const std::int32_t* index;
  T* out;
  __device__ void operator()(const Row& row) const {
    const LogP<T> p(row, logits);
    if (row.leads()) out[row.place] = p(index[row.place]);
  }
};

template <class T>
struct LogProbVjp {
  const T* logits;
  const std::int32_t* index;
  const T* w;
  T* d_logits;
  __device__ void operator()(const Row& row) const {
    const LogP<T> p(row, logits);
    const T scale = weight(w, row);
    const std::int32_t chosen = index[row.place];
    row.each([&](std::int64_t k) {
      d_logits[row.at(k)] = scale * ((k == chosen ? T(1) : T(0)) - std::exp(p(k)));
    });
  }
};

template <class T>
struct Kl {
  const T* logits_p;
  const T* logits_q;
  T* out;
  __device__ void operator()(const Row& row) const {
    const T kl = divergence(row, LogP<T>(row, logits_p), LogP<T>(row, logits_q));
    if (row.leads()) out[row.place] = kl;
  }
};

template <class T>
struct KlVjp {
  const T* logits_p;
  const T* logits_q;
  const T* w;
  T* d_p;
  T* d_q;
  __device__ void operator()(const Row& row) const {
    const LogP<T> p(row, logits_p), q(row, logits_q);
    const T kl = divergence(row, p, q), scale = weight(w, row);
    row.each([&](std::int64_t k) {
      const T log_p = p(k), log_q = q(k), p_k = std::exp(log_p);
      if (d_p != nullptr) d_p[row.at(k)] = scale * part(p_k, log_p - log_q - kl);
      if (d_q != nullptr) d_q[row.at(k)] = scale * (std::exp(log_q) - p_k);
    });
  }
};

template <class T>
struct Entropy {
  const T* logits;
  T* out;
  __device__ void operator()(const Row& row) const {
    const T h = entropy(row, LogP<T>(row, logits));
    if (row.leads()) out[row.place] = h;
  }
};

template <class T>
struct EntropyVjp {
  const T* logits;
  const T* w;
  T* d_logits;
  __device__ void operator()(const Row& row) const {
    const LogP<T> p(row, logits);
    const T h = entropy(row, p), scale = weight(w, row);
    row.each([&](std::int64_t k) {
      const T log_p = p(k);
      d_logits[row.at(k)] = -scale * part(std::exp(log_p), log_p + h);
    });
  }
};

}  // namespace

template <class T>
void categorical_log_prob(Stream& stream, std::int64_t rows, int n, const T* logits,
                          const std::int32_t* index, T* out) {
  for_rows(stream, rows, n, LogProb<T>{logits, index, out});
}
template <class T>
void categorical_log_prob_vjp(Stream& stream, std::int64_t rows, int n, const T* logits,
                              const std::int32_t* index, const T* w, T* d_logits) {
  for_rows(stream, rows, n, LogProbVjp<T>{logits, index, w, d_logits});
}
template <class T>
void categorical_kl(Stream& stream, std::int64_t rows, int n, const T* logits_p, const T* logits_q, T* out) {
  for_rows(stream, rows, n, Kl<T>{logits_p, logits_q, out});
}
template <class T>
void categorical_kl_vjp(Stream& stream, std::int64_t rows, int n, const T* logits_p, const T* logits_q,
                        const T* w, T* d_p, T* d_q) {
  for_rows(stream, rows, n, KlVjp<T>{logits_p, logits_q, w, d_p, d_q});
}
template <class T>
void categorical_entropy(Stream& stream, std::int64_t rows, int n, const T* logits, T* out) {
  for_rows(stream, rows, n, Entropy<T>{logits, out});
}
template <class T>
void categorical_entropy_vjp(Stream& stream, std::int64_t rows, int n, const T* logits, const T* w,
                             T* d_logits) {
  for_rows(stream, rows, n, EntropyVjp<T>{logits, w, d_logits});
}

#define BATON_INSTANTIATE(T)                                                                          \
  template void categorical_log_prob(Stream&, std::int64_t, int, const T*, const std::int32_t*, T*);  \
  template void categorical_log_prob_vjp(Stream&, std::int64_t, int, const T*, const std::int32_t*,   \
                                         const T*, T*);                                               \
  template void categorical_kl(Stream&, std::int64_t, int, const T*, const T*, T*);                   \
  template void categorical_kl_vjp(Stream&, std::int64_t, int, const T*, const T*, const T*, T*, T*); \
  template void categorical_entropy(Stream&, std::int64_t, int, const T*, T*);                        \
  template void categorical_entropy_vjp(Stream&, std::int64_t, int, const T*, const T*, T*);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::kernels::cuda
