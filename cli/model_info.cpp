#include "cli/model_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <vector>

#include "cli/model_run.hpp"
#include "cli/table.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"

namespace baton::cli {
namespace {

using Model = sim::Model<double>;

const char* joint_kind(sim::JointType type) {
  switch (type) {
    case sim::JointType::kFree:
      return "free";
    case sim::JointType::kBall:
      return "ball";
    case sim::JointType::kSlide:
      return "slide";
    case sim::JointType::kHinge:
      return "hinge";
  }
  return "?";
}

// "3 box, 2 mesh" of the geoms that fit; "none" if none does.
template <class Fits>
std::string count_by_type(const Model& m, Fits&& fits) {
  constexpr std::array<const char*, 7> kNames{"plane",    "sphere", "capsule", "ellipsoid",
                                              "cylinder", "box",    "mesh"};
  std::array<int, 7> counts{};
  for (std::size_t g = 0; g < m.geoms.size(); ++g)
    if (fits(g)) ++counts[static_cast<std::size_t>(m.geoms[g].type)];
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[i], kNames[i]);
  return text.empty() ? "none" : text;
}

std::string geoms_text(const Model& m) {
  std::vector<bool> collides(m.geoms.size());
  for (const auto& pair : m.pairs)
    collides[static_cast<std::size_t>(pair.geom1)] = collides[static_cast<std::size_t>(pair.geom2)] = true;
  const auto touching = std::count(collides.begin(), collides.end(), true);
  std::string text =
      fmt::format("geoms {}: {}\n", m.geoms.size(), count_by_type(m, [](std::size_t) { return true; }));
  text += fmt::format("  collide {}: {}\n", touching,
                      count_by_type(m, [&](std::size_t g) { return collides[g]; }));
  text += fmt::format("  only drawn {}: {}\n", m.geoms.size() - static_cast<std::size_t>(touching),
                      count_by_type(m, [&](std::size_t g) { return !collides[g]; }));
  text += fmt::format("pairs of geoms that may collide: {}\n", m.pairs.size());
  if (m.meshes.empty()) return text;
  std::size_t vertices = 0, faces = 0, hull = 0, largest = 0, hulls = 0;
  for (const auto& mesh : m.meshes) {
    vertices += mesh.vertices.size(), faces += mesh.faces.size();
    hull += mesh.hull.size(), largest = std::max(largest, mesh.hull.size()), hulls += !mesh.hull.empty();
  }
  text += fmt::format("meshes {}: {} vertices, {} faces; {} convex hulls of {} vertices (the largest {})\n",
                      m.meshes.size(), vertices, faces, hulls, hull, largest);
  return text;
}

std::string equalities_text(const Model& m) {
  std::array<int, 3> counts{};
  for (const auto& eq : m.equalities) ++counts[static_cast<std::size_t>(eq.type)];
  return fmt::format("equalities {}{}\n", m.equalities.size(),
                     m.equalities.empty()
                         ? ""
                         : fmt::format(": {} joint, {} weld, {} connect", counts[0], counts[1], counts[2]));
}

std::string option_text(const Model& m) {
  const auto& o = m.option;
  return fmt::format(
      "time step {} s, gravity {} {} {} m/s^2, integrator {}, {} cones, solver: at most {} iterations, "
      "tolerance {}\n",
      o.timestep, o.gravity.x, o.gravity.y, o.gravity.z,
      o.integrator == sim::Integrator::kEuler ? "Euler" : "implicitfast",
      o.cone == sim::Cone::kPyramidal ? "pyramidal" : "elliptic", o.iterations, o.tolerance);
}

// A model may load and yet ask for something that the simulator refuses to step.
std::string memory_text(const Model& m) try {
  const std::size_t lanes = bytes_per_environment(m, {});
  sim::BatchOptions options;
  options.precision = sim::Precision::kDouble;
  const std::size_t reference = bytes_per_environment(m, options);
  if (lanes == 0 || reference == 0) return "memory of an environment: unknown (another allocator)\n";
  return fmt::format("memory of an environment: {:.1f} KiB in float lanes, {:.1f} KiB alone in double\n",
                     static_cast<double>(lanes) / 1024, static_cast<double>(reference) / 1024);
} catch (const Error& e) {
  return fmt::format("cannot be stepped: {}\n", e.what());
}

std::string range_text(bool limited, const std::array<double, 2>& range) {
  return limited ? fmt::format("{:.4g} .. {:.4g}", range[0], range[1]) : "free";
}

std::string numbers_text(const double* values, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{}{:.4g}", i == 0 ? "" : " ", values[i]);
  return text;
}

// As many numbers as the joint has degrees of freedom.
std::string gear_text(const Model& m, const sim::Actuator<double>& a) {
  return numbers_text(a.gear.data(), sim::dof_count(m.joints[static_cast<std::size_t>(a.joint)].type));
}

// One number, or all three where the gain depends on length or velocity.
std::string gain_text(const sim::Actuator<double>& a) {
  return numbers_text(a.gain.data(), a.gain[1] != 0 || a.gain[2] != 0 ? 3 : 1);
}

std::string tables(const Model& m) {
  Table joints({"joint", "kind", "qpos", "dof", "range", "damping", "friction"});
  for (const auto& j : m.joints) {
    const auto& dof = m.dofs[static_cast<std::size_t>(j.dof)];
    joints.add_row({j.name, joint_kind(j.type), std::to_string(j.qpos), std::to_string(j.dof),
                    range_text(j.limited, j.range), fmt::format("{:.4g}", dof.damping),
                    fmt::format("{:.4g}", dof.frictionloss)});
  }
  std::string text = m.joints.empty() ? "" : "\n" + joints.text();
  if (m.actuators.empty()) return text;
  Table actuators({"actuator", "joint", "kind", "gain", "gear", "controls", "forces"});
  for (const auto& a : m.actuators)
    actuators.add_row({a.name, m.joints[static_cast<std::size_t>(a.joint)].name,
                       a.bias[1] != 0   ? "position"
                       : a.bias[2] != 0 ? "velocity"
                                        : "motor",
                       gain_text(a), gear_text(m, a), range_text(a.ctrl_limited, a.ctrl_range),
                       range_text(a.force_limited, a.force_range)});
  return text + "\n" + actuators.text();
}

}  // namespace

std::string describe_model(const std::string& path) {
  const auto start = std::chrono::steady_clock::now();
  const Model m = sim::mjcf::load(path);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::string text = fmt::format("model {} ({}), loaded in {:.3f} s\n",
                                 m.name.empty() ? "without a name" : m.name, path, seconds);
  std::set<int> trees;
  for (const auto& dof : m.dofs) trees.insert(dof.tree);
  text += fmt::format("nq {}, nv {}, nu {}; bodies {} (with the world), joints {}, kinematic trees {}\n",
                      m.nq, m.nv, m.nu, m.bodies.size(), m.joints.size(), trees.size());
  text += geoms_text(m) + equalities_text(m);
  text += fmt::format("actuators {}, sites {}, keyframes {}", m.actuators.size(), m.sites.size(),
                      m.keyframes.size());
  for (std::size_t i = 0; i < m.keyframes.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? ": " : ", ",
                        m.keyframes[i].name.empty() ? std::to_string(i) : m.keyframes[i].name);
  text += "\n" + option_text(m) + memory_text(m);
  return text + tables(m);
}

}  // namespace baton::cli
