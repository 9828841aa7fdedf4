// Functions of two arrays, and choices between them, element by element.
#include "autograd/ops.hpp"
#include "autograd/ops/broadcast.hpp"
#include "kernels/error.hpp"

namespace baton::ag {
namespace {

using kernels::Binary;

template <class T, Binary op>
void binary_forward(const Call<T>& c) {
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    kernels::binary<T>(op, row.n, c.x(0) + row.at[0], row.step[0], c.x(1) + row.at[1], row.step[1],
                       c.y() + row.out);
  });
}

// A tangent along a row; one that is missing is a zero that does not advance.
template <class T>
struct TangentRow {
  T zero = T(0);
  const T* at = &zero;
  int step = 0;
  TangentRow(const Call<T>& c, int input, const BroadcastRow& row) {
    if (const T* t = c.tangent(input)) {
      at = t + row.at[static_cast<std::size_t>(input)];
      step = row.step[static_cast<std::size_t>(input)];
    }
  }
  TangentRow(const TangentRow&) = delete;
};

// ---- y = a op b, arithmetic

template <class T, Binary op>
void arithmetic_vjp(const Call<T>& c) {
  T* term = c.tape.scratch(c.node.shape.size());
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    const T* u = c.u() + row.out;
    const T* a = c.x(0) + row.at[0];
    const T* b = c.x(1) + row.at[1];
    const std::int64_t n = row.n;
    if (T* ga = c.gradient(0)) {  // add, sub: u    mul: u b    div: u / b
      const T* factor = u;
      if (op == Binary::kMul || op == Binary::kDiv)
        kernels::binary<T>(op, n, u, 1, b, row.step[1], term), factor = term;
      add_into<T>(row, 0, T(1), factor, ga);
    }
    if (T* gb = c.gradient(1)) {  // add: u    sub: -u    mul: u a    div: -u y / b
      const T* factor = u;
      if (op == Binary::kMul) kernels::binary<T>(op, n, u, 1, a, row.step[0], term), factor = term;
      if (op == Binary::kDiv) {
        kernels::binary<T>(Binary::kMul, n, u, 1, c.y() + row.out, 1, term);
        kernels::binary<T>(Binary::kDiv, n, term, 1, b, row.step[1], term), factor = term;
      }
      add_into<T>(row, 1, op == Binary::kSub || op == Binary::kDiv ? T(-1) : T(1), factor, gb);
    }
  });
}

template <class T, Binary op>
void arithmetic_jvp(const Call<T>& c) {
  T* term = c.tape.scratch(c.node.shape.size());
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    const TangentRow<T> da(c, 0, row), db(c, 1, row);
    const T* b = c.x(1) + row.at[1];
    const std::int64_t n = row.n;
    T* out = c.y_dot() + row.out;
    if constexpr (op == Binary::kAdd || op == Binary::kSub) {
      kernels::binary<T>(op, n, da.at, da.step, db.at, db.step, out);
    } else if constexpr (op == Binary::kMul) {  // da b + a db
      kernels::binary<T>(Binary::kMul, n, da.at, da.step, b, row.step[1], out);
      kernels::binary<T>(Binary::kMul, n, c.x(0) + row.at[0], row.step[0], db.at, db.step, term);
      kernels::axpy<T>(n, T(1), term, out);
    } else {  // (da - y db) / b
      kernels::binary<T>(Binary::kMul, n, c.y() + row.out, 1, db.at, db.step, term);
      kernels::binary<T>(Binary::kSub, n, da.at, da.step, term, 1, term);
      kernels::binary<T>(Binary::kDiv, n, term, 1, b, row.step[1], out);
    }
  });
}

// ---- y = min(a, b), max(a, b): b's derivative where b < a, or a < b; else a's, of equals too

template <class T, Binary op>
void second_is_taken(const Call<T>& c, const BroadcastRow& row, T* mask) {
  const int more = op == Binary::kMaximum ? 1 : 0, less = 1 - more;  // taken where x(less) < x(more)
  const auto l = static_cast<std::size_t>(less), m = static_cast<std::size_t>(more);
  kernels::binary<T>(Binary::kLess, row.n, c.x(less) + row.at[l], row.step[l], c.x(more) + row.at[m],
                     row.step[m], mask);
}

template <class T, Binary op>
void extremum_vjp(const Call<T>& c) {
  const T zero = T(0);
  T* mask = c.tape.scratch(2 * c.node.shape.size());
  T* term = mask + c.node.shape.size();
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    const T* u = c.u() + row.out;
    second_is_taken<T, op>(c, row, mask);
    if (T* ga = c.gradient(0)) {
      kernels::where<T>(row.n, mask, 1, &zero, 0, u, 1, term);
      add_into<T>(row, 0, T(1), term, ga);
    }
    if (T* gb = c.gradient(1)) {
      kernels::where<T>(row.n, mask, 1, u, 1, &zero, 0, term);
      add_into<T>(row, 1, T(1), term, gb);
    }
  });
}

template <class T, Binary op>
void extremum_jvp(const Call<T>& c) {
  T* mask = c.tape.scratch(c.node.shape.size());
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    const TangentRow<T> da(c, 0, row), db(c, 1, row);
    second_is_taken<T, op>(c, row, mask);
    kernels::where<T>(row.n, mask, 1, db.at, db.step, da.at, da.step, c.y_dot() + row.out);
  });
}

// ---- y = condition != 0 ? a : b

template <class T>
void where_forward(const Call<T>& c) {
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    kernels::where<T>(row.n, c.x(0) + row.at[0], row.step[0], c.x(1) + row.at[1], row.step[1],
                      c.x(2) + row.at[2], row.step[2], c.y() + row.out);
  });
}

template <class T>
void where_vjp(const Call<T>& c) {
  const T zero = T(0);
  T* term = c.tape.scratch(c.node.shape.size());
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    const T* condition = c.x(0) + row.at[0];
    const T* u = c.u() + row.out;
    if (T* ga = c.gradient(1)) {
      kernels::where<T>(row.n, condition, row.step[0], u, 1, &zero, 0, term);
      add_into<T>(row, 1, T(1), term, ga);
    }
    if (T* gb = c.gradient(2)) {
      kernels::where<T>(row.n, condition, row.step[0], &zero, 0, u, 1, term);
      add_into<T>(row, 2, T(1), term, gb);
    }
  });
}

template <class T>
void where_jvp(const Call<T>& c) {
  plan_of(c).for_rows([&](const BroadcastRow& row) {
    const TangentRow<T> da(c, 1, row), db(c, 2, row);
    kernels::where<T>(row.n, c.x(0) + row.at[0], row.step[0], da.at, da.step, db.at, db.step,
                      c.y_dot() + row.out);
  });
}

template <class T>
Var record_binary(Tape<T>& tape, const Rule<T>& rule, Var a, Var b) {
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = broadcast_shape(rule.name, tape.shape(a), tape.shape(b));
  return tape.record(draft, {a, b});
}

template <class T, Binary op>
Var arithmetic(Tape<T>& tape, Var a, Var b) {
  static const Rule<T> rule = {kernels::binary_name(op), binary_forward<T, op>, arithmetic_vjp<T, op>,
                               arithmetic_jvp<T, op>};
  return record_binary(tape, rule, a, b);
}

template <class T, Binary op>
Var extremum(Tape<T>& tape, Var a, Var b) {
  static const Rule<T> rule = {kernels::binary_name(op), binary_forward<T, op>, extremum_vjp<T, op>,
                               extremum_jvp<T, op>};
  return record_binary(tape, rule, a, b);
}

}  // namespace

template <class T>
Var add(Tape<T>& tape, Var a, Var b) {
  return arithmetic<T, Binary::kAdd>(tape, a, b);
}
template <class T>
Var sub(Tape<T>& tape, Var a, Var b) {
  return arithmetic<T, Binary::kSub>(tape, a, b);
}
template <class T>
Var mul(Tape<T>& tape, Var a, Var b) {
  return arithmetic<T, Binary::kMul>(tape, a, b);
}
template <class T>
Var div(Tape<T>& tape, Var a, Var b) {
  return arithmetic<T, Binary::kDiv>(tape, a, b);
}
template <class T>
Var minimum(Tape<T>& tape, Var a, Var b) {
  return extremum<T, Binary::kMinimum>(tape, a, b);
}
template <class T>
Var maximum(Tape<T>& tape, Var a, Var b) {
  return extremum<T, Binary::kMaximum>(tape, a, b);
}

template <class T>
Var where(Tape<T>& tape, Var condition, Var a, Var b) {
  static const Rule<T> rule = {"where", where_forward<T>, where_vjp<T>, where_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = broadcast_shape(rule.name, tape.shape(condition),
                                broadcast_shape(rule.name, tape.shape(a), tape.shape(b)));
  BATON_REQUIRE(
      !tape.node(condition).needs_gradient,
      "where: the condition {} must not depend on a parameter (choices {} and {}): no derivative goes "
      "through it; stop_gradient says so",
      tape.shape(condition).text(), tape.shape(a).text(), tape.shape(b).text());
  return tape.record(draft, {condition, a, b});
}

#define BATON_INSTANTIATE(T)                \
  template Var add(Tape<T>&, Var, Var);     \
  template Var sub(Tape<T>&, Var, Var);     \
  template Var mul(Tape<T>&, Var, Var);     \
  template Var div(Tape<T>&, Var, Var);     \
  template Var minimum(Tape<T>&, Var, Var); \
  template Var maximum(Tape<T>&, Var, Var); \
  template Var where(Tape<T>&, Var, Var, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
