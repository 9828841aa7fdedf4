#include "rl/run/config.hpp"

#include <filesystem>

#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

namespace {

std::string usage_error(const std::string& preset, const std::vector<std::string>& overrides) {
  try {
    load_config(preset, overrides);
  } catch (const UsageError& error) {
    return error.what();
  }
  FAIL_CHECK("no UsageError");
  return "";
}

}  // namespace

TEST_CASE("config: every preset loads, and names itself") {
  for (const std::string& name : preset_names()) {
    CAPTURE(name);
    CHECK(load_config(name, {}).preset == name);
  }
}

TEST_CASE("config: overrides of every type are taken") {
  const Config config =
      load_config("quick", {"imitate.updates=7", "imitate.lr=1e-4", "policy.high_residual=false",
                            "policy.hidden=[32]", "imitate.loss=mse", "imitate.schedule=\"linear\"", "seed=9",
                            "imitate.clip_norm=1", "imitate.optimizer=sgd", "distill.optimizer=adam",
                            "imitate.nesterov=true", "policy.layer_norm=true"});
  CHECK(config.imitate.updates == 7);
  CHECK(config.imitate.lr == 1e-4f);
  CHECK_FALSE(config.policy.high_residual);
  CHECK(config.policy.hidden == std::vector<int>{32});
  CHECK(config.imitate.loss == PolicyLoss::kSquaredError);
  CHECK(config.imitate.schedule == ag::Schedule::kLinear);
  CHECK(config.seed == 9);
  CHECK(config.imitate.clip_norm == 1.0f);
  CHECK(config.imitate.optimizer == ag::Algorithm::kSgd);
  CHECK(config.distill.imitation.optimizer == ag::Algorithm::kAdam);
  CHECK(config.imitate.nesterov);
  CHECK(config.policy.layer_norm);
  CHECK(contains(to_toml(config), "layer_norm = true"));
}

TEST_CASE("config: names of before are read as today's, from texts and overrides") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("old.toml");
  write_text_atomic(path, "env = \"point_goal\"\nnoise_ratio = 0.1\n[collect]\nstart_spread = 0.2\n");
  const Config old = load_config(path, {});
  CHECK(old.env.name == "point_goal");
  CHECK(old.env.noise_ratio == 0.1f);
  CHECK(old.env.start_spread == 0.2f);
  CHECK(contains(to_toml(old), "[env]\nname = \"point_goal\""));
  CHECK(load_config(path, {"env=kitchen", "noise_ratio=0.3"}).env.name == "kitchen");
  require_read_by("imitate", std::vector<std::string>{"env.name"}, {"env=kitchen"});
  CHECK(contains(
      error_of([] { require_read_by("imitate", std::vector<std::string>{"env.name"}, {"noise_ratio=1"}); }),
      "imitate does not read env.noise_ratio"));
}

TEST_CASE("config: a policy's environment holds unless another is given; a model that is gone is named") {
  const test::TemporaryFolder folder;
  const std::string model = folder.file("m.xml"), other = folder.file("o.xml");
  write_text_atomic(model, "<mujoco/>");
  write_text_atomic(other, "<mujoco/>");
  Config config;
  config.env.model = model;
  const std::string toml = to_toml(config);
  CHECK(environment_of("kitchen", toml, {.name = ""}).model == model);
  CHECK(environment_of("kitchen", toml, {.name = ""}).name == "kitchen");
  CHECK(environment_of("kitchen", toml, {.name = "", .model = other}).model == other);
  CHECK(environment_of("kitchen", toml, {.name = "", .model = "own"}).model == "own");
  CHECK(environment_of("kitchen", toml, {.name = "point_goal"}).model.empty());
  CHECK(environment_of("kitchen", "", {.name = ""}).model.empty());
  CHECK(environment_of("", "", {.name = ""}).name == "kitchen");
  CHECK(training_seed(toml) == 1);
  CHECK_FALSE(training_seed("").has_value());
  std::filesystem::remove(model);
  CHECK(contains(error_of([&] { environment_of("kitchen", toml, {.name = ""}); }), "m.xml: no such file"));
}

TEST_CASE("config: what is written back loads to the same settings") {
  const test::TemporaryFolder folder;
  const Config config = load_config("full", {"imitate.lr=0.000123", "collect.goals=a \"b\" \\ c",
                                             "policy.hidden=[3, 4]", "policy.std_floor=1e-5"});
  const std::string text = to_toml(config);
  write_text_atomic(folder.file("config.toml"), text);
  CHECK(to_toml(load_config(folder.file("config.toml"), {})) == text);
}

TEST_CASE("config: a policy's own settings are found in the text that it carries") {
  const Config made = load_config("full", {"policy.hidden=[3, 4]", "policy.low_window=7", "imitate.lr=0.5"});
  const Config given = load_config("quick", {});
  const PolicySettings own = policy_settings(to_toml(made), given.policy);
  CHECK(own.hidden == std::vector<int>{3, 4});
  CHECK(own.low_window == 7);
  CHECK(policy_settings("", given.policy).hidden == given.policy.hidden);
  CHECK(policy_settings("[gone]\nno_such = 1\n[policy]\nlow_window = 9\n", given.policy).low_window == 9);
  CHECK_THROWS_AS(policy_settings("[policy]\nno_such = 1\n", given.policy), UsageError);
}

TEST_CASE("config: an unknown key names the nearest one, with and without its section") {
  CHECK(contains(usage_error("quick", {"imitate.updatse=7"}), "did you mean 'imitate.updates'?"));
  CHECK(contains(usage_error("quick", {"holdout=0.1"}), "did you mean 'imitate.holdout'?"));
  CHECK(contains(usage_error("fulll", {}), "did you mean 'full'?"));
}

TEST_CASE("config: wrong types, values out of range and broken assignments are refused") {
  CHECK(contains(usage_error("quick", {"imitate.updates=fast"}), "'fast' is not a value"));
  CHECK(contains(usage_error("quick", {"imitate.updates=1.5"}), "must be an integer"));
  CHECK(contains(usage_error("quick", {"imitate.updates=0"}), "at least 1"));
  CHECK(contains(usage_error("quick", {"imitate.updates=99999999999"}), "at most"));
  CHECK(contains(usage_error("quick", {"imitate.lr=nan"}), "a finite number"));
  CHECK(contains(usage_error("quick", {"imitate.lr=\"0.1\""}), "must be a number"));
  CHECK(contains(usage_error("quick", {"policy.high_residual=1"}), "true or false"));
  CHECK(contains(usage_error("quick", {"policy.hidden=[1, \"a\"]"}), "must be an integer"));
  CHECK(contains(usage_error("quick", {"imitate.loss=huber"}), "one of nll|mse"));
  CHECK(contains(usage_error("quick", {"imitate.optimizer=lion"}), "one of adam|adamw|sgd"));
  CHECK(contains(usage_error("quick", {"imitate.loss=nll|mse"}), "one of nll|mse"));
  CHECK(contains(usage_error("quick", {"seed=-1"}), "must not be negative"));
  CHECK(contains(usage_error("quick", {"seed"}), "key=value"));
  CHECK(contains(usage_error("quick", {"=3"}), "key=value"));
}

TEST_CASE("config: errors in a TOML file name the file and the line") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("mine.toml");
  write_text_atomic(path, "seed = 3\n[imitate]\nupdatse = 4\n");
  CHECK(contains(usage_error(path, {}),
                 path + ":3: unknown key 'imitate.updatse'; did you mean 'imitate.updates'?"));
  write_text_atomic(path, "seed = 3\n[imitate\n");
  CHECK(contains(usage_error(path, {}), path + ":2: not TOML"));
  write_text_atomic(path, "[imitate]\nupdates = -4\n");
  CHECK(contains(usage_error(path, {}), path + ":2: imitate.updates is -4"));
  CHECK(contains(error_of([&] { load_config(folder.file("none.toml"), {}); }), "no such file"));
}

TEST_CASE(
    "config: a preset file stands on the preset that it names, else on the command's; what it says wins") {
  const test::TemporaryFolder folder;
  const std::string mine = folder.file("mine.toml"), deeper = folder.file("deeper.toml");
  write_text_atomic(mine, "preset = \"quick\"\nseed = 7\n");
  const Config quick = load_config("quick", {}), full = load_config("full", {});
  Config config = load_config(mine, {});
  CHECK(config.preset == "quick");
  CHECK(config.seed == 7);
  config.seed = quick.seed;
  CHECK(to_toml(config) == to_toml(quick));
  write_text_atomic(mine, "[imitate]\nupdates = 3\n");
  CHECK(load_config(mine, {}, "quick").collect.episodes == quick.collect.episodes);
  CHECK(load_config(mine, {}, "quick").imitate.updates == 3);
  CHECK(load_config(mine, {}).collect.episodes == full.collect.episodes);
  CHECK(load_config(mine, {}).preset == "full");
  write_text_atomic(deeper,
                    "preset = \"mine.toml\"\n[imitate]\nbatch = 5\n");  // beside the file that names it
  CHECK(load_config(deeper, {"imitate.lr=0.5"}).imitate.updates == 3);
  CHECK(load_config(deeper, {"imitate.lr=0.5"}).imitate.batch == 5);
  CHECK(load_config(deeper, {"imitate.lr=0.5"}).imitate.lr == 0.5f);
  write_text_atomic(mine, "preset = \"deeper.toml\"\n");
  CHECK(contains(usage_error(deeper, {}), "stands on itself"));
  write_text_atomic(mine, "preset = \"quik\"\n");
  CHECK(contains(usage_error(mine, {}), "did you mean 'quick'?"));
}

TEST_CASE("config: an override that the command does not read is refused; unknown ones are left to others") {
  const std::vector<std::string> sections{"seed", "imitate"};
  require_read_by("imitate", sections, {"seed=3", "imitate.lr=1", "imitate.nonsense=1", "nonsense"});
  try {
    require_read_by("imitate", sections, {"seed=3", "collect.episodes=5"});
    FAIL_CHECK("no UsageError");
  } catch (const UsageError& error) {
    CHECK(contains(error.what(), "imitate does not read collect.episodes (it reads seed, imitate)"));
  }
}

TEST_CASE("config: the method is a setting, one of the table") {
  CHECK(load_config("quick", {}).method == &method::ril);
  CHECK(load_config("quick", {"imitate.method=oracle"}).method == &method::oracle);
  CHECK(contains(to_toml(load_config("quick", {"imitate.method=nearest"})), "method = \"nearest\""));
  CHECK(contains(usage_error("quick", {"imitate.method=magic"}), "one of ril|gcbc|bc|oracle|nearest"));
}

TEST_CASE("config: hostile texts are one short line each") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("mine.toml");
  std::string dots = "a";
  for (int i = 0; i < 100000; ++i) dots += i % 2 == 0 ? ".b" : " . \"c\"";
  const std::string million = [] {
    std::string list = "[policy]\nhidden = [1";
    for (int i = 0; i < 200000; ++i) list += ",1";
    return list + "]\n";
  }();
  const std::pair<std::string, std::string> cases[] = {
      {dots + " = 1\n", ":1: a key of more than 32 parts"},
      {"seed = 1\n[" + dots + "]\n", ":2: a key of more than 32 parts"},
      {"x = {" + dots + " = 1}\n", ":1: a key of more than 32 parts"},
      {std::string(10 << 20, 'k') + " = 1\n", "settings have at most 1048576"},
      {std::string(500000, 'k') + " = 1\n", "unknown key 'kkk"},
      {"imitate.loss = \"" + std::string(500000, 'x') + "\"\n", "imitate.loss is 'xxx"},
      {million, "at most 64 are possible"},
      {"env = \"\xff\xfe\"\n", "not TOML"},
      {"x = " + std::string(10000, '[') + "\n", "not TOML"},
      {"seed = 1e999\n", "not TOML"}};
  for (const auto& [text, expected] : cases) {
    CAPTURE(expected);
    write_text_atomic(path, text);
    const std::string message = usage_error(path, {});
    CHECK_MESSAGE(contains(message, expected), message.substr(0, 300));
    CHECK(message.size() < 400);
  }
  const std::string message = usage_error("quick", {"imitate.lr=" + std::string(100000, '1')});
  CHECK(message.size() < 400);
  CHECK(contains(usage_error("quick", {"imitate.loss={" + dots + "=1}"}), "more than 32 parts"));
  // Numbers with points and texts with dots are not keys.
  write_text_atomic(path, "[collect]\ngoals = \"" + std::string(100, '.') + "\"\n");
  CHECK(load_config(path, {}).collect.goals.size() == 100);
}
