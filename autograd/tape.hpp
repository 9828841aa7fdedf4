#pragma once
// The reverse- and forward-mode engine. Operations (autograd/ops.hpp) compute at once and append a node; the
// tape can then
//   backward(y, u): gradients of u . y with respect to every node that leads to y  (J' u, one reverse sweep)
//   forward_mode(): tangents of all nodes for given tangents of the leaves          (J v, one forward sweep)
//   replay():       all values again after the data of the leaves changed
// Rules call kernels and are not recorded themselves: there is no second reverse sweep over a reverse sweep;
// products with curvature are J' M J v. clear() keeps all memory: a training step that records the same graph
// as the one before does not allocate.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "autograd/mlp.hpp"
#include "autograd/tensor.hpp"

namespace baton::ag {

// A node of a tape, valid until its clear(). The stamp tells tapes, and what a tape recorded before and after a
// clear(), apart: a variable in the wrong place is an error, never another node.
struct Var {
  int id = -1;
  std::uint32_t stamp = 0;
};

template <class T>
class Tape;
template <class T>
struct Call;

// How one operation computes. All three read the node through Call; vjp adds into the inputs' gradients,
// forward and jvp overwrite the node's value and tangent. Without a jvp gradients and tangents stop at the node, and
// vjp, never called, may be null, too.
template <class T>
struct Rule {
  const char* name;
  void (*forward)(const Call<T>&);
  void (*vjp)(const Call<T>&);
  void (*jvp)(const Call<T>&);
};

template <class T>
struct Node {
  const Rule<T>* rule = nullptr;  // null: a leaf
  Shape shape;
  int first_input = 0, inputs = 0;  // into the tape's list of inputs
  T* value = nullptr;
  T* gradient = nullptr;  // null until the first backward that reaches it
  T* tangent = nullptr;   // null until the first forward_mode that reaches it
  bool needs_gradient = false;
  bool has_tangent = false;       // in the latest forward_mode; without one the tangent is zero
  std::array<int, 4> integers{};  // the operation's settings
  std::array<T, 2> scalars{};
  std::int32_t* indices = nullptr;  // given, or found by forward
  T* kept = nullptr;                // what forward keeps for vjp and jvp beside its value
  MlpPass<T>* pass = nullptr;
};

template <class T>
class Tape {
 public:
  Tape();
  // Leaves look at `data` (size of the shape), which must stay alive; replay() sees what it then holds.
  Var parameter(const T* data, const Shape& shape);  // gradients wanted
  Var constant(const T* data, const Shape& shape);   // none wanted (but it may have a tangent)
  Var constant_copy(std::span<const T> data, const Shape& shape);

  const Shape& shape(Var v) const { return node(v).shape; }
  std::span<const T> value(Var v) const;
  T scalar(Var v) const;  // of a node with one element; throws Error otherwise

  // Gradients are zeroed first. u has the size of y and is none of this tape's gradients; without u, y must have
  // one element and u = 1.
  void backward(Var y, std::span<const T> u = {});
  // All zeros where y does not depend on v. Throws Error where v wants no gradient.
  std::span<const T> gradient(Var v) const;

  void set_tangent(Var leaf, std::span<const T> v);  // copied; stays until clear_tangents() or clear()
  void clear_tangents();
  void forward_mode();
  std::span<const T> tangent(Var v);

  void replay();
  void clear();
  int size() const { return static_cast<int>(nodes_.size()); }
  const char* rule_name(int id) const;  // "leaf" for leaves

  // For operations: appends a node and computes it. `draft` holds rule, shape and settings; its value is
  // given memory unless the rule sets it by itself (own_value false).
  Var record(Node<T> draft, std::span<const Var> inputs, bool own_value = true);
  Var record(Node<T> draft, std::initializer_list<Var> inputs, bool own_value = true) {
    return record(draft, std::span<const Var>(inputs.begin(), inputs.size()), own_value);
  }
  Node<T>& node(Var v);
  const Node<T>& node(Var v) const;
  Node<T>& input(const Node<T>& n, int i);
  T* memory(std::size_t n);              // lives until clear()
  std::int32_t* indices(std::size_t n);  // lives until clear()
  // A copy that lives until clear(). Throws Error naming the operation unless all are within 0..limit-1.
  std::int32_t* copy_indices(const char* op, std::span<const std::int32_t> index, int limit);
  T* scratch(std::size_t n);  // lives until the next scratch()
  MlpPass<T>& mlp_pass();     // one per mlp node, reused after clear()

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 18;  // elements

  Var latest() const { return {size() - 1, stamp_}; }

  std::uint32_t stamp_ = 0;
  std::vector<Node<T>> nodes_;
  std::vector<Var> inputs_;
  std::vector<std::vector<T>> blocks_;
  std::size_t block_ = 0, used_ = 0;
  std::vector<T> scratch_;
  std::deque<std::vector<std::int32_t>> indices_;
  std::size_t used_indices_ = 0;
  std::vector<std::unique_ptr<MlpPass<T>>> passes_;
  std::size_t used_passes_ = 0;
};

// What a rule sees of its node.
template <class T>
struct Call {
  Tape<T>& tape;
  Node<T>& node;

  const Shape& shape(int i) const { return tape.input(node, i).shape; }
  const T* x(int i) const { return tape.input(node, i).value; }
  T* y() const { return node.value; }
  const T* u() const { return node.gradient; }  // the gradient at the output
  T* gradient(int i) const {                    // null: not wanted
    Node<T>& in = tape.input(node, i);
    return in.needs_gradient ? in.gradient : nullptr;
  }
  const T* tangent(int i) const {  // null: zero
    Node<T>& in = tape.input(node, i);
    return in.has_tangent ? in.tangent : nullptr;
  }
  T* y_dot() const { return node.tangent; }
  std::int64_t size() const { return static_cast<std::int64_t>(node.shape.size()); }
};

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace baton::ag
