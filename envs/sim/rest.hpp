#pragma once
// What stands still is passed by.
//
//   rest    A step that would change no velocity of a cluster by more than kRestSpeed, and moves none of its
//           coordinates faster than that or so slowly that rounding swallows it, does not change it: qpos, qvel and
//           qacc_warmstart stay. Each lane's own affair.
//   still   Once every lane of a tile has come from such a step to where it began, and no contact couples the cluster
//           with another, all that a step makes of it would come out the same to the last bit. Its frames, inertia,
//           forces, contacts and acceleration are kept, its rows left out. It is awake again as soon as a contact
//           couples it, or as its state is not what it was.
//
// So no lane's numbers depend on its neighbours. Candidates are the clusters (constraint_data.hpp) that no actuator
// drives; none in models with mocap bodies, which move without a dof. External forces keep everything awake.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "envs/sim/awake.hpp"
#include "envs/sim/broadphase.hpp"
#include "envs/sim/constraint_data.hpp"
#include "envs/sim/contact.hpp"
#include "envs/sim/model.hpp"
#include "envs/sim/plan.hpp"

namespace baton::sim {

// m/s, rad/s. In float less than the typical error of a step (docs/fidelity.md): rounding alone keeps a kettle on a
// stove going by as much. Double is the reference and never rests.
template <class S>
inline constexpr S kRestSpeed = std::is_same_v<S, float> ? S(1e-6) : S(0);

template <class T>
class Rest {
  using S = scalar_t<T>;
  static constexpr bool kRests = kRestSpeed<S> > 0;

 public:
  void build(const Model<S>& m, const Plan<S>& plan, const Broadphase<S>& broadphase,
             const ConstraintData<T>& e);
  void reserve_contacts(int room) { contacts_.resize(kRests ? static_cast<std::size_t>(room) : 0); }

  BATON_HD bool still_dof(int i) const { return kRests && still_dof_[static_cast<std::size_t>(i)] != 0; }
  BATON_HD bool still_body(int b) const { return kRests && still_body_[static_cast<std::size_t>(b)] != 0; }
  BATON_HD bool still_group(std::size_t g) const { return kRests && still_group_[g] != 0; }

  BATON_HD const Awake& awake() const { return awake_; }

  // Wakes what was moved or pushed since the last step. First thing in a step.
  template <class D>
  BATON_HD void check(const D& d);
  // Nobody has changed anything since the last step: the next check() need not look.
  BATON_HD void vouch() { vouched_ = true; }

  // f(contact) for the contacts that a still group's pairs, [begin, end), had and have. To be called in the order of
  // pairs, `from` 0 at first.
  template <class F>
  BATON_HD void contacts(int begin, int end, int& from, const F& f) const {
    while (from < ncontact_ && contacts_[from].pair < begin) ++from;
    for (; from < ncontact_ && contacts_[from].pair < end; ++from) f(contacts_[from]);
  }

  // Wakes what this step's contacts couple.
  template <class D>
  BATON_HD void wake_coupled(const D& d);

  // Notes the state that a step starts from; after the integration, rests and sees what is still.
  template <class D>
  BATON_HD void note(const D& d);
  template <class D>
  BATON_HD void settle(D& d);

  // f(array) for those made once, and for those that change.
  template <class F>
  void for_each_table(F&& f) const {
    f(candidates_), f(joints_), f(bodies_);
    awake_candidates_.for_each_table(f);
    awake_.for_each([&](const AwakeList& list) { list.for_each_table(f); });
  }
  template <class F>
  void for_each_array(F&& f) const {
    f(unmoved_), f(still_dof_), f(still_body_), f(still_group_), f(coupled_);
    f(qpos_), f(qvel_), f(warmstart_), f(contacts_);
    awake_candidates_.for_each_array(f);
    awake_.for_each([&](const AwakeList& list) { list.for_each_array(f); });
  }

 private:
  struct Candidate {
    int cluster = 0;                     // of ConstraintData
    int joint_begin = 0, joint_end = 0;  // of joints_
    int body_begin = 0, body_end = 0;    // of bodies_
  };
  struct Joint {
    int qpos = 0, coordinates = 0;  // [qpos, qpos + coordinates)
    int dof = 0, dofs = 0;
    int straight = 0;  // of these, whose coordinate is their velocity's integral
  };

  void add_candidates(const Model<S>& m, const ConstraintData<T>& e);

  BATON_HD bool is_still(const Candidate& c) const { return still_dof(joints_[c.joint_begin].dof); }
  BATON_HD void set_still(const Candidate& c, bool on);
  // The groups that are still and the lists of what is awake, from still_dof_ and still_body_.
  template <class D>
  BATON_HD void refresh(const D& d);
  // The still ones of which disturbed(candidate) holds.
  template <class D, class F>
  BATON_INLINE void wake(const D& d, const F& disturbed);

  // f(now, noted) for each number of the candidate's state.
  template <class D, class F>
  BATON_INLINE void for_state(D& d, const Candidate& c, const F& f) {
    for (int j = c.joint_begin; j < c.joint_end; ++j) {
      const Joint& joint = joints_[j];
      for (int k = joint.qpos; k < joint.qpos + joint.coordinates; ++k) f(d.qpos[k], qpos_[k]);
      for (int i = joint.dof; i < joint.dof + joint.dofs; ++i) {
        f(d.qvel[i], qvel_[i]);
        f(d.qacc_warmstart[i], warmstart_[i]);
      }
    }
  }
  template <class D>
  BATON_INLINE mask_t<T> unchanged(const D& d, const Candidate& c) {
    mask_t<T> same(true);
    for_state(d, c, [&](const T& now, const T& noted) { same = same && now == noted; });
    return same;
  }
  template <class D>
  BATON_INLINE mask_t<T> rests(const D& d, const Candidate& c) const;

  std::vector<Candidate> candidates_;
  std::vector<Joint> joints_;
  std::vector<int> bodies_;
  std::vector<char> unmoved_;  // [candidate] the step starts where the last one did
  std::vector<char> still_dof_, still_body_, still_group_;  // [nv], [nbody], [Broadphase::groups]
  std::vector<char> coupled_;               // [cluster] by a contact of this step in some lane
  std::vector<T> qpos_, qvel_, warmstart_;  // [nq], [nv], [nv] where the step started
  std::vector<Contact<T>> contacts_;        // [room] of still groups, by pairs
  int ncontact_ = 0;
  bool vouched_ = false;
  Awake awake_;
  AwakeList awake_candidates_;
};

template <class T>
void Rest<T>::build(const Model<S>& m, const Plan<S>& plan, const Broadphase<S>& broadphase,
                    const ConstraintData<T>& e) {
  const bool mocap = std::ranges::any_of(m.bodies, [](const Body<S>& body) { return body.mocap >= 0; });
  if (kRests && !mocap) add_candidates(m, e);
  const auto nq = static_cast<std::size_t>(m.nq), nv = static_cast<std::size_t>(m.nv);
  unmoved_.assign(candidates_.size(), 0);
  still_dof_.assign(nv, 0);
  still_body_.assign(m.bodies.size(), 0);
  still_group_.assign(broadphase.groups.size(), 0);
  coupled_.assign(e.clusters.size(), 0);
  qpos_.assign(nq, T(S(0)));
  for (auto* v : {&qvel_, &warmstart_}) v->assign(nv, T(S(0)));
  awake_.build(m, plan, e);
  std::vector<int> dof_of;
  for (const Candidate& c : candidates_) dof_of.push_back(joints_[c.joint_begin].dof);
  awake_candidates_.build(std::move(dof_of));
}

template <class T>
void Rest<T>::add_candidates(const Model<S>& m, const ConstraintData<T>& e) {
  std::vector<char> driven(e.clusters.size(), 0);
  for (const auto& actuator : m.actuators) driven[e.dof_cluster[m.joints[actuator.joint].dof]] = 1;
  std::vector<std::vector<int>> joints(e.clusters.size()), bodies(e.clusters.size());
  for (std::size_t j = 0; j < m.joints.size(); ++j)
    joints[e.dof_cluster[m.joints[j].dof]].push_back(static_cast<int>(j));
  for (std::size_t b = 0; b < m.bodies.size(); ++b)
    if (const int dof = m.bodies[b].last_dof; dof >= 0)
      bodies[e.dof_cluster[dof]].push_back(static_cast<int>(b));
  for (std::size_t c = 0; c < e.clusters.size(); ++c) {
    if (driven[c]) continue;
    const int joint_begin = static_cast<int>(joints_.size()), body_begin = static_cast<int>(bodies_.size());
    for (const int j : joints[c]) {
      const auto& joint = m.joints[j];
      const int dofs = dof_count(joint.type);
      const bool ball = joint.type == JointType::kBall, free = joint.type == JointType::kFree;
      joints_.push_back({joint.qpos, dofs + (ball || free), joint.dof, dofs, ball ? 0 : free ? 3 : 1});
    }
    bodies_.insert(bodies_.end(), bodies[c].begin(), bodies[c].end());
    candidates_.push_back({static_cast<int>(c), joint_begin, static_cast<int>(joints_.size()), body_begin,
                           static_cast<int>(bodies_.size())});
  }
}

template <class T>
template <class D>
BATON_HD void Rest<T>::refresh(const D& d) {
  const auto& groups = d.broadphase.groups;
  for (std::size_t g = 0; g < groups.size(); ++g)
    still_group_[g] = groups[g].body2 >= 0 && still_body(groups[g].body2) &&
                      (groups[g].body1 < 0 || still_body(groups[g].body1));
  const auto still = [&](int dof) { return still_dof(dof); };
  awake_.refresh(still);
  awake_candidates_.refresh(still);
}

template <class T>
BATON_HD void Rest<T>::set_still(const Candidate& c, bool on) {
  for (int j = c.joint_begin; j < c.joint_end; ++j)
    for (int i = joints_[j].dof; i < joints_[j].dof + joints_[j].dofs; ++i) still_dof_[i] = on;
  for (int b = c.body_begin; b < c.body_end; ++b) still_body_[bodies_[b]] = on;
}

template <class T>
template <class D, class F>
BATON_INLINE void Rest<T>::wake(const D& d, const F& disturbed) {
  if (awake_candidates_.size() == static_cast<int>(candidates_.size())) return;
  bool woken = false;
  for (const Candidate& c : candidates_) {
    if (!is_still(c) || !disturbed(c)) continue;
    set_still(c, false);
    woken = true;
  }
  if (woken) refresh(d);
}

template <class T>
template <class D>
BATON_HD void Rest<T>::check(const D& d) {
  const bool vouched = vouched_;
  vouched_ = false;
  if (vouched) return;
  wake(d, [&](const Candidate& c) { return !d.xfrc.empty() || !all(unchanged(d, c)); });
}

template <class T>
template <class D>
BATON_HD void Rest<T>::wake_coupled(const D& d) {
  if (!kRests) return;
  const auto& e = d.efc;
  std::fill(coupled_.begin(), coupled_.end(), char{0});
  bool some = false;
  for (int n = 0; n < d.ncontact; ++n) {
    const auto& table = e.pair_table[e.pair_kind[d.contacts[n].pair]];
    if (table.dof_count == 0) continue;
    const int *dof = &e.pair_dof[table.dof_begin], front = e.dof_cluster[dof[0]],
              back = e.dof_cluster[dof[table.dof_count - 1]];
    if (front == back) continue;
    coupled_[front] = coupled_[back] = 1;
    some = true;
  }
  if (some) wake(d, [&](const Candidate& c) { return coupled_[c.cluster] != 0; });
}

template <class T>
template <class D>
BATON_HD void Rest<T>::note(const D& d) {
  for (const int n : awake_candidates_) {
    unmoved_[n] = all(unchanged(d, candidates_[n]));
    for_state(d, candidates_[n], [](const T& now, T& noted) { noted = now; });
  }
}

// Lanes in which the step, just integrated, changed as good as nothing.
template <class T>
template <class D>
BATON_INLINE mask_t<T> Rest<T>::rests(const D& d, const Candidate& c) const {
  const T most(kRestSpeed<S>);
  mask_t<T> rest(true);
  for (int j = c.joint_begin; j < c.joint_end; ++j) {
    const Joint& joint = joints_[j];
    for (int k = 0; k < joint.dofs; ++k) {
      const T& v = d.qvel[joint.dof + k];
      rest = rest && abs(v - qvel_[joint.dof + k]) <= most;
      mask_t<T> slow = abs(v) <= most;
      if (k < joint.straight) slow = slow || d.qpos[joint.qpos + k] == qpos_[joint.qpos + k];
      rest = rest && slow;
    }
  }
  return rest;
}

template <class T>
template <class D>
BATON_HD void Rest<T>::settle(D& d) {
  bool more = false;
  for (const int n : awake_candidates_) {
    const Candidate& c = candidates_[n];
    const mask_t<T> rest = rests(d, c);
    if (!any(rest)) continue;
    for_state(d, c, [&](T& now, const T& noted) { now = select(rest, noted, now); });
    const bool joined = coupled_[c.cluster] || any(d.efc.joined[c.cluster] > T(S(0)));
    if (!all(rest) || !unmoved_[n] || joined || !d.xfrc.empty()) continue;
    set_still(c, true);
    more = true;
  }
  if (!more) return;
  refresh(d);
  ncontact_ = 0;
  int at = 0;
  for (std::size_t g = 0; g < d.broadphase.groups.size(); ++g)
    for (; at < d.ncontact && d.contacts[at].pair < d.broadphase.groups[g].end; ++at)
      if (still_group(g)) contacts_[ncontact_++] = d.contacts[at];
}

}  // namespace baton::sim
