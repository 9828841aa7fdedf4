#include "rl/policy/checkpoint.hpp"

#include <cmath>

#include "rl/data/hdf5_file.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/compare.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

RelayPolicy trained(const std::string& method, RobotFill fill = RobotFill::kTypical) {
  PolicySettings settings;
  settings.hidden = {5, 4};
  settings.robot_fill = fill;
  RelayPolicy policy =
      make_policy(test::point_mass_dataset(4, 30, 1), test::kPointMass, find_method(method), settings, 7);
  policy.config = "seed = 7  # \"quoted\"\n";
  policy.low.log_std()[0] = -1.2345678f;
  policy.tuples.low_window = 11, policy.tuples.bc_goal = EpisodeGoal::kTarget, policy.goal_noise = 0.3f;
  return policy;
}

void check_same(const GaussianPolicy& a, const GaussianPolicy& b) {
  CHECK(a.spec() == b.spec());
  CHECK(std::ranges::equal(a.theta(), b.theta()));
  CHECK(a.in().mean == b.in().mean);
  CHECK(a.in().std == b.in().std);
  CHECK(a.out().mean == b.out().mean);
  CHECK(a.out().std == b.out().std);
  CHECK(a.encoding().state_dim == b.encoding().state_dim);
  CHECK(a.encoding().robot_dim == b.encoding().robot_dim);
  CHECK(a.encoding().robot_fill == b.encoding().robot_fill);
  CHECK(a.encoding().relative_goal == b.encoding().relative_goal);
  CHECK(a.encoding().residual == b.encoding().residual);
  CHECK(a.encoding().typical_robot == b.encoding().typical_robot);
  CHECK(a.range().min == b.range().min);
  CHECK(a.range().max == b.range().max);
}

// All of a flat policy 2 -> 3 -> 1 but its arrays, as files were before there was layer norm.
void write_old_level(Hdf5File& file) {
  file.set_attribute("/", "format", std::string("baton-policy"));
  file.set_attribute("/", "version", std::vector<double>{1});
  file.set_attribute("/", "method", std::string("dapg-bc"));
  file.set_attribute("/", "env", std::string("x"));
  file.set_attribute("/", "config",
                     std::string("[policy]\nlow_window = 7\n[gone]\nkey = 1\n"
                                 "[imitate]\ngoal_noise = 0.25\nbc_goal = \"target\"\n"));
  file.set_attribute("/", "subgoal_every", std::vector<double>{30});
  file.make_group("low");
  const auto number = [&](const char* name, double value) {
    file.set_attribute("low", name, std::vector<double>{value});
  };
  number("in", 2);
  number("out", 1);
  number("state_dim", 1);
  number("robot_dim", 0);
  number("relative_goal", 0);
  number("residual", 0);
  file.set_attribute("low", "hidden", std::vector<double>{3});
  file.set_attribute("low", "activation", std::string("tanh"));
  file.set_attribute("low", "robot_fill", std::string("keep"));
  file.set_attribute("low", "log_std_range", std::vector<double>{-0.5, -2, 0.5});
  file.write<float>("low/typical_robot", std::vector<float>{}, {0});
}

// Saves a policy, lets `spoil` rewrite its file from scratch, returns load_policy's message.
std::string spoiled(const std::function<void(Hdf5File&)>& spoil) {
  const test::TemporaryFolder folder;
  Hdf5File file = Hdf5File::create(folder.file("policy.h5"));
  spoil(file);
  file.commit();
  const std::string message = error_of([&] { load_policy(folder.path); });
  CHECK(contains(message, folder.file("policy.h5")));
  return message;
}

}  // namespace

TEST_CASE("checkpoint: a policy comes back bit for bit, hierarchical and flat, with every kind of fill") {
  for (const RobotFill fill : {RobotFill::kKeep, RobotFill::kTypical, RobotFill::kZero, RobotFill::kMask}) {
    for (const std::string method : {"ril", "bc"}) {
      const test::TemporaryFolder folder;
      const RelayPolicy policy = trained(method, fill);
      save_policy(policy, folder.file("run"));
      const RelayPolicy back = load_policy(folder.file("run"));
      CHECK(back.method == method);
      CHECK(back.env == "point_mass");
      CHECK(back.config == policy.config);
      CHECK(back.subgoal_every == policy.subgoal_every);
      CHECK(back.base == method);
      CHECK(back.subgoal_end == policy.subgoal_end);
      CHECK(back.tuples.low_window == 11);
      CHECK(back.tuples.high_window == policy.tuples.high_window);
      CHECK(back.tuples.final_goal_fraction == policy.tuples.final_goal_fraction);
      CHECK(back.tuples.target_goal_fraction == policy.tuples.target_goal_fraction);
      CHECK(back.tuples.bc_goal == EpisodeGoal::kTarget);
      CHECK(back.goal_noise == 0.3f);
      CHECK(back.state_noise == 0);
      CHECK(base_method(folder.file("run")) == method);
      check_same(back.low, policy.low);
      REQUIRE(back.hierarchical() == policy.hierarchical());
      if (back.high) check_same(*back.high, *policy.high);
    }
  }
}

TEST_CASE("checkpoint: layer norm is saved, and a file from before it was loads without") {
  const test::TemporaryFolder folder;
  PolicySettings settings;
  settings.hidden = {5, 4};
  for (const bool layer_norm : {false, true}) {
    settings.layer_norm = layer_norm;
    const RelayPolicy policy =
        make_policy(test::point_mass_dataset(4, 30, 1), test::kPointMass, method::bc, settings, 7);
    save_policy(policy, folder.file("run"));
    check_same(load_policy(folder.file("run")).low, policy.low);
  }
  Hdf5File file = Hdf5File::create(folder.file("policy.h5"));
  write_old_level(file);
  for (const char* name : {"in_mean", "in_std"}) {
    file.write<float>(std::string("low/") + name, std::vector<float>{1, 2}, {2});
  }
  for (const char* name : {"out_mean", "out_std"}) {
    file.write<float>(std::string("low/") + name, std::vector<float>{1}, {1});
  }
  const std::vector<float> theta{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, -1};  // 2 -> 3 -> 1, log_std
  file.write<float>("low/theta", theta, {theta.size()});
  file.commit();
  const RelayPolicy old = load_policy(folder.path);
  CHECK(old.base == "bc");
  CHECK(old.tuples.low_window == 7);
  CHECK(old.tuples.high_window == TupleSettings().high_window);
  CHECK(old.tuples.bc_goal == EpisodeGoal::kTarget);
  CHECK(old.goal_noise == 0.25f);
  CHECK(!old.low.spec().layer_norm);
  CHECK(std::ranges::equal(old.low.theta(), theta));
}

TEST_CASE("checkpoint: saving twice gives the same bytes and no other file") {
  const test::TemporaryFolder folder;
  save_policy(trained("ril"), folder.path);
  const std::string first = read_text(folder.file("policy.h5"));
  save_policy(trained("ril"), folder.path);
  CHECK(read_text(folder.file("policy.h5")) == first);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 1);
}

TEST_CASE("checkpoint: missing, foreign, truncated and misfitting files are refused by name") {
  const test::TemporaryFolder folder;
  CHECK(contains(error_of([&] { load_policy(folder.file("none")); }), "none/policy.h5: no such file"));
  CHECK(contains(spoiled([](Hdf5File& file) { file.make_group("low"); }), "not a policy of baton"));
  CHECK(contains(spoiled([](Hdf5File& file) {
                   file.set_attribute("/", "format", std::string("baton-policy"));
                   file.set_attribute("/", "version", std::vector<double>{9});
                 }),
                 "version 9, this program reads versions 1 and 2"));
  save_policy(trained("ril"), folder.path);
  const std::string whole = read_text(folder.file("policy.h5"));
  int refused = 0, cuts = 0;
  for (std::size_t size = 200; size < whole.size(); size += whole.size() / 11, ++cuts) {
    write_text_atomic(folder.file("policy.h5"), whole.substr(0, size));
    refused += !error_of([&] { load_policy(folder.path); }).empty();
  }
  CHECK(refused == cuts);
}

TEST_CASE("checkpoint: arrays of another shape or with NaN say which array and which shape is right") {
  CHECK(contains(spoiled([&](Hdf5File& file) {
                   write_old_level(file);
                   file.write<float>("low/in_mean", std::vector<float>{1, 2, 3}, {3});
                 }),
                 "low/in_mean has shape (3), (2) is expected"));
  CHECK(contains(spoiled([&](Hdf5File& file) {
                   write_old_level(file);
                   file.write<float>("low/in_mean", std::vector<float>{1, NAN}, {2});
                 }),
                 "low/in_mean[1] is nan"));
  CHECK(contains(spoiled(write_old_level), "no array low/in_mean"));
}
