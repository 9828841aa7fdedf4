#pragma once
// What does not change during simulation: the compiled model. Model<double> comes from the MJCF loader
// (mjcf/load.hpp); Model<float> from convert(). Names and meanings follow MuJoCo's documented model so that its
// XML reference is our reference too. Units: m, kg, s, rad, N. Bodies are numbered parents first, 0 is the world.
#include <array>
#include <string>
#include <vector>

#include "envs/sim/spatial.hpp"

namespace baton::sim {

enum class JointType { kFree, kBall, kSlide, kHinge };
enum class GeomType {
  kPlane,
  kSphere,
  kCapsule,
  kEllipsoid,
  kCylinder,
  kBox,
  kMesh
};  // ascending: pair order
enum class EqualityType { kJoint, kWeld, kConnect };
enum class Integrator { kEuler, kImplicitFast };
enum class Cone { kPyramidal, kElliptic };

BATON_HD inline int qpos_count(JointType t) {
  return t == JointType::kFree ? 7 : t == JointType::kBall ? 4 : 1;
}
BATON_HD inline int dof_count(JointType t) {
  return t == JointType::kFree ? 6 : t == JointType::kBall ? 3 : 1;
}

// Who carries a joint's share of the bodies' gravity compensation: it counts as passive, or as the actuators' force.
enum class Gravcomp { kPassive, kActuator, kNone };

// Softness of a constraint (MuJoCo, Computation: solver parameters).
template <class S>
struct Softness {
  std::array<S, 2> solref{S(0.02), S(1)};  // time constant, damping ratio; or (-k, -b)
  std::array<S, 5> solimp{S(0.9), S(0.95), S(0.001), S(0.5), S(2)};  // dmin, dmax, width, midpoint, power
};

template <class S>
struct Option {
  S timestep = S(0.002);
  Vec3<S> gravity{S(0), S(0), S(-9.81)};
  Integrator integrator = Integrator::kEuler;
  Cone cone = Cone::kPyramidal;
  S impratio = S(1);
  bool refsafe = true;    // time constants of solref are at least two timesteps
  bool eulerdamp = true;  // Euler takes joint damping implicitly
  S tolerance = S(1e-8);
  int iterations = 100;
  S ls_tolerance = S(0.01);
  int ls_iterations = 50;
};

template <class S>
struct Body {
  std::string name;
  int parent = 0;  // 0 for the world itself
  int root = 0;    // first body below the world on the way to this one; 0 for the world
  int weld =
      0;  // first body up from here (itself included) with joints, or mocap, or 0: moves rigidly with it
  int joint = -1, joints = 0;  // first joint, how many
  int dof = -1, dofs = 0;      // first dof, how many
  int geom = -1, geoms = 0;    // first geom, how many
  int mocap = -1;  // index into Data::mocap_pos, mocap_quat: the user moves it; -1: not a mocap body
  Vec3<S> pos{};   // in the parent's frame
  Quat<S> quat{S(1), S(0), S(0), S(0)};
  S mass = 0;                             // kg
  Vec3<S> ipos{};                         // centre of mass, in the body's frame
  Quat<S> iquat{S(1), S(0), S(0), S(0)};  // principal axes, in the body's frame
  Vec3<S> inertia{};                      // principal moments, kg m^2
  S gravcomp = 0;                         // share of its weight that is compensated
  std::array<S, 2>
      invweight{};    // mean inverse inertia at qpos0: translation 1/kg, rotation 1/(kg m^2) (constants.hpp)
  int last_dof = -1;  // last dof that moves this body (its own or an ancestor's), -1: static
};

template <class S>
struct Joint {
  std::string name;
  JointType type = JointType::kHinge;
  int body = 0, qpos = 0, dof = 0;        // first qpos and dof
  Vec3<S> pos{}, axis{S(0), S(0), S(1)};  // in the body's frame, axis unit
  bool limited = false;
  std::array<S, 2> range{};  // m or rad
  S margin = 0;
  S stiffness = 0;
  Softness<S> limit_softness;
  bool force_limited = false;  // hinge, slide: the sum of actuator forces is clamped
  std::array<S, 2> force_range{};
  Gravcomp gravcomp = Gravcomp::kPassive;
  bool floating = false;  // free joint whose tree has no other joint (constants.hpp)
};

template <class S>
struct Dof {
  int body = 0, joint = 0;
  int parent = -1;  // previous dof on the way to the root, -1: none
  int tree = 0;     // kinematic tree (bodies below one child of the world that move together)
  S damping = 0, armature = 0, frictionloss = 0;
  // Diagonal of the inverse inertia at qpos0 (averaged over the 3 dofs of a ball or of a free joint's half).
  S invweight = 0;
  Softness<S> friction_softness;
};

template <class S>
struct Geom {
  std::string name;
  GeomType type = GeomType::kSphere;
  int body = 0;
  Vec3<S> pos{};  // in the body's frame
  Quat<S> quat{S(1), S(0), S(0), S(0)};
  Vec3<S>
      size{};  // sphere r; capsule, cylinder r, half length (axis z); ellipsoid radii; box, plane half sizes;
               // mesh: half sizes of its box about pos
  S radius = 0;  // of the bounding sphere about pos; 0 for planes
  int contype = 1, conaffinity = 1, condim = 3, priority = 0, group = 0;
  std::array<S, 3> friction{S(1), S(0.005), S(0.0001)};  // sliding, torsional (m), rolling (m)
  S solmix = 1, margin = 0, gap = 0;
  Softness<S> softness;
  std::array<float, 4> rgba{0.5f, 0.5f, 0.5f, 1.0f};
  int mesh = -1;  // index into Model::meshes
};

// A mesh as geoms use it, in the frame of its inertia: origin at the centre of mass, axes principal (Geom::pos and quat
// place that frame in the body). What collides is the convex hull.
template <class S>
struct Mesh {
  std::string name;
  std::vector<Vec3<S>> hull;                   // vertices of the convex hull; empty when no geom collides
  std::vector<std::array<int, 3>> hull_faces;  // triangles of the hull, counter-clockwise seen from outside
  std::vector<int> neighbor_begin,
      neighbors;  // hull vertex i touches neighbors[neighbor_begin[i] .. [i + 1])
  // Flat faces: triangles of the hull whose normals agree, merged. Written, with the neighbors, by finish_hull()
  // (collide/hull.hpp) once hull and hull_faces are there. Face f has the corners polygon_vertices[polygon_begin[f] ..
  // [f + 1]), counter-clockwise seen from outside; vertex i is a corner of vertex_polygons[vertex_polygon_begin[i] ..]
  std::vector<Vec3<S>> polygon_normals;  // outward, unit
  std::vector<int> polygon_begin, polygon_vertices;
  std::vector<int> vertex_polygon_begin, vertex_polygons;
  std::vector<Vec3<float>> vertices;  // the whole mesh, for drawing
  std::vector<std::array<int, 3>> faces;
};

// A candidate of collision: two geoms of bodies that may touch, and the contact's parameters, mixed once at load.
// geom1's type <= geom2's type. Sorted by (body1, body2, geom1, geom2): the order of contacts follows.
template <class S>
struct Pair {
  int geom1 = 0, geom2 = 0;
  int condim = 3;
  std::array<S, 5> friction{};  // sliding x2, torsional, rolling x2
  S margin = 0, gap = 0;        // a contact exists when dist < margin; it pushes when dist < margin - gap
  Softness<S> softness;
  std::array<S, 2> friction_solref{};  // of an elliptic cone's tangents, for damping; zeros: as the normal's
};

template <class S>
struct Equality {
  std::string name;
  EqualityType type = EqualityType::kJoint;
  int obj1 = 0, obj2 = -1;      // joints (kJoint; -1: none) or bodies
  std::array<S, 5> polycoef{};  // kJoint: a0..a4 of q1 - q1_0 = poly(q2 - q2_0)
  // kConnect, kWeld: the anchors coincide; kWeld: so do the frames q1 quat1 and q2 quat2, rotations times torquescale.
  Vec3<S> anchor1{}, anchor2{};  // in the bodies' frames
  Quat<S> quat1{S(1), S(0), S(0), S(0)}, quat2{S(1), S(0), S(0), S(0)};
  S torquescale = S(1);  // m
  bool active = true;
  Softness<S> softness;
};

// force = g * ctrl + b, g and b each of the form p[0] + p[1] * length + p[2] * velocity, p = gain and bias, through
// `gear` on one joint: the first number
// on a hinge or slide, a torque (3) on a ball, force and torque (6) on a free joint.
template <class S>
struct Actuator {
  std::string name;
  int joint = 0;
  bool in_parent = false;  // ball, free: the gear's torque is in the parent's frame, not in the body's own
  std::array<S, 6> gear{S(1)};
  std::array<S, 3> gain{S(1)};
  S period =
      0;  // > 0: the control is an angle, of whose equals (so far apart) the nearest to the length acts
  std::array<S, 3> bias{};
  bool ctrl_limited = false, force_limited = false;
  std::array<S, 2> ctrl_range{}, force_range{};
};

template <class S>
struct Site {
  std::string name;
  int body = 0;
  Vec3<S> pos{};
  Quat<S> quat{S(1), S(0), S(0), S(0)};
};

template <class S>
struct Keyframe {
  std::string name;
  std::vector<S> qpos, qvel, ctrl, mocap_pos, mocap_quat;  // complete: nq, nv, nu, 3 nmocap, 4 nmocap values
};

template <class S>
struct Model {
  std::string name, file;
  Option<S> option;
  int nq = 0, nv = 0, nu = 0, ntree = 0, nmocap = 0;
  std::vector<Body<S>> bodies;
  std::vector<Joint<S>> joints;
  std::vector<Dof<S>> dofs;
  std::vector<Geom<S>> geoms;
  std::vector<Mesh<S>> meshes;
  std::vector<Pair<S>> pairs;
  std::vector<Equality<S>> equalities;
  std::vector<Actuator<S>> actuators;
  std::vector<Site<S>> sites;
  std::vector<Keyframe<S>> keyframes;
  std::vector<S> qpos0;        // [nq] configuration of the file
  std::vector<S> qpos_spring;  // [nq] where joint springs rest
  S mean_inertia = S(1);       // mean diagonal of M at qpos0: scales the solver's tolerance (constants.hpp)

  // -1 when there is none.
  int body_id(const std::string& n) const { return find(bodies, n); }
  int joint_id(const std::string& n) const { return find(joints, n); }
  int geom_id(const std::string& n) const { return find(geoms, n); }
  int site_id(const std::string& n) const { return find(sites, n); }
  int actuator_id(const std::string& n) const { return find(actuators, n); }
  int keyframe_id(const std::string& n) const { return find(keyframes, n); }

 private:
  template <class V>
  static int find(const V& v, const std::string& n) {
    for (std::size_t i = 0; i < v.size(); ++i)
      if (v[i].name == n) return static_cast<int>(i);
    return -1;
  }
};

// The same model in another precision (convert.cpp).
Model<float> to_float(const Model<double>& model);

}  // namespace baton::sim
