#include "kernels/cpu/column.hpp"
#include "kernels/dispatch.hpp"

namespace baton::kernels::BATON_ISA {
namespace {

// A row of logits: ln p = (x - largest) - ln sum e^(x - largest). Lanes that are not in use hold -infinity, so
// that their probability is 0.
template <class T>
struct Row {
  const T* x;
  Vec<T> most, log_total;
  [[gnu::always_inline]] Row(const Column<T>& c, const T* logits) : x(logits), most(c.largest(logits)) {
    log_total = vec_log(c.sum([&](int64_t g) { return vec_exp(logit(c, g) - most); }));
  }
  [[gnu::always_inline]] Vec<T> logit(const Column<T>& c, int64_t g) const {
    return c.get(x, g, static_cast<T>(-__builtin_inf()));
  }
  [[gnu::always_inline]] Vec<T> log_p(const Column<T>& c, int64_t g) const {
    return (logit(c, g) - most) - log_total;
  }
};

template <class T>
[[gnu::always_inline]] inline T weight(const T* w, int64_t r) {
  return w == nullptr ? T(1) : w[r];
}

template <class T>
void log_prob_isa(int64_t rows, int n, const T* logits, const int32_t* index, T* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const Row<T> p(row_column<T>(r, n), logits);
    out[r] = (logits[r * n + index[r]] - p.most[0]) - p.log_total[0];
  }
}

template <class T>
void log_prob_vjp_isa(int64_t rows, int n, const T* logits, const int32_t* index, const T* w, T* d_logits) {
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, n);
    const Row<T> p(c, logits);
    const T scale = weight(w, r);
    for (int64_t g = 0; g < c.groups; ++g) c.put(d_logits, g, vec_exp(p.log_p(c, g)) * -scale);
    d_logits[r * n + index[r]] += scale;
  }
}

// p (d + e^-d - 1) = p ln(p/q) + q - p with d = ln(p/q): no term is negative, and their sum is KL because p and q
// sum to 1; for small d the e^-d - 1 keeps the digits that subtracting probabilities would lose. A class without
// probability adds q.
template <class T>
[[gnu::always_inline]] inline Vec<T> kl_term(Vec<T> log_p, Vec<T> log_q) {
  const Vec<T> p = vec_exp(log_p), q = vec_exp(log_q), d = log_p - log_q;
  const Vec<T> near = p * (d + vec_expm1(d > -1 ? -d : splat(T(1)))), far = p * d + (q - p);
  const Vec<T> term = d > -1 ? near : far;
  return p == 0 ? q : term;
}

template <class T>
[[gnu::always_inline]] inline Vec<T> divergence(const Column<T>& c, const Row<T>& p, const Row<T>& q) {
  return c.sum([&](int64_t g) { return kl_term<T>(p.log_p(c, g), q.log_p(c, g)); });
}

template <class T>
void kl_isa(int64_t rows, int n, const T* logits_p, const T* logits_q, T* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, n);
    out[r] = divergence(c, Row<T>(c, logits_p), Row<T>(c, logits_q))[0];
  }
}

template <class T>
void kl_vjp_isa(int64_t rows, int n, const T* logits_p, const T* logits_q, const T* w, T* d_p, T* d_q) {
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, n);
    const Row<T> p(c, logits_p), q(c, logits_q);
    const Vec<T> kl = divergence(c, p, q);
    const T scale = weight(w, r);
    for (int64_t g = 0; g < c.groups; ++g) {
      const Vec<T> log_p = p.log_p(c, g), log_q = q.log_p(c, g), at_p = vec_exp(log_p);
      if (d_p != nullptr) c.put(d_p, g, at_p == 0 ? Vec<T>{} : scale * at_p * ((log_p - log_q) - kl));
      if (d_q != nullptr) c.put(d_q, g, scale * (vec_exp(log_q) - at_p));
    }
  }
}

template <class T>
[[gnu::always_inline]] inline Vec<T> entropy(const Column<T>& c, const Row<T>& p) {
  return c.sum([&](int64_t g) {
    const Vec<T> log_p = p.log_p(c, g), at = vec_exp(log_p);
    return at == 0 ? Vec<T>{} : -at * log_p;
  });
}

template <class T>
void entropy_isa(int64_t rows, int n, const T* logits, T* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, n);
    out[r] = entropy(c, Row<T>(c, logits))[0];
  }
}

template <class T>
void entropy_vjp_isa(int64_t rows, int n, const T* logits, const T* w, T* d_logits) {
  for (int64_t r = 0; r < rows; ++r) {
    const Column<T> c = row_column<T>(r, n);
    const Row<T> p(c, logits);
    const Vec<T> total = entropy(c, p);
    const T scale = weight(w, r);
    for (int64_t g = 0; g < c.groups; ++g) {
      const Vec<T> log_p = p.log_p(c, g), at = vec_exp(log_p);
      c.put(d_logits, g, at == 0 ? Vec<T>{} : -scale * at * (log_p + total));
    }
  }
}

template <class T>
void fill(Table<T>& table) {
  table.categorical_log_prob = log_prob_isa<T>;
  table.categorical_log_prob_vjp = log_prob_vjp_isa<T>;
  table.categorical_kl = kl_isa<T>;
  table.categorical_kl_vjp = kl_vjp_isa<T>;
  table.categorical_entropy = entropy_isa<T>;
  table.categorical_entropy_vjp = entropy_vjp_isa<T>;
}

}  // namespace

void fill_categorical(Table<float>& f, Table<double>& d) {
  fill(f);
  fill(d);
}

}  // namespace baton::kernels::BATON_ISA
