#pragma once
// Checks the derivatives of a function recorded on a tape, in double:
//   vjp against central differences of u . f(x) for a random u, element by element;
//   jvp against the central difference of f along a random direction;
//   the identity u . (J v) = (J' u) . v, which holds to rounding.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autograd/tape.hpp"

namespace baton::ag {

struct GradcheckInput {
  Shape shape;
  std::vector<double> data;
};

struct GradcheckOptions {
  double step = 1e-5;       // relative to max(1, |x|)
  double tolerance = 1e-7;  // |difference| <= tolerance * max(1, magnitude)
  double identity_tolerance = 1e-12;
  std::uint64_t seed = 1;
};

struct GradcheckResult {
  bool passed = true;
  std::string message;  // the worst disagreement: what, which element, both numbers
  double worst = 0;     // its size over the tolerance
};

using TapeFunction = std::function<Var(Tape<double>&, std::span<const Var>)>;

GradcheckResult gradcheck(const TapeFunction& f, const std::vector<GradcheckInput>& inputs,
                          const GradcheckOptions& options = {});

}  // namespace baton::ag
