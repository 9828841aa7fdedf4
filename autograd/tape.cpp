#include "autograd/tape.hpp"

#include <algorithm>
#include <atomic>
#include <functional>

#include "kernels/error.hpp"

namespace baton::ag {
namespace {

// Never 0, the stamp of a variable that no tape has made.
std::uint32_t next_stamp() {
  static std::atomic<std::uint32_t> latest{0};
  std::uint32_t stamp = ++latest;
  while (stamp == 0) stamp = ++latest;
  return stamp;
}

}  // namespace

template <class T>
Tape<T>::Tape() : stamp_(next_stamp()) {}

template <class T>
Node<T>& Tape<T>::node(Var v) {
  BATON_REQUIRE(
      v.stamp == stamp_ && v.id >= 0 && v.id < size(),
      "tape: variable {} is not on this tape of {} {} numbers' nodes: it is of another tape, or of before "
      "clear()",
      v.id, size(), sizeof(T) == sizeof(float) ? "float" : "double");
  return nodes_[static_cast<std::size_t>(v.id)];
}

template <class T>
const Node<T>& Tape<T>::node(Var v) const {
  return const_cast<Tape*>(this)->node(v);
}

template <class T>
Node<T>& Tape<T>::input(const Node<T>& n, int i) {
  return nodes_[static_cast<std::size_t>(inputs_[static_cast<std::size_t>(n.first_input + i)].id)];
}

template <class T>
Var Tape<T>::parameter(const T* data, const Shape& shape) {
  const Var v = constant(data, shape);
  nodes_.back().needs_gradient = true;
  return v;
}

template <class T>
Var Tape<T>::constant(const T* data, const Shape& shape) {
  Node<T> leaf;
  leaf.shape = shape;
  leaf.value = const_cast<T*>(data);  // no rule writes to a leaf's value
  nodes_.push_back(leaf);
  return latest();
}

template <class T>
Var Tape<T>::constant_copy(std::span<const T> data, const Shape& shape) {
  BATON_REQUIRE(data.size() == shape.size(), "tape: {} numbers for a constant of shape {}", data.size(),
                shape.text());
  T* copy = memory(data.size());
  std::copy(data.begin(), data.end(), copy);
  return constant(copy, shape);
}

template <class T>
std::span<const T> Tape<T>::value(Var v) const {
  return {node(v).value, node(v).shape.size()};
}

template <class T>
T Tape<T>::scalar(Var v) const {
  BATON_REQUIRE(shape(v).size() == 1, "tape: a scalar is wanted, the shape is {}", shape(v).text());
  return node(v).value[0];
}

template <class T>
Var Tape<T>::record(Node<T> draft, std::span<const Var> inputs, bool own_value) {
  draft.first_input = static_cast<int>(inputs_.size());
  draft.inputs = static_cast<int>(inputs.size());
  for (const Var v : inputs) draft.needs_gradient |= node(v).needs_gradient && draft.rule->jvp != nullptr;
  inputs_.insert(inputs_.end(), inputs.begin(), inputs.end());
  if (own_value) draft.value = memory(draft.shape.size());
  nodes_.push_back(draft);
  Node<T>& made = nodes_.back();
  made.rule->forward(Call<T>{*this, made});
  return latest();
}

template <class T>
void Tape<T>::backward(Var y, std::span<const T> u) {
  const std::size_t n = shape(y).size();
  BATON_REQUIRE(u.empty() ? n == 1 : u.size() == n, "backward: {} numbers for an output of shape {}",
                u.size(), shape(y).text());
  BATON_REQUIRE(node(y).needs_gradient, "backward: the output depends on no parameter");
  for (Node<T>& each : nodes_) {
    if (!each.needs_gradient) continue;
    const std::less<const T*> before;
    BATON_REQUIRE(
        u.empty() || each.gradient == nullptr || !before(u.data(), each.gradient + each.shape.size()) ||
            !before(each.gradient, u.data() + u.size()),
        "backward: u of {} numbers for an output of shape {} lies in this tape's own gradients, which "
        "are zeroed first: copy it",
        u.size(), shape(y).text());
    if (each.gradient == nullptr) each.gradient = memory(each.shape.size());
    std::fill_n(each.gradient, each.shape.size(), T(0));
  }
  Node<T>& out = node(y);
  if (u.empty()) {
    out.gradient[0] = T(1);
  } else {
    std::copy(u.begin(), u.end(), out.gradient);
  }
  for (int id = y.id; id >= 0; --id) {
    Node<T>& each = nodes_[static_cast<std::size_t>(id)];
    if (each.rule != nullptr && each.needs_gradient) each.rule->vjp(Call<T>{*this, each});
  }
}

template <class T>
std::span<const T> Tape<T>::gradient(Var v) const {
  BATON_REQUIRE(node(v).needs_gradient, "gradient: the variable is a constant or depends on no parameter");
  BATON_REQUIRE(node(v).gradient != nullptr,
                "gradient: backward has not run since the variable was recorded");
  return {node(v).gradient, node(v).shape.size()};
}

template <class T>
void Tape<T>::set_tangent(Var leaf, std::span<const T> v) {
  Node<T>& n = node(leaf);
  BATON_REQUIRE(n.rule == nullptr, "set_tangent: only leaves are given tangents, this is a result of {}",
                n.rule->name);
  BATON_REQUIRE(v.size() == n.shape.size(), "set_tangent: {} numbers for shape {}", v.size(), n.shape.text());
  if (n.tangent == nullptr) n.tangent = memory(v.size());
  std::copy(v.begin(), v.end(), n.tangent);
  n.has_tangent = true;
}

template <class T>
void Tape<T>::clear_tangents() {
  for (Node<T>& each : nodes_) each.has_tangent = false;
}

template <class T>
void Tape<T>::forward_mode() {
  for (Node<T>& each : nodes_) {
    if (each.rule == nullptr) continue;
    each.has_tangent = false;
    if (each.rule->jvp == nullptr) continue;  // gradients stop here
    for (int i = 0; i < each.inputs; ++i) each.has_tangent |= input(each, i).has_tangent;
    if (!each.has_tangent) continue;
    if (each.tangent == nullptr) each.tangent = memory(each.shape.size());
    each.rule->jvp(Call<T>{*this, each});
  }
}

template <class T>
std::span<const T> Tape<T>::tangent(Var v) {
  Node<T>& n = node(v);
  if (!n.has_tangent) {
    if (n.tangent == nullptr) n.tangent = memory(n.shape.size());
    std::fill_n(n.tangent, n.shape.size(), T(0));
  }
  return {n.tangent, n.shape.size()};
}

template <class T>
void Tape<T>::replay() {
  for (Node<T>& each : nodes_) {
    if (each.rule != nullptr) each.rule->forward(Call<T>{*this, each});
  }
}

template <class T>
void Tape<T>::clear() {
  nodes_.clear();
  inputs_.clear();
  block_ = used_ = used_indices_ = used_passes_ = 0;
  stamp_ = next_stamp();
}

template <class T>
const char* Tape<T>::rule_name(int id) const {
  const Node<T>& n = node({id, stamp_});
  return n.rule == nullptr ? "leaf" : n.rule->name;
}

// Bump allocation in blocks that are kept; a request larger than a block gets one of its size.
template <class T>
T* Tape<T>::memory(std::size_t n) {
  while (block_ < blocks_.size() && blocks_[block_].size() - used_ < n) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    blocks_.emplace_back(std::max(n, kBlock));
    used_ = 0;
  }
  T* at = blocks_[block_].data() + used_;
  used_ += (n + 15) / 16 * 16;  // keeps arrays apart by whole cache lines
  used_ = std::min(used_, blocks_[block_].size());
  return at;
}

template <class T>
std::int32_t* Tape<T>::indices(std::size_t n) {
  if (used_indices_ == indices_.size()) indices_.emplace_back();
  std::vector<std::int32_t>& place = indices_[used_indices_++];
  place.resize(n);
  return place.data();
}

template <class T>
std::int32_t* Tape<T>::copy_indices(const char* op, std::span<const std::int32_t> index, int limit) {
  for (std::size_t i = 0; i < index.size(); ++i) {
    BATON_REQUIRE(index[i] >= 0 && index[i] < limit, "{}: index {} is {}, it must be within 0..{}", op, i,
                  index[i], limit - 1);
  }
  std::int32_t* copy = indices(index.size());
  std::copy(index.begin(), index.end(), copy);
  return copy;
}

template <class T>
T* Tape<T>::scratch(std::size_t n) {
  if (scratch_.size() < n) scratch_.resize(n);
  return scratch_.data();
}

template <class T>
MlpPass<T>& Tape<T>::mlp_pass() {
  if (used_passes_ == passes_.size()) passes_.push_back(std::make_unique<MlpPass<T>>());
  return *passes_[used_passes_++];
}

template class Tape<float>;
template class Tape<double>;

}  // namespace baton::ag
