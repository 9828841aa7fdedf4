#pragma once
// The constraint rows of one step: written by constraint.hpp, solved by solver.hpp.
//
// A block is what one equality, dof friction, joint limit or contact contributes. It touches a short list of
// dofs (shared by all lanes) and holds base rows J [base_count][dof_count]. An equality, friction, limit or
// frictionless contact has one base row, which is also its one constraint row. A pyramidal contact of dimension n has
// n base rows (normal, tangents, spin, rolls) and 2 (n - 1) constraint rows, the edges normal +- mu_k tangent_k:
// products with J are taken on base rows and combined afterwards, which is cheaper than storing the edges. The rows of
// connects, welds and elliptic contacts are their base rows.
//
// Rows are ordered equalities, frictions, limits, contacts, as in MuJoCo. A row exists when any lane needs it; in the
// lanes that do not, D = 0, aref = 0 and the force is an exact zero.
//
// What depends on the model alone (softness, the dofs of pairs, the order of elimination) is prepared once by
// reserve(): the model must not change afterwards.
#include <array>
#include <cstddef>
#include <vector>

#include "envs/sim/model.hpp"

namespace baton::sim {

// Softness, digested: reference acceleration -b vel - k imp(|pos|) pos, impedance imp between dmin and dmax.
template <class S>
struct Compliance {
  S k = 0, b = 0;
  S dmin = 0, dmax = 0, inv_width = 0, midpoint = 0, power = 0;
  S rise = 0, fall = 0;  // scale of the impedance's curve below and above its midpoint
};

// Trees that equalities couple, in every lane and at every step. Contacts couple clusters in some lanes only.
struct Cluster {
  int dof_begin = 0, dof_count = 0;  // into Envelope::dof of ConstraintData::apart
  bool held = false;                 // equalities or friction losses give it rows in every lane
  bool small = false;                // one tree of one dof, or two that one joint equality couples
  bool plain_limits = false;  // one tree whose rows are contacts and limits of hinges and slides (limits.hpp)
};

// Numbering of H's rows and columns over some dofs, in order of elimination, and the envelope of its lower triangle.
struct Envelope {
  std::vector<int> dof;     // [row]
  std::vector<int> local;   // [nv] row of a dof
  std::vector<int> first;   // [row] first column of the row's envelope
  std::vector<int> row_at;  // [row] H(i, j) = H[row_at[i] + j], first[i] <= j <= i
};

// The rows of a small cluster, -1: none, and where their Jacobians are.
struct SmallRows {
  struct Limit {
    int row = 0, jac = 0, dof = 0;  // dof: 0 or 1, within the cluster
  };
  int equality = -1, equality_jac = 0;
  std::array<int, 2> friction{-1, -1};
  int limits = 0;
  std::array<Limit, 4> limit{};
};

// A list of blocks by kind: equalities, friction losses from `friction`, limits and contacts of pyramids from
// `one_sided`, elliptic cones from `cone`.
struct BlockKinds {
  int begin = 0, friction = 0, one_sided = 0, cone = 0, end = 0;
};

// What the solver works on at a time: some blocks, [begin, end) of a list, and the dofs that they are about.
struct Problem : BlockKinds {
  const int* blocks = nullptr;
  int ndof = 0;
  const int *dof = nullptr, *local = nullptr, *first = nullptr, *row_at = nullptr;  // as in Envelope
};

struct TreeLink;  // constraint_tables.hpp

// The dofs of a block: any; consecutive dofs of one tree, which need no list; six of these, a free body's: loops of
// known length.
enum class DofRun : char { kScattered, kConsecutive, kSix };
template <DofRun run>
using DofRunConstant = std::integral_constant<DofRun, run>;

// f(DofRunConstant<run>).
template <class F>
BATON_INLINE void with_run(DofRun run, const F& f) {
  switch (run) {
    case DofRun::kScattered:
      return f(DofRunConstant<DofRun::kScattered>{});
    case DofRun::kConsecutive:
      return f(DofRunConstant<DofRun::kConsecutive>{});
    case DofRun::kSix:
      return f(DofRunConstant<DofRun::kSix>{});
  }
}

struct ConstraintBlock {
  int dof_begin = 0, dof_count = 0;    // into ConstraintData::dof_index, in order of elimination
  int jac = 0;                         // into ConstraintData::jac
  int base_begin = 0, base_count = 0;  // into ConstraintData::mu
  int row_begin = 0, row_count = 0;    // into the arrays of rows
  DofRun run = DofRun::kScattered;     // how its dofs lie
};

inline constexpr int kMaxBases = 6;

// Whether a block's rows are its base rows as they are (not the edges of a pyramid), more than one.
BATON_HD inline bool is_plain(const ConstraintBlock& block) {
  return block.row_count > 1 && block.row_count == block.base_count;
}

template <class T>
struct ConstraintData {
  using S = scalar_t<T>;

  // ---- the model's part ----
  struct PairTable {
    int soft = 0;         // into pair_soft
    S diag = 0;           // approximate inverse inertia of the first row, 1/kg
    S friction_damp = 0;  // b of an elliptic cone's tangents
    S scale = 1;          // of R, for pyramid edges: 2 mu^2 / impratio; 1 without friction, elliptic
    int dof_begin = 0, dof_count = 0;  // into pair_dof, pair_side: dofs that move one side but not both
    DofRun run = DofRun::kScattered;   // how these lie
    auto operator<=>(const PairTable&) const = default;
  };
  struct WeldTable {
    int dof_begin = 0, dof_count = 0;  // into weld_dof, weld_side: dofs that move body 1 or body 2
    std::array<S, 2> diag{};  // approximate inverse inertia of translations 1/kg, rotations 1/(kg m^2)
  };
  std::vector<WeldTable> weld_table;  // [neq], of connects and welds
  std::vector<int> weld_dof;
  std::vector<std::array<S, 2>> weld_side;   // 1 where the dof moves body 1, body 2
  std::vector<PairTable> pair_table;         // those that differ
  std::vector<int> pair_kind;                // [npair] into pair_table
  std::vector<Compliance<S>> pair_soft;      // those that differ
  std::vector<int> pair_dof;                 // pairs of the same bodies share theirs
  std::vector<S> pair_side;                  // +1: moves geom2's body, -1: geom1's
  std::vector<S> friction_D, friction_damp;  // [nv] of rows of friction loss
  std::vector<Compliance<S>> limit_soft;     // [njnt]
  std::vector<Compliance<S>> equality_soft;  // [neq]
  std::vector<int> rank;                     // [nv] order of elimination
  std::vector<int> tree_order;  // [ntree] the same by trees: those that may touch many others come last
  std::vector<Cluster> clusters;
  std::vector<int> dof_cluster;  // [nv]
  Envelope apart;                // of each cluster by itself; rows are numbered within the cluster

  // ---- this step's rows ----
  int nblock = 0, nrow = 0, nbase = 0, njac = 0, ndof = 0;
  int nequality = 0,
      nfriction = 0;      // rows: [0, nequality) equalities, then nfriction frictions, then one-sided ones
  int contact_block = 0;  // first block of a contact
  int one_sided_end = 0;  // rows from here on are elliptic cones (elliptic.hpp); nrow when cones are pyramids
  std::vector<ConstraintBlock> blocks;
  std::vector<int> dof_index;
  std::vector<int> block_contact;  // [block] contact slot; -1 for the others
  std::vector<T> jac;
  std::vector<T> D;      // [row] 1 / R, kg or kg m^2; 0 where the row does not exist
  std::vector<T> aref;   // [row] reference acceleration
  std::vector<T> jar;    // [row] J qacc - aref
  std::vector<T> jp;     // [row] J times the search direction
  std::vector<T> force;  // [row] N or N m
  std::vector<S> damp;   // [row] b
  std::vector<S> floss;  // [row] friction loss, N or N m; 0 for the others
  std::vector<S>
      mu;  // [base] friction coefficient of a contact's tangents; 1 for normals (elliptic: the cone's)
  std::vector<int> block_cluster;  // [block] -1: it couples two
  std::vector<T> touched;          // [cluster] 1 in lanes where it has a row, else 0
  std::vector<T> joined;           // [cluster] 1 in lanes where a row couples it with another, else 0

  // ---- structure: the blocks of each cluster, made anew when dofs of blocks change (partition.hpp) ----
  std::vector<int> noted_dofs, noted_begins;  // [ndof] dof_index, [nblock] dof_begin for which it was made
  int noted_ndof = -1, noted_nblock = -1, noted_contact_block = -1;  // -1: none yet
  std::vector<int> block_list;                        // blocks of the first cluster, of the second, ...
  std::vector<BlockKinds> apart_kinds;                // [cluster] of block_list
  std::vector<SmallRows> small_rows;                  // [cluster]
  Envelope joint;                                     // of the clusters that are joined in some lane
  std::vector<int> joint_blocks, tree_root, columns;  // scratch

  // ---- the solver's ----
  std::vector<T> H, inverse_diagonal;
  std::vector<T> x, mx, p, mp, grad;  // [nv] qacc - qacc_smooth, M x, search direction, M p, gradient
  std::vector<T> held_D;              // [row] D while lanes are left out of it

  void reserve(const Model<S>& m, int max_contacts);

 private:
  void reserve_pairs(const Model<S>& m);
  void add_pair_dofs(const Model<S>& m, int body1, int body2);
  void reserve_welds(const Model<S>& m);
  void order_trees(const Model<S>& m);
  void find_clusters(const Model<S>& m);
  void envelope_of_links(const Model<S>& m, const std::vector<TreeLink>& links);
  void reserve_structure(const Model<S>& m, std::size_t block_count);
};

}  // namespace baton::sim

#include "envs/sim/constraint_tables.hpp"
