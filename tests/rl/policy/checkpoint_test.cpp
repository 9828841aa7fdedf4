#include "rl/policy/checkpoint.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "rl/data/hdf5_file.hpp"
#include "rl/methods/method.hpp"
#include "rl/policy/safetensors.hpp"
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
  CHECK(a.head() == b.head());
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

// load_policy's message about a policy.h5 that `spoil` writes.
std::string spoiled_h5(const std::function<void(Hdf5File&)>& spoil) {
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
      CHECK(open_policy(policy_file(folder.file("run"))).base == method);
      check_same(back.low, policy.low);
      REQUIRE(back.hierarchical() == policy.hierarchical());
      if (back.high) check_same(*back.high, *policy.high);
    }
  }
}

TEST_CASE(
    "checkpoint: every head comes back; a file without the field has the Gaussian one; misfits are refused") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("policy.safetensors");
  PolicySettings settings;
  settings.hidden = {5, 4};
  settings.components = 3;
  using Json = nlohmann::ordered_json;
  // load_policy's message, or none, about the saved policy with other fields of its low level.
  const auto changed = [&](const std::function<void(Json&)>& change) {
    TensorFile stored = read_safetensors(read_text(file), file, Digest::kDemanded);
    auto& text =
        std::ranges::find(stored.metadata, "policy", &std::pair<std::string, std::string>::first)->second;
    Json policy = Json::parse(text);
    change(policy["low"]);
    text = policy.dump();
    write_text_atomic(file, write_safetensors(stored));
  };
  const auto refused = [&](const RelayPolicy& policy, const char* key, const Json& value,
                           const std::string& expected) {
    save_policy(policy, folder.path);
    changed([&](Json& low) { low[key] = value; });
    const std::string message = error_of([&] { load_policy(folder.path); });
    CHECK_MESSAGE(contains(message, expected), message);
    CHECK(contains(message, file));
  };
  for (const HeadKind head : {HeadKind::kGaussian, HeadKind::kTwoPass, HeadKind::kMixture}) {
    settings.head = head;
    for (const Method* method : {&method::ril, &method::bc}) {
      const RelayPolicy policy =
          make_policy(test::point_mass_dataset(4, 30, 1), test::kPointMass, *method, settings, 7);
      CHECK(policy.low.head().kind == head);
      save_policy(policy, folder.path);
      const RelayPolicy back = load_policy(folder.path);
      check_same(back.low, policy.low);
      if (policy.high) CHECK(back.high->head() == Head{});
      if (head == HeadKind::kGaussian) {
        changed([](Json& low) { low.erase("head"), low.erase("components"); });
        check_same(load_policy(folder.path).low, policy.low);
      }
      if (head == HeadKind::kMixture) {
        refused(policy, "components", 4, "low.layers.2.weight has shape (9, 4), (12, 4) is expected");
        refused(policy, "components", 65, "components is 65, an integer in 1..64");
        refused(policy, "head", "gaussian", "a gaussian head of 3 components");
      }
      if (head != HeadKind::kTwoPass) continue;
      refused(policy, "head", "gaussian", "low.layers.0.weight has shape (5, 9), (5, 6) is expected");
      refused(policy, "head", std::string(1000, 'x'), "one of gaussian, two_pass, mixture is expected");
      refused(policy, "components", 2, "a two_pass head of 2 components");
    }
  }
}

TEST_CASE("checkpoint: layer norm is saved; policy.h5 of earlier versions is read where it is there alone") {
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
  // W [in][out] of theta is stored as [out][in].
  save_policy(old, folder.path);
  const TensorFile stored =
      read_safetensors(read_text(folder.file("policy.safetensors")), "stored", Digest::kDemanded);
  CHECK(stored.tensor("low.layers.0.weight", "").shape == std::vector<std::int64_t>{3, 2});
  CHECK(stored.tensor("low.layers.0.weight", "").values == std::vector<float>{1, 4, 2, 5, 3, 6});
  CHECK(stored.tensor("low.layers.0.bias", "").values == std::vector<float>{7, 8, 9});
  CHECK(stored.tensor("low.layers.1.weight", "").values == std::vector<float>{10, 11, 12});
  CHECK(stored.tensor("low.log_std", "").values == std::vector<float>{-1});
  CHECK(policy_file(folder.path) == folder.file("policy.safetensors"));
}

TEST_CASE("checkpoint: saving twice gives the same bytes and no other file") {
  const test::TemporaryFolder folder;
  save_policy(trained("ril"), folder.path);
  const std::string first = read_text(folder.file("policy.safetensors"));
  save_policy(trained("ril"), folder.path);
  CHECK(read_text(folder.file("policy.safetensors")) == first);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 1);
}

TEST_CASE("checkpoint: missing, foreign and truncated files are refused by name") {
  const test::TemporaryFolder folder;
  CHECK(
      contains(error_of([&] { load_policy(folder.file("none")); }), "none/policy.safetensors: no such file"));
  CHECK(contains(spoiled_h5([](Hdf5File& file) { file.make_group("low"); }), "not a policy of baton"));
  CHECK(contains(spoiled_h5([](Hdf5File& file) {
                   write_old_level(file);
                   file.write<float>("low/in_mean", std::vector<float>{1, 2, 3}, {3});
                 }),
                 "low/in_mean has shape (3), (2) is expected"));
  CHECK(contains(spoiled_h5(write_old_level), "no array low/in_mean"));
  save_policy(trained("ril"), folder.path);
  const std::string whole = read_text(folder.file("policy.safetensors"));
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 97) {
    write_text_atomic(folder.file("policy.safetensors"), whole.substr(0, size));
    CHECK_FALSE(error_of([&] { load_policy(folder.path); }).empty());
  }
}

TEST_CASE("checkpoint: every changed byte is refused") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("policy.safetensors");
  save_policy(trained("ril"), folder.path);
  const std::string whole = read_text(file);
  int changes = 0;
  for (std::size_t i = 0; i<whole.size(); i += whole.size()> 4000 ? 1 + whole.size() / 4000 : 1) {
    for (const int change : {1, 0x20, 0x80}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      CHECK_THROWS_AS(read_safetensors(damaged, file, Digest::kDemanded), Error);
      ++changes;
    }
  }
  CHECK(changes >= 3 * 2000);
}

TEST_CASE("checkpoint: whoever writes a right digest over wrong fields is refused, field by field") {
  // Each change makes a file that is whole by itself.
  const test::TemporaryFolder folder;
  const std::string file = folder.file("policy.safetensors");
  save_policy(trained("ril"), folder.path);
  const TensorFile good = read_safetensors(read_text(file), file, Digest::kDemanded);
  using Json = nlohmann::ordered_json;
  const auto refused = [&](const std::function<void(TensorFile&, Json&)>& spoil,
                           const std::string& expected) {
    CAPTURE(expected);
    TensorFile bad = good;
    auto& text =
        std::ranges::find(bad.metadata, "policy", &std::pair<std::string, std::string>::first)->second;
    Json policy = Json::parse(text);
    spoil(bad, policy);
    text = policy.dump();
    write_text_atomic(file, write_safetensors(bad));
    const std::string message = error_of([&] { load_policy(folder.path); });
    CHECK_MESSAGE(contains(message, expected), message);
    CHECK(contains(message, file));
    CHECK(message.size() < 400);
  };
  const auto tensor = [](TensorFile& f, const std::string& name) -> NamedTensor& {
    return *std::ranges::find(f.tensors, name, &NamedTensor::name);
  };
  const auto meta = [](TensorFile& f, const std::string& key) -> std::string& {
    return std::ranges::find(f.metadata, key, &std::pair<std::string, std::string>::first)->second;
  };
  refused([&](TensorFile& f, Json&) { meta(f, "format") = "other"; }, "not a policy of baton");
  refused([&](TensorFile& f, Json&) { meta(f, "version") = "99"; }, "version 99");
  refused([&](TensorFile& f, Json&) { meta(f, "base") = "gcbc"; },
          "method gcbc with two levels: one is expected");
  refused([&](TensorFile& f, Json&) { meta(f, "base") = "nearest"; }, "no level is expected");
  refused([&](TensorFile&, Json& p) { p.erase("high"); }, "method ril with one level: two is expected");
  refused([&](TensorFile&, Json& p) { p["low"]["in"] = 1e9; }, "in is 1000000000.0, an integer in 1..65536");
  refused([&](TensorFile&, Json& p) { p["low"]["hidden"] = {5, -4}; }, "hidden is -4");
  refused([&](TensorFile&, Json& p) { p["low"]["hidden"] = {5, 5}; }, "has shape (4, 5), (5, 5) is expected");
  refused([&](TensorFile&, Json& p) { p["low"]["state_dim"] = 2; }, "policy: input is 6 wide");
  refused([&](TensorFile&, Json& p) { p["low"]["robot_fill"] = std::string(1000, 'x'); },
          "robot_fill is 'xxx");
  refused([&](TensorFile&, Json& p) { p["high"]["residual"] = 1; }, "residual is neither true nor false");
  refused([&](TensorFile&, Json& p) { p["subgoal_every"] = 0; }, "subgoal_every is 0");
  refused([&](TensorFile&, Json& p) { p["tuples"]["low_window"] = "many"; }, "low_window is");
  refused([&](TensorFile&, Json& p) { p["goal_noise"] = -1; }, "goal_noise is -1");
  refused(
      [&](TensorFile&, Json& p) {
        p["low"]["log_std_range"] = {0, 1};
      },
      "log_std_range is not three numbers");
  refused([&](TensorFile&, Json& p) { p = Json(); }, "not a JSON object");
  refused([&](TensorFile& f, Json&) { tensor(f, "low.layers.0.weight").values[3] = NAN; }, "number 3 is nan");
  refused([&](TensorFile& f, Json&) { tensor(f, "low.input.mean").values[1] = INFINITY; },
          "low.input.mean[1] is inf");
  refused([&](TensorFile& f, Json&) { tensor(f, "low.input.std").values[1] = 0; }, "input");
  refused([&](TensorFile& f, Json&) { tensor(f, "high.log_std").name = "high.other"; },
          "no tensor high.log_std");
}
