#include "rl/run/config.hpp"

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
  CHECK(config.imitate.loss == "mse");
  CHECK(config.imitate.schedule == "linear");
  CHECK(config.seed == 9);
  CHECK(config.imitate.clip_norm == 1.0f);
  CHECK(config.imitate.optimizer == "sgd");
  CHECK(config.distill.imitation.optimizer == "adam");
  CHECK(config.imitate.nesterov);
  CHECK(config.policy.layer_norm);
  CHECK(contains(to_toml(config), "layer_norm = true"));
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
  CHECK(policy_settings("[policy]\nno_such = 1\n", given.policy).low_window == given.policy.low_window);
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
