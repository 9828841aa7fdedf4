// Functions of one or two arrays, element by element.
#include <array>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace baton::ag {
namespace {

using kernels::Binary;
using kernels::Unary;

// ---- broadcasting: neighbouring axes that both operands walk alike are merged; rows run along the last
// merged axis.

struct Broadcast {
  int rank = 0;
  std::array<std::int64_t, kMaxRank> extent{}, a{},
      b{};  // extents and the operands' strides (0 where repeated)
};

std::array<std::int64_t, kMaxRank> strides_in(const Shape& operand, const Shape& out) {
  std::array<std::int64_t, kMaxRank> strides{};
  std::int64_t stride = 1;
  for (int back = 1; back <= operand.rank; ++back) {
    const int n = operand[operand.rank - back];
    strides[static_cast<std::size_t>(out.rank - back)] = n == 1 ? 0 : stride;
    stride *= n;
  }
  return strides;
}

Broadcast plan(const Shape& a, const Shape& b, const Shape& out) {
  const auto sa = strides_in(a, out), sb = strides_in(b, out);
  Broadcast merged;
  for (int axis = out.rank - 1; axis >= 0; --axis) {
    const auto i = static_cast<std::size_t>(axis);
    const std::int64_t n = out[axis];
    if (n == 1) continue;
    const auto last = static_cast<std::size_t>(merged.rank - 1);
    if (merged.rank > 0 && sa[i] == merged.a[last] * merged.extent[last] &&
        sb[i] == merged.b[last] * merged.extent[last]) {
      merged.extent[last] *= n;
      continue;
    }
    const auto next = static_cast<std::size_t>(merged.rank++);
    merged.extent[next] = n, merged.a[next] = sa[i], merged.b[next] = sb[i];
  }
  return merged;  // innermost axis first
}

// row(n, offset of out, of a, of b, step of a, step of b) for every row.
template <class Row>
void for_rows(const Shape& a, const Shape& b, const Shape& out, Row row) {
  if (out.size() == 0) return;
  const Broadcast p = plan(a, b, out);
  const std::int64_t n = p.rank > 0 ? p.extent[0] : 1;
  const int a_step = static_cast<int>(p.a[0]), b_step = static_cast<int>(p.b[0]);
  std::array<std::int64_t, kMaxRank> at{};
  std::int64_t offset_a = 0, offset_b = 0;
  for (std::int64_t offset = 0; offset < static_cast<std::int64_t>(out.size()); offset += n) {
    row(n, offset, offset_a, offset_b, a_step, b_step);
    for (std::size_t axis = 1; axis < static_cast<std::size_t>(p.rank); ++axis) {
      offset_a += p.a[axis], offset_b += p.b[axis];
      if (++at[axis] < p.extent[axis]) break;
      offset_a -= p.a[axis] * p.extent[axis], offset_b -= p.b[axis] * p.extent[axis];
      at[axis] = 0;
    }
  }
}

// target[i * step] += sign * term[i]
template <class T>
void add_into(std::int64_t n, T sign, const T* term, T* target, int step) {
  if (step != 0) {
    kernels::axpy<T>(n, sign, term, target);
  } else {
    *target += sign * static_cast<T>(kernels::sum<T>(n, term));
  }
}

// ---- out = a op b

template <class T, Binary op>
struct BinaryRule {
  static void forward(const Call<T>& c) {
    for_rows(c.shape(0), c.shape(1), c.node.shape,
             [&](auto n, auto o, auto oa, auto ob, int a_step, int b_step) {
               kernels::binary<T>(op, n, c.x(0) + oa, a_step, c.x(1) + ob, b_step, c.y() + o);
             });
  }

  static void vjp(const Call<T>& c) {
    T* term = c.tape.scratch(c.node.shape.size());
    for_rows(
        c.shape(0), c.shape(1), c.node.shape, [&](auto n, auto o, auto oa, auto ob, int a_step, int b_step) {
          const T* u = c.u() + o;
          const T* a = c.x(0) + oa;
          const T* b = c.x(1) + ob;
          if (T* ga = c.gradient(0)) {  // add, sub: u    mul: u b    div: u / b
            const T* factor = u;
            if (op == Binary::kMul || op == Binary::kDiv)
              kernels::binary<T>(op, n, u, 1, b, b_step, term), factor = term;
            add_into<T>(n, T(1), factor, ga + oa, a_step);
          }
          if (T* gb = c.gradient(1)) {  // add: u    sub: -u    mul: u a    div: -u y / b
            const T* factor = u;
            if (op == Binary::kMul) kernels::binary<T>(op, n, u, 1, a, a_step, term), factor = term;
            if (op == Binary::kDiv) {
              kernels::binary<T>(Binary::kMul, n, u, 1, c.y() + o, 1, term);
              kernels::binary<T>(Binary::kDiv, n, term, 1, b, b_step, term), factor = term;
            }
            add_into<T>(n, op == Binary::kSub || op == Binary::kDiv ? T(-1) : T(1), factor, gb + ob, b_step);
          }
        });
  }

  static void jvp(const Call<T>& c) {
    const T zero = T(0);
    T* term = c.tape.scratch(c.node.shape.size());
    const T* da = c.tangent(0);
    const T* db = c.tangent(1);
    for_rows(c.shape(0), c.shape(1), c.node.shape,
             [&](auto n, auto o, auto oa, auto ob, int a_step, int b_step) {
               const T* a_dot = da != nullptr ? da + oa : &zero;
               const T* b_dot = db != nullptr ? db + ob : &zero;
               const int a_dot_step = da != nullptr ? a_step : 0, b_dot_step = db != nullptr ? b_step : 0;
               T* out = c.y_dot() + o;
               if constexpr (op == Binary::kAdd || op == Binary::kSub) {
                 kernels::binary<T>(op, n, a_dot, a_dot_step, b_dot, b_dot_step, out);
               } else if constexpr (op == Binary::kMul) {  // da b + a db
                 kernels::binary<T>(Binary::kMul, n, a_dot, a_dot_step, c.x(1) + ob, b_step, out);
                 kernels::binary<T>(Binary::kMul, n, c.x(0) + oa, a_step, b_dot, b_dot_step, term);
                 kernels::axpy<T>(n, T(1), term, out);
               } else {  // (da - y db) / b
                 kernels::binary<T>(Binary::kMul, n, c.y() + o, 1, b_dot, b_dot_step, term);
                 kernels::binary<T>(Binary::kSub, n, a_dot, a_dot_step, term, 1, term);
                 kernels::binary<T>(Binary::kDiv, n, term, 1, c.x(1) + ob, b_step, out);
               }
             });
  }
};

template <class T, Binary op>
Var binary_op(Tape<T>& tape, const char* name, Var a, Var b) {
  static const Rule<T> rule = {name, BinaryRule<T, op>::forward, BinaryRule<T, op>::vjp,
                               BinaryRule<T, op>::jvp};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = broadcast_shape(name, tape.shape(a), tape.shape(b));
  return tape.record(draft, {a, b});
}

// ---- y = f(x)

template <class T>
Unary unary_of(const Call<T>& c) {
  return static_cast<Unary>(c.node.integers[0]);
}
template <class T>
void unary_forward(const Call<T>& c) {
  kernels::unary<T>(unary_of(c), c.size(), c.x(0), c.y());
}
template <class T>
void unary_vjp(const Call<T>& c) {
  kernels::unary_derivative<T>(unary_of(c), c.size(), c.x(0), c.y(), c.u(), c.gradient(0), true);
}
template <class T>
void unary_jvp(const Call<T>& c) {
  kernels::unary_derivative<T>(unary_of(c), c.size(), c.x(0), c.y(), c.tangent(0), c.y_dot(), false);
}

// ---- y = s x

template <class T>
void scale_forward(const Call<T>& c) {
  kernels::binary<T>(Binary::kMul, c.size(), c.x(0), 1, &c.node.scalar, 0, c.y());
}
template <class T>
void scale_vjp(const Call<T>& c) {
  kernels::axpy<T>(c.size(), c.node.scalar, c.u(), c.gradient(0));
}
template <class T>
void scale_jvp(const Call<T>& c) {
  kernels::binary<T>(Binary::kMul, c.size(), c.tangent(0), 1, &c.node.scalar, 0, c.y_dot());
}

}  // namespace

template <class T>
Var add(Tape<T>& tape, Var a, Var b) {
  return binary_op<T, Binary::kAdd>(tape, "add", a, b);
}
template <class T>
Var sub(Tape<T>& tape, Var a, Var b) {
  return binary_op<T, Binary::kSub>(tape, "sub", a, b);
}
template <class T>
Var mul(Tape<T>& tape, Var a, Var b) {
  return binary_op<T, Binary::kMul>(tape, "mul", a, b);
}
template <class T>
Var div(Tape<T>& tape, Var a, Var b) {
  return binary_op<T, Binary::kDiv>(tape, "div", a, b);
}

template <class T>
Var unary(Tape<T>& tape, Unary op, Var x) {
  static const std::array<Rule<T>, kernels::kUnaryCount> rules = [] {
    std::array<Rule<T>, kernels::kUnaryCount> made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = {kernels::unary_name(static_cast<Unary>(i)), unary_forward<T>, unary_vjp<T>, unary_jvp<T>};
    }
    return made;
  }();
  Node<T> draft;
  draft.rule = &rules[static_cast<std::size_t>(op)];
  draft.shape = tape.shape(x);
  draft.integers[0] = static_cast<int>(op);
  return tape.record(draft, {x});
}

template <class T>
Var scale(Tape<T>& tape, Var x, T factor) {
  static const Rule<T> rule = {"scale", scale_forward<T>, scale_vjp<T>, scale_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  draft.scalar = factor;
  return tape.record(draft, {x});
}

template <class T>
Var stop_gradient(Tape<T>& tape, Var x) {
  static const Rule<T> rule = {"stop_gradient",
                               [](const Call<T>& c) { c.node.value = c.tape.input(c.node, 0).value; },
                               [](const Call<T>&) {}, nullptr};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  const Var made = tape.record(draft, {x}, false);
  tape.node(made).needs_gradient = false;
  return made;
}

#define BATON_INSTANTIATE(T)                \
  template Var add(Tape<T>&, Var, Var);     \
  template Var sub(Tape<T>&, Var, Var);     \
  template Var mul(Tape<T>&, Var, Var);     \
  template Var div(Tape<T>&, Var, Var);     \
  template Var unary(Tape<T>&, Unary, Var); \
  template Var scale(Tape<T>&, Var, T);     \
  template Var stop_gradient(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
