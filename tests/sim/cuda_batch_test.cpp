// Environments on a device against those of Precision::kFloat: one text, so on the emulated device the same bytes. On a
// real one multiply and add contract: there the first steps are compared, within rounding.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <span>

#include "envs/sim/batch.hpp"
#include "envs/sim/cuda/arrays.hpp"
#include "envs/sim/cuda/image.hpp"
#include "envs/sim/cuda/tile.hpp"
#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"
#include "tests/sim/mujoco_oracle.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

#ifdef BATON_CUDA_EMULATION
constexpr int kSteps = 200;
constexpr double kTolerance = 0;
#else
constexpr int kSteps = 5;
constexpr double kTolerance =
    1e-3;  // of 1 + |value|: 5 steps of float, magnified by contacts that are made or not
#endif

using test::model_path;

Batch make(const Model<double>& model, int n, bool device) {
  BatchOptions options;
  options.precision = Precision::kFloat;
  if (device) options.whole_batch = sim::cuda::make_tile;
  return Batch(model, n, options);
}

constexpr std::array kFields{Field::kQpos, Field::kQvel, Field::kWarmstart};

std::vector<double> read(const Batch& batch, Field field, int env) {
  std::vector<double> values(static_cast<std::size_t>(field == Field::kQpos ? batch.nq() : batch.nv()));
  batch.get(field, env, values);
  return values;
}

void check_same(const Batch& device, const Batch& host, int step) {
  for (int env = 0; env < host.size(); ++env)
    for (const Field field : kFields) {
      const std::vector<double> got = read(device, field, env), want = read(host, field, env);
      std::size_t worst = 0;
      double error = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        const double e = std::fabs(got[i] - want[i]) / (1 + std::fabs(want[i]));
        if (!(e <= error)) error = std::isnan(e) ? std::numeric_limits<double>::infinity() : e, worst = i;
      }
      CHECK_MESSAGE(error <= kTolerance, host.model().file, ": step ", step, ", environment ", env,
                    ", field ", static_cast<int>(field), ", element ", worst, ": ", got[worst], " and not ",
                    want[worst]);
    }
}

// Random velocities and controls, of environment `env` alone.
void start(Batch& batch, int env) {
  const auto& m = batch.model();
  std::mt19937 gen(static_cast<unsigned>(env) + 7);
  std::uniform_real_distribution<double> unit(-1, 1);
  std::vector<double> q(m.qpos0.begin(), m.qpos0.end()), v(static_cast<std::size_t>(m.nv)),
      c(static_cast<std::size_t>(m.nu));
  if (!m.keyframes.empty()) q = m.keyframes[0].qpos;
  for (double& x : v) x = 0.5 * unit(gen);
  for (double& x : c) x = unit(gen);
  batch.reset(env, q, v);
  batch.set_ctrl(env, c);
}

// Returns the processor's counts.
BatchCounts compare(const Model<double>& model, int environments, int steps) {
  Batch device = make(model, environments, true), host = make(model, environments, false);
  CHECK(device.isa() == "cuda");
  for (int env = 0; env < environments; ++env) start(device, env), start(host, env);
  for (int k = 0; k < steps; k += 5) {
    device.step(5), host.step(5);
    check_same(device, host, k + 5);
  }
  const BatchCounts d = device.counts(), h = host.counts();
  CHECK(d.steps == h.steps);
  if (kTolerance > 0) return h;
  CHECK(d.contacts == h.contacts);
  CHECK(d.iterations == h.iterations);
  CHECK(d.line_search == h.line_search);
  CHECK(d.diverged == h.diverged);
  CHECK(d.dropped == h.dropped);
  for (int env = 0; env < environments; ++env) {
    CHECK(device.contacts(env) == host.contacts(env));
    for (std::size_t s = 0; s < model.sites.size(); ++s)
      CHECK(device.site_position(env, static_cast<int>(s)) == host.site_position(env, static_cast<int>(s)));
  }
  return h;
}

}  // namespace

TEST_CASE("cuda: environments of every kind of joint, constraint and collider step as on the processor") {
  for (const char* name :
       {"chain.xml",     "tree.xml",         "balls.xml",     "arm.xml",        "cart.xml",    "servos.xml",
        "forces.xml",    "implicitfast.xml", "couplings.xml", "equality.xml",   "condims.xml", "elliptic.xml",
        "cylinders.xml", "stack.xml",        "walker.xml",    "gripper.xml",    "rover.xml",   "latch.xml",
        "softness.xml",  "inertials.xml",    "contacts.xml",  "primitives.xml", "zoo.xml"}) {
    CAPTURE(name);
    compare(mjcf::load(model_path(name)), 3, kSteps);
  }
}

TEST_CASE("cuda: the kitchen steps as on the processor") {
  compare(mjcf::load(BATON_SOURCE_ROOT "/envs/kitchen/kitchen.xml"), 2, kSteps);
}

TEST_CASE("cuda: meshes and ellipsoids step as on the processor, with every other kind of geom") {
  const BatchCounts counts = compare(mjcf::load(model_path("assets/heap.xml")), 3, kSteps);
  CHECK(counts.contacts > 8 * counts.steps);
}

TEST_CASE("cuda: the original kitchen steps as on the processor") {
  if (const std::string path = test::franka_kitchen(); !path.empty()) compare(mjcf::load(path), 2, kSteps);
}

TEST_CASE("cuda: a batch larger than a block, steps at once or one by one, state set in between") {
  const Model<double> model = mjcf::load(model_path("condims.xml"));
  Batch at_once = make(model, 67, true), by_one = make(model, 67, true);
  for (int env = 0; env < 67; ++env) start(at_once, env), start(by_one, env);
  at_once.step(20);
  for (int k = 0; k < 20; ++k) by_one.step();
  for (int env : {0, 31, 63, 64, 66}) {
    const std::vector<double> before = read(by_one, Field::kQpos, env);
    CHECK(read(at_once, Field::kQpos, env) == before);
    start(by_one, env);
    CHECK(read(by_one, Field::kQpos, env) != before);
  }
  CHECK(read(by_one, Field::kQpos, 5) == read(at_once, Field::kQpos, 5));
}

TEST_CASE("cuda: an environment that diverged is put back alone and counted") {
  const Model<double> model = mjcf::load(model_path("arm.xml"));
  Batch device = make(model, 3, true), host = make(model, 3, false);
  for (Batch* batch : {&device, &host}) {
    for (int env = 0; env < 3; ++env) start(*batch, env);
    std::vector<double> v(static_cast<std::size_t>(model.nv), std::numeric_limits<double>::quiet_NaN());
    batch->set_qvel(1, v);
    batch->step(10);
  }
  CHECK(device.diverged(0) == 0);
  CHECK(device.diverged(1) == 1);
  CHECK(device.diverged(2) == 0);
  check_same(device, host, 10);
}

TEST_CASE("cuda: contacts beyond the room are dropped and counted") {
  std::string text = "<mujoco><worldbody><geom type='plane' size='9 9 1'/><body pos='0 0 0.05'><freejoint/>";
  constexpr int kSpheres = sim::cuda::kContactRoom + 13;
  for (int i = 0; i < kSpheres; ++i)
    text += "<geom size='0.06' pos='" + std::to_string(0.13 * (i % 12)) + " " +
            std::to_string(0.13 * (i / 12)) + " 0'/>";
  Batch device = make(mjcf::parse(text + "</body></worldbody></mujoco>", "raft"), 1, true);
  device.step(2);
  CHECK(device.contacts(0) == sim::cuda::kContactRoom);
  CHECK(device.counts().dropped == 2 * 13);
  CHECK(device.diverged(0) == 0);
}

// Two objects of one model, alive at the same time, have no array at the same place: their images are the same only if
// every array's address was put right.
TEST_CASE("cuda: every array of an environment is in its image") {
  const Model<float> model = to_float(mjcf::load(model_path("assets/heap.xml")));
  using D = Data<float>;
  std::vector<std::vector<std::uint64_t>> words;
  std::vector<std::vector<std::byte>> storage(2,
                                              std::vector<std::byte>(sizeof(D)));  // zeros where members pad
  for (auto& bytes : storage) {
    D* d = new (bytes.data()) D(model);
    sim::cuda::prepare(model, *d);
    CHECK(d->convex_work.size() == 1);
    sim::cuda::ImageWriter writer(*d, sim::cuda::words_of(*d), 4096);
    const auto append = [&](const auto& array) { writer.append(array); };
    sim::cuda::for_each_table(*d, append);
    sim::cuda::for_each_own_array(*d, append);
    auto image = std::move(writer).take();
    image.words.resize(sizeof(D) / sizeof(std::uint64_t));
    words.push_back(std::move(image.words));
  }
  for (std::size_t i = 0; i < words[0].size(); ++i)
    CHECK_MESSAGE(words[0][i] == words[1][i], "word ", i, " of Data<float>");
  for (auto& bytes : storage) reinterpret_cast<D*>(bytes.data())->~D();
}

// The same of two copies of a model. A mesh begins with its name, which a device does not read.
TEST_CASE("cuda: every array of a model's meshes is in its image, after the mesh") {
  using M = Mesh<float>;
  constexpr std::uint64_t kBase = 4096, kWord = sizeof(std::uint64_t);
  const Model<float> model = to_float(mjcf::load(model_path("assets/heap.xml"))), copy = model;
  REQUIRE(model.meshes.size() == 5);
  REQUIRE(reinterpret_cast<std::uintptr_t>(&model.meshes[0].hull) ==
          reinterpret_cast<std::uintptr_t>(&model.meshes[0]) + sizeof(std::string));
  std::vector<std::vector<std::uint64_t>> words;
  for (const Model<float>* m : {&model, &copy}) {
    sim::cuda::ImageWriter writer(*m, sim::cuda::words_of(*m), kBase);
    sim::cuda::for_each_array(*m, [&](const auto& array) { writer.append(array); });
    words.push_back(std::move(writer).take().words);
  }
  const std::size_t meshes =
      (reinterpret_cast<std::uintptr_t>(&model.meshes) - reinterpret_cast<std::uintptr_t>(&model)) / kWord;
  const std::size_t first = (words[0][meshes] - kBase) / kWord;
  for (std::size_t k = 0; k < model.meshes.size(); ++k)
    for (std::size_t i = sizeof(std::string) / kWord; i < sizeof(M) / kWord; ++i) {
      const std::size_t at = first + k * sizeof(M) / kWord + i;
      CHECK_MESSAGE(words[0][at] == words[1][at], "mesh ", k, ", word ", i, " of Mesh<float>");
    }
  const std::size_t hull = (words[0][first + sizeof(std::string) / kWord] - kBase) / kWord;
  const Vec3<float>& corner = model.meshes[0].hull[0];
  CHECK(std::memcmp(&words[0][hull], &corner, sizeof(corner)) == 0);
}

TEST_CASE("cuda: an array that is in no object of the image is refused") {
  const std::vector<int> stray{1, 2};
  const Model<float> model;
  sim::cuda::ImageWriter writer(model, sim::cuda::words_of(model), 0);
  CHECK_THROWS_WITH_AS(writer.append(stray), "cuda: an array that is in no object of the image", Error);
}
