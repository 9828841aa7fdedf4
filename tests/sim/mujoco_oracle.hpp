#pragma once
// MuJoCo as the oracle of the simulator's tests. Tests that need it are written
//
//   TEST_CASE("...") {
//     BATON_NEED_MUJOCO();
//   #ifdef BATON_HAVE_MUJOCO
//     Oracle o = Oracle::from_text(xml);   // our Model<double>, MuJoCo's mjModel and mjData, from the same text
//     Data<double> d(o.model);
//     o.random_state(seed, d);             // the same state in both
//     mj_forward(o.m, o.d);
//   #endif
//   }
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "envs/sim/data.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "tests/support/compare.hpp"

#ifdef BATON_HAVE_MUJOCO
#include <mujoco/mujoco.h>
#define BATON_NEED_MUJOCO() static_cast<void>(0)
#else
#define BATON_NEED_MUJOCO() MESSAGE("skipped: built without MuJoCo (meson option mujoco)")
#endif

namespace baton::test {

inline std::string model_path(const std::string& name) { return std::string(BATON_SIM_MODELS) + "/" + name; }
inline std::string source_path(const std::string& name) {
  return std::string(BATON_SOURCE_ROOT) + "/" + name;
}

// Every model of tests/sim/models, in order of name. New ones are compared with MuJoCo by being there.
inline std::vector<std::string> model_files() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(BATON_SIM_MODELS))
    if (entry.path().extension() == ".xml") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// The original kitchen with its meshes, in ../shared/franka_kitchen or the folder that BATON_FRANKA_KITCHEN names; ""
// and a message where it is not there.
inline std::string franka_kitchen() {
  const char* given = std::getenv("BATON_FRANKA_KITCHEN");
  const std::string folders[] = {given != nullptr ? given : source_path("../shared/franka_kitchen"),
                                 source_path("../../shared/franka_kitchen")};
  for (const std::string& folder : folders) {
    const std::string path = folder + "/kitchen_assets/kitchen_env_model.xml";
    if (std::ifstream(path).good()) return path;
  }
  MESSAGE("skipped: no ../shared/franka_kitchen (BATON_FRANKA_KITCHEN may name its folder)");
  return "";
}

inline std::string read_text(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), "cannot read " << path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Draws a state inside what the joints allow: positions uniform in the range of limited joints (else
// qpos0 +- spread), free bodies near qpos0 with any rotation, velocities +- speed, controls in their range.
inline void draw_state(const sim::Model<double>& model, unsigned seed, sim::Data<double>& data,
                       double spread = 1.0, double speed = 1.0) {
  std::mt19937 gen(seed);
  std::uniform_real_distribution<double> unit(-1.0, 1.0);
  std::normal_distribution<double> normal;
  for (const auto& j : model.joints) {
    const auto q = static_cast<std::size_t>(j.qpos);
    const bool free = j.type == sim::JointType::kFree;
    if (free || j.type == sim::JointType::kBall) {
      const std::size_t r = q + (free ? 3 : 0);
      for (std::size_t i = q; i < r; ++i) data.qpos[i] = model.qpos0[i] + spread * unit(gen);
      double n = 0;
      for (std::size_t i = r; i < r + 4; ++i) data.qpos[i] = normal(gen), n += data.qpos[i] * data.qpos[i];
      for (std::size_t i = r; i < r + 4; ++i) data.qpos[i] /= std::sqrt(n);
    } else if (j.limited) {
      data.qpos[q] = 0.5 * (j.range[0] + j.range[1]) + 0.5 * unit(gen) * (j.range[1] - j.range[0]);
    } else {
      data.qpos[q] = model.qpos0[q] + spread * unit(gen);
    }
  }
  for (double& v : data.qvel) v = speed * unit(gen);
  for (std::size_t i = 0; i < data.ctrl.size(); ++i) {
    const auto& a = model.actuators[i];
    const double u = unit(gen);
    data.ctrl[i] = a.ctrl_limited
                       ? 0.5 * (a.ctrl_range[0] + a.ctrl_range[1] + u * (a.ctrl_range[1] - a.ctrl_range[0]))
                       : u;
  }
  for (double& p : data.mocap_pos) p += 0.1 * spread * unit(gen);
  for (double& q : data.mocap_quat) q += 0.1 * unit(gen);
}

#ifdef BATON_HAVE_MUJOCO

struct MujocoDelete {
  void operator()(mjModel* m) const { mj_deleteModel(m); }
  void operator()(mjData* d) const { mj_deleteData(d); }
};

class Oracle {
 public:
  static Oracle from_file(const std::string& path) {
    char error[1024] = "";
    return Oracle(sim::mjcf::load(path), mj_loadXML(path.c_str(), nullptr, error, sizeof error), error);
  }

  static Oracle from_text(const std::string& xml) {
    char error[1024] = "";
    mjVFS vfs;
    mj_defaultVFS(&vfs);
    mj_addBufferVFS(&vfs, "model.xml", xml.data(), static_cast<int>(xml.size()));
    mjModel* m = mj_loadXML("model.xml", &vfs, error, sizeof error);
    mj_deleteVFS(&vfs);
    return Oracle(sim::mjcf::parse(xml, "model.xml"), m, error);
  }

  // draw_state() into both.
  void random_state(unsigned seed, sim::Data<double>& data, double spread = 1.0, double speed = 1.0) {
    draw_state(model, seed, data, spread, speed);
    copy_state(data);
  }

  // Our state, controls and mocap poses into MuJoCo's data.
  void copy_state(const sim::Data<double>& data) {
    std::copy(data.qpos.begin(), data.qpos.end(), d->qpos);
    std::copy(data.qvel.begin(), data.qvel.end(), d->qvel);
    std::copy(data.ctrl.begin(), data.ctrl.end(), d->ctrl);
    std::copy(data.mocap_pos.begin(), data.mocap_pos.end(), d->mocap_pos);
    std::copy(data.mocap_quat.begin(), data.mocap_quat.end(), d->mocap_quat);
    std::copy(data.qacc_warmstart.begin(), data.qacc_warmstart.end(), d->qacc_warmstart);
  }

  sim::Model<double> model;  // ours

 private:
  Oracle(sim::Model<double> ours, mjModel* theirs, const char* error)
      : model(std::move(ours)), model_owner_(theirs), m(theirs) {
    REQUIRE_MESSAGE(theirs != nullptr, "MuJoCo: " << error);
    data_owner_.reset(mj_makeData(theirs));
    d = data_owner_.get();
    REQUIRE(m->nq == model.nq);
    REQUIRE(m->nv == model.nv);
    REQUIRE(m->nu == model.nu);
    REQUIRE(static_cast<std::size_t>(m->nbody) == model.bodies.size());
    REQUIRE(static_cast<std::size_t>(m->ngeom) == model.geoms.size());
  }

  std::unique_ptr<mjModel, MujocoDelete> model_owner_;
  std::unique_ptr<mjData, MujocoDelete> data_owner_;

 public:
  mjModel* m = nullptr;  // MuJoCo's
  mjData* d = nullptr;
};

#endif  // BATON_HAVE_MUJOCO

}  // namespace baton::test
