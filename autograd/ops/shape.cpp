// Operations that move numbers without changing them.
#include <algorithm>
#include <utility>

#include "autograd/ops.hpp"
#include "kernels/error.hpp"
#include "kernels/gather.hpp"
#include "kernels/gemm.hpp"

namespace baton::ag {
namespace {

constexpr std::size_t kMaxParts = 16;

// Blocks of `width` numbers: from [rows][from_stride] to [rows][to_stride].
template <class T>
void copy_blocks(std::size_t rows, std::size_t width, const T* from, std::size_t from_stride, T* to,
                 std::size_t to_stride) {
  for (std::size_t r = 0; r < rows; ++r) std::copy_n(from + r * from_stride, width, to + r * to_stride);
}
template <class T>
void add_blocks(std::size_t rows, std::size_t width, const T* from, std::size_t from_stride, T* to,
                std::size_t to_stride) {
  for (std::size_t r = 0; r < rows; ++r) {
    kernels::axpy<T>(static_cast<std::int64_t>(width), T(1), from + r * from_stride, to + r * to_stride);
  }
}

// ---- concat: part i fills columns of width extent_i * inner in rows of y.

// body(part, rows, width of the part, offset in a row of y, width of y's row)
template <class T, class Body>
void for_parts(const Call<T>& c, Body body) {
  const int axis = c.node.integers[0], rank = c.node.shape.rank;
  const std::size_t rows = c.node.shape.span(0, axis), stride = c.node.shape.span(axis, rank);
  std::size_t offset = 0;
  for (int i = 0; i < c.node.inputs; ++i) {
    const std::size_t width = c.shape(i).span(axis, rank);
    body(i, rows, width, offset, stride);
    offset += width;
  }
}

template <class T>
void concat_forward(const Call<T>& c) {
  for_parts(c, [&](int i, auto rows, auto width, auto offset, auto stride) {
    copy_blocks<T>(rows, width, c.x(i), width, c.y() + offset, stride);
  });
}
template <class T>
void concat_vjp(const Call<T>& c) {
  for_parts(c, [&](int i, auto rows, auto width, auto offset, auto stride) {
    if (T* gx = c.gradient(i)) add_blocks<T>(rows, width, c.u() + offset, stride, gx, width);
  });
}
template <class T>
void concat_jvp(const Call<T>& c) {
  std::fill_n(c.y_dot(), c.size(), T(0));
  for_parts(c, [&](int i, auto rows, auto width, auto offset, auto stride) {
    if (const T* dx = c.tangent(i)) copy_blocks<T>(rows, width, dx, width, c.y_dot() + offset, stride);
  });
}

// ---- slice: y is a run of columns of x.

template <class T>
struct SliceSizes {
  std::size_t rows, width, offset, stride;
  explicit SliceSizes(const Call<T>& c) {
    const int axis = c.node.integers[0], rank = c.node.shape.rank;
    rows = c.node.shape.span(0, axis);
    width = c.node.shape.span(axis, rank);
    stride = c.shape(0).span(axis, rank);
    offset = static_cast<std::size_t>(c.node.integers[1]) * c.node.shape.span(axis + 1, rank);
  }
};

template <class T>
void slice_forward(const Call<T>& c) {
  const SliceSizes<T> s(c);
  copy_blocks<T>(s.rows, s.width, c.x(0) + s.offset, s.stride, c.y(), s.width);
}
template <class T>
void slice_vjp(const Call<T>& c) {
  const SliceSizes<T> s(c);
  add_blocks<T>(s.rows, s.width, c.u(), s.width, c.gradient(0) + s.offset, s.stride);
}
template <class T>
void slice_jvp(const Call<T>& c) {
  const SliceSizes<T> s(c);
  copy_blocks<T>(s.rows, s.width, c.tangent(0) + s.offset, s.stride, c.y_dot(), s.width);
}

// ---- gather_rows

template <class T>
std::int64_t row_width(const Call<T>& c) {
  return static_cast<std::int64_t>(c.node.shape.span(1, c.node.shape.rank));
}
template <class T>
void gather_forward(const Call<T>& c) {
  kernels::gather_rows<T>(c.node.shape[0], row_width(c), c.x(0), c.node.indices, c.y());
}
template <class T>
void gather_vjp(const Call<T>& c) {
  kernels::scatter_add_rows<T>(c.node.shape[0], row_width(c), c.u(), c.node.indices, c.gradient(0));
}
template <class T>
void gather_jvp(const Call<T>& c) {
  kernels::gather_rows<T>(c.node.shape[0], row_width(c), c.tangent(0), c.node.indices, c.y_dot());
}

// ---- scatter_add_rows: the transpose of gather_rows

template <class T>
void scatter_forward(const Call<T>& c) {
  std::fill_n(c.y(), c.size(), T(0));
  kernels::scatter_add_rows<T>(c.shape(0)[0], row_width(c), c.x(0), c.node.indices, c.y());
}
template <class T>
void scatter_vjp(const Call<T>& c) {
  const std::size_t n = c.shape(0).size();
  T* rows = c.tape.scratch(n);
  kernels::gather_rows<T>(c.shape(0)[0], row_width(c), c.u(), c.node.indices, rows);
  kernels::axpy<T>(static_cast<std::int64_t>(n), T(1), rows, c.gradient(0));
}
template <class T>
void scatter_jvp(const Call<T>& c) {
  std::fill_n(c.y_dot(), c.size(), T(0));
  kernels::scatter_add_rows<T>(c.shape(0)[0], row_width(c), c.tangent(0), c.node.indices, c.y_dot());
}

// ---- transpose: [outer][m][middle][n][inner] to [outer][n][middle][m][inner]

struct TransposeSizes {
  std::size_t outer, m, middle, n, inner;
  TransposeSizes(const Shape& x, int first, int second)
      : outer(x.span(0, first)),
        m(x.span(first, first + 1)),
        middle(x.span(first + 1, second)),
        n(x.span(second, second + 1)),
        inner(x.span(second + 1, x.rank)) {}
};

template <class T>
void exchange(const TransposeSizes& s, const T* from, T* to) {
  const std::size_t slab = s.m * s.middle * s.n * s.inner;
  for (std::size_t o = 0; o < s.outer; ++o, from += slab, to += slab) {
    if (s.middle * s.inner == 1) {
      kernels::transpose<T>(static_cast<int>(s.m), static_cast<int>(s.n), from, to);
      continue;
    }
    for (std::size_t i = 0; i < s.m; ++i) {
      for (std::size_t b = 0; b < s.middle; ++b) {
        for (std::size_t j = 0; j < s.n; ++j) {
          std::copy_n(from + ((i * s.middle + b) * s.n + j) * s.inner, s.inner,
                      to + ((j * s.middle + b) * s.m + i) * s.inner);
        }
      }
    }
  }
}

template <class T>
void transpose_forward(const Call<T>& c) {
  exchange<T>({c.shape(0), c.node.integers[0], c.node.integers[1]}, c.x(0), c.y());
}
template <class T>
void transpose_vjp(const Call<T>& c) {  // the same axes exchanged back
  T* back = c.tape.scratch(c.node.shape.size());
  exchange<T>({c.node.shape, c.node.integers[0], c.node.integers[1]}, c.u(), back);
  kernels::axpy<T>(c.size(), T(1), back, c.gradient(0));
}
template <class T>
void transpose_jvp(const Call<T>& c) {
  exchange<T>({c.shape(0), c.node.integers[0], c.node.integers[1]}, c.tangent(0), c.y_dot());
}

}  // namespace

template <class T>
Var concat(Tape<T>& tape, std::span<const Var> parts, int axis) {
  static const Rule<T> rule = {"concat", concat_forward<T>, concat_vjp<T>, concat_jvp<T>};
  BATON_REQUIRE(!parts.empty() && parts.size() <= kMaxParts, "concat: {} parts, 1 to {} are possible",
                parts.size(), kMaxParts);
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(parts[0]);
  BATON_REQUIRE(axis >= 0 && axis < draft.shape.rank, "concat: axis {} of shape {}", axis,
                draft.shape.text());
  int total = 0;
  for (const Var part : parts) {
    Shape same = tape.shape(part);
    if (same.rank == draft.shape.rank) {
      total += same[axis];
      same.extent[static_cast<std::size_t>(axis)] = draft.shape[axis];
    }
    BATON_REQUIRE(same == draft.shape, "concat: shapes {} and {} differ beside axis {}", draft.shape.text(),
                  tape.shape(part).text(), axis);
  }
  draft.shape.extent[static_cast<std::size_t>(axis)] = total;
  draft.integers[0] = axis;
  return tape.record(draft, parts);
}

template <class T>
Var slice(Tape<T>& tape, Var x, int axis, int begin, int end) {
  static const Rule<T> rule = {"slice", slice_forward<T>, slice_vjp<T>, slice_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  BATON_REQUIRE(axis >= 0 && axis < draft.shape.rank, "slice: axis {} of shape {}", axis, draft.shape.text());
  BATON_REQUIRE(0 <= begin && begin <= end && end <= draft.shape[axis],
                "slice: {}..{} of axis {} of shape {}", begin, end, axis, draft.shape.text());
  draft.shape.extent[static_cast<std::size_t>(axis)] = end - begin;
  draft.integers = {axis, begin, 0, 0};
  return tape.record(draft, {x});
}

template <class T>
Var reshape(Tape<T>& tape, Var x, const Shape& shape) {
  static const Rule<T> rule = {
      "reshape", [](const Call<T>& c) { c.node.value = c.tape.input(c.node, 0).value; },
      [](const Call<T>& c) { kernels::axpy<T>(c.size(), T(1), c.u(), c.gradient(0)); },
      [](const Call<T>& c) { std::copy_n(c.tangent(0), c.size(), c.y_dot()); }};
  BATON_REQUIRE(shape.size() == tape.shape(x).size(), "reshape: {} does not hold as many numbers as {}",
                shape.text(), tape.shape(x).text());
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = shape;
  return tape.record(draft, {x}, false);
}

template <class T>
Var gather_rows(Tape<T>& tape, Var x, std::span<const std::int32_t> index) {
  static const Rule<T> rule = {"gather_rows", gather_forward<T>, gather_vjp<T>, gather_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  BATON_REQUIRE(draft.shape.rank >= 1, "gather_rows: a scalar (shape []) has no rows");
  draft.indices = tape.copy_indices(rule.name, index, draft.shape[0]);
  draft.shape.extent[0] = static_cast<int>(index.size());
  return tape.record(draft, {x});
}

template <class T>
Var scatter_add_rows(Tape<T>& tape, Var x, std::span<const std::int32_t> index, int rows) {
  static const Rule<T> rule = {"scatter_add_rows", scatter_forward<T>, scatter_vjp<T>, scatter_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  BATON_REQUIRE(
      draft.shape.rank >= 1 && index.size() == static_cast<std::size_t>(draft.shape[0]) && rows >= 0,
      "scatter_add_rows: x {} wants an index for each of its rows, this one is [{}], into {} rows",
      draft.shape.text(), index.size(), rows);
  draft.indices = tape.copy_indices(rule.name, index, rows);
  draft.shape.extent[0] = rows;
  return tape.record(draft, {x});
}

template <class T>
Var transpose(Tape<T>& tape, Var x, int axis_a, int axis_b) {
  static const Rule<T> rule = {"transpose", transpose_forward<T>, transpose_vjp<T>, transpose_jvp<T>};
  Node<T> draft;
  draft.rule = &rule;
  draft.shape = tape.shape(x);
  const int first = std::min(axis_a, axis_b), second = std::max(axis_a, axis_b);
  BATON_REQUIRE(0 <= first && first < second && second < draft.shape.rank,
                "transpose: axes {} and {} of shape {}: two different axes are wanted", axis_a, axis_b,
                draft.shape.text());
  std::swap(draft.shape.extent[static_cast<std::size_t>(first)],
            draft.shape.extent[static_cast<std::size_t>(second)]);
  draft.integers = {first, second, 0, 0};
  return tape.record(draft, {x});
}
template <class T>
Var transpose(Tape<T>& tape, Var x) {
  BATON_REQUIRE(tape.shape(x).rank == 2, "transpose: a matrix is wanted, the shape is {}",
                tape.shape(x).text());
  return transpose(tape, x, 0, 1);
}

#define BATON_INSTANTIATE(T)                                                        \
  template Var concat(Tape<T>&, std::span<const Var>, int);                         \
  template Var slice(Tape<T>&, Var, int, int, int);                                 \
  template Var reshape(Tape<T>&, Var, const Shape&);                                \
  template Var gather_rows(Tape<T>&, Var, std::span<const std::int32_t>);           \
  template Var scatter_add_rows(Tape<T>&, Var, std::span<const std::int32_t>, int); \
  template Var transpose(Tape<T>&, Var, int, int);                                  \
  template Var transpose(Tape<T>&, Var);
BATON_INSTANTIATE(float)
BATON_INSTANTIATE(double)
#undef BATON_INSTANTIATE

}  // namespace baton::ag
