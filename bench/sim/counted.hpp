#pragma once
// A number that counts: double arithmetic as every stage of the simulator is templated on it, which notes each
// operation and each place outside the stack that it reads or writes. One environment alone is counted: in a tile of
// lanes, where any lane goes all go, so a tile does at least this much.
#include <cmath>
#include <cstdint>
#include <unordered_set>

#include "envs/sim/number.hpp"

namespace baton::bench {

struct OperationCounts {
  double add_mul = 0;      // additions, subtractions, multiplications
  double div_sqrt = 0;     // divisions and square roots
  double functions = 0;    // sine and cosine (one each), arc tangent, power
  double comparisons = 0;  // comparisons, min, max, select, abs, floor
  double places = 0;       // distinct numbers of the heap touched since the last start of a stage
};

class OperationCounter {
 public:
  bool on = false;
  OperationCounts counts;

  // Counts from zero; places from here to the caller's frame are of the stack and not noted.
  void start() { counts = {}, touched_.clear(), on = true; }
  OperationCounts stop() {
    on = false;
    counts.places = static_cast<double>(touched_.size());
    return counts;
  }
  void set_stack(const void* top) { top_ = reinterpret_cast<std::uintptr_t>(top); }
  void touch(const void* place) {
    constexpr std::uintptr_t kStack = std::uintptr_t{8} << 20;  // Linux gives a thread that much
    const auto at = reinterpret_cast<std::uintptr_t>(place);
    if (on && (at > top_ + 4096 || at + kStack < top_)) touched_.insert(at);
  }

 private:
  std::uintptr_t top_ = 0;
  std::unordered_set<std::uintptr_t> touched_;
};
inline OperationCounter counter;

struct Counted {
  double v;
  Counted() = default;
  Counted(double s) : v(s) {}
  Counted(const Counted& o) : v(o.v) { counter.touch(&o), counter.touch(this); }
  Counted& operator=(const Counted& o) {
    counter.touch(&o), counter.touch(this);
    v = o.v;
    return *this;
  }
  Counted operator-() const { return Counted(-read(*this)); }
  Counted& operator+=(const Counted& o) { return put(v + read(o)), ++counter.counts.add_mul, *this; }
  Counted& operator-=(const Counted& o) { return put(v - read(o)), ++counter.counts.add_mul, *this; }
  Counted& operator*=(const Counted& o) { return put(v * read(o)), ++counter.counts.add_mul, *this; }
  Counted& operator/=(const Counted& o) { return put(v / read(o)), ++counter.counts.div_sqrt, *this; }
  friend Counted operator+(const Counted& a, const Counted& b) {
    return ++counter.counts.add_mul, read(a) + read(b);
  }
  friend Counted operator-(const Counted& a, const Counted& b) {
    return ++counter.counts.add_mul, read(a) - read(b);
  }
  friend Counted operator*(const Counted& a, const Counted& b) {
    return ++counter.counts.add_mul, read(a) * read(b);
  }
  friend Counted operator/(const Counted& a, const Counted& b) {
    return ++counter.counts.div_sqrt, read(a) / read(b);
  }
  friend bool operator<(const Counted& a, const Counted& b) {
    return ++counter.counts.comparisons, read(a) < read(b);
  }
  friend bool operator<=(const Counted& a, const Counted& b) {
    return ++counter.counts.comparisons, read(a) <= read(b);
  }
  friend bool operator>(const Counted& a, const Counted& b) {
    return ++counter.counts.comparisons, read(a) > read(b);
  }
  friend bool operator>=(const Counted& a, const Counted& b) {
    return ++counter.counts.comparisons, read(a) >= read(b);
  }
  friend bool operator==(const Counted& a, const Counted& b) {
    return ++counter.counts.comparisons, read(a) == read(b);
  }

  static double read(const Counted& a) { return counter.touch(&a), a.v; }

 private:
  void put(double s) { counter.touch(this), v = s; }
};

inline Counted select(bool m, const Counted& a, const Counted& b) {
  return ++counter.counts.comparisons, Counted(m ? Counted::read(a) : Counted::read(b));
}
inline Counted min(const Counted& a, const Counted& b) { return b < a ? b : a; }
inline Counted max(const Counted& a, const Counted& b) { return a < b ? b : a; }
inline double largest(const Counted& a) { return Counted::read(a); }
inline Counted sqrt(const Counted& a) {
  return ++counter.counts.div_sqrt, Counted(std::sqrt(Counted::read(a)));
}
inline Counted abs(const Counted& a) {
  return ++counter.counts.comparisons, Counted(std::fabs(Counted::read(a)));
}
inline Counted floor(const Counted& a) {
  return ++counter.counts.comparisons, Counted(std::floor(Counted::read(a)));
}
inline void sincos(const Counted& a, Counted& s, Counted& c) {
  counter.counts.functions += 2;
  const double angle = Counted::read(a);
  s = Counted(std::sin(angle)), c = Counted(std::cos(angle));
}
inline Counted atan2(const Counted& y, const Counted& x) {
  return ++counter.counts.functions, Counted(std::atan2(Counted::read(y), Counted::read(x)));
}
inline Counted power(const Counted& x, double p) {
  if (p == 1) return x;
  if (p == 2) return x * x;
  return ++counter.counts.functions, Counted(std::pow(Counted::read(x), p));
}
inline bool is_finite(const Counted& a) { return std::isfinite(a.v); }
inline double lane(const Counted& a, int) { return Counted::read(a); }
inline void set_lane(Counted& a, int, double s) { a = Counted(s); }

}  // namespace baton::bench

template <>
struct baton::sim::NumberTraits<baton::bench::Counted> {
  using Scalar = double;
  using Mask = bool;
  static constexpr int kWidth = 1;
};
