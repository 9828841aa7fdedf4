#pragma once
// Names of the model's elements, by kind.
#include <string>
#include <unordered_map>
#include <vector>

#include "envs/sim/mjcf/spec.hpp"

namespace baton::sim::mjcf {

// Names of one kind: unique, and found with a suggestion for the misspelt.
class Names {
 public:
  explicit Names(const char* kind) : kind_(kind) {}

  // Refuses a name that is taken; "" is none.
  void add(const std::string& name, int id, const Where& where) {
    if (name.empty()) return;
    if (!ids_.emplace(name, id).second)
      refuse_at(where, fmt::format("{} name", kind_), "'{:.60}' is taken already", name);
    list_.push_back(name);
  }

  // The id of `name`, which the attribute `what` asks for; refuses what is not there.
  int find(const std::string& name, const Where& where, const char* what) const {
    const auto found = ids_.find(name);
    if (found == ids_.end()) {
      if (name.empty()) refuse_at(where, what, "missing: the name of a {}", kind_);
      refuse_at(where, what, "no {} '{:.60}'{}", kind_, name, suggestion(name, list_));
    }
    return found->second;
  }

 private:
  const char* kind_;
  std::unordered_map<std::string, int> ids_;
  std::vector<std::string> list_;
};

// All that other elements refer to.
struct NameTables {
  Names bodies{"body"}, joints{"joint"}, geoms{"geom"}, sites{"site"};
};

// Equality constraints of the spec; the model's bodies, joints and sites are there already. Anchors and frames that
// the file leaves out are those of the configuration qpos0.
void make_equalities(const Spec& spec, const NameTables& names, Model<double>& m);

}  // namespace baton::sim::mjcf
