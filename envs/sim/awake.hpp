#pragma once
// What a step goes over: everything that does not stand still (rest.hpp), as lists of indices. A loop over the whole
// model that asks item by item spends more on asking than on what it finds.
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "envs/sim/model.hpp"
#include "envs/sim/number.hpp"

namespace baton::sim {

// Items of one kind that are awake, in ascending order. An item sleeps and wakes with one dof, or never sleeps.
class AwakeList {
 public:
  // dof_of[item]; -1: always awake. All are awake.
  void build(std::vector<int> dof_of) {
    dof_of_ = std::move(dof_of);
    items_.resize(dof_of_.size());
    refresh([](int) { return false; });
  }
  // The list anew, from still(dof).
  template <class F>
  BATON_HD void refresh(const F& still) {
    size_ = 0;
    for (std::size_t i = 0; i < dof_of_.size(); ++i)
      if (dof_of_[i] < 0 || !still(dof_of_[i])) items_[size_++] = static_cast<int>(i);
  }

  BATON_HD const int* begin() const { return items_.data(); }
  BATON_HD const int* end() const { return items_.data() + size_; }
  BATON_HD int size() const { return static_cast<int>(size_); }
  BATON_HD int operator[](int n) const { return items_[static_cast<std::size_t>(n)]; }

  // f(array) for the one made once, and for the one that changes.
  template <class F>
  void for_each_table(F&& f) const {
    f(dof_of_);
  }
  template <class F>
  void for_each_array(F&& f) const {
    f(items_);
  }

 private:
  std::vector<int> dof_of_, items_;
  std::size_t size_ = 0;
};

// Of a model: dofs, coordinates of qpos, joints, kinematic trees; Plan::links and Plan::lone; clusters of
// ConstraintData.
struct Awake {
  AwakeList dofs, coordinates, joints, trees, links, lone, clusters;

  template <class S, class Plan, class Constraints>
  void build(const Model<S>& m, const Plan& plan, const Constraints& e) {
    std::vector<int> of_dofs, of_coordinates(static_cast<std::size_t>(m.nq)), of_joints, of_trees, of_links,
        of_lone, of_clusters;
    for (int i = 0; i < m.nv; ++i) of_dofs.push_back(i);
    for (const auto& joint : m.joints) {
      of_joints.push_back(joint.dof);
      const int dofs = dof_count(joint.type), coordinates = dofs == 1 ? 1 : dofs + 1;
      std::fill_n(of_coordinates.begin() + joint.qpos, coordinates, joint.dof);
    }
    for (const auto& tree : plan.trees) of_trees.push_back(tree.begin);
    for (const auto& link : plan.links)
      of_links.push_back(m.bodies[static_cast<std::size_t>(link.body)].last_dof);
    for (const auto& l : plan.lone) of_lone.push_back(l.dof);
    for (const auto& cluster : e.clusters)
      of_clusters.push_back(e.apart.dof[static_cast<std::size_t>(cluster.dof_begin)]);
    dofs.build(std::move(of_dofs)), coordinates.build(std::move(of_coordinates));
    joints.build(std::move(of_joints)), trees.build(std::move(of_trees));
    links.build(std::move(of_links)), lone.build(std::move(of_lone));
    clusters.build(std::move(of_clusters));
  }

  template <class F>
  BATON_HD void refresh(const F& still) {
    dofs.refresh(still), coordinates.refresh(still), joints.refresh(still), trees.refresh(still);
    links.refresh(still), lone.refresh(still), clusters.refresh(still);
  }

  // f(list) for each.
  template <class F>
  void for_each(F&& f) const {
    f(dofs), f(coordinates), f(joints), f(trees), f(links), f(lone), f(clusters);
  }
};

}  // namespace baton::sim
