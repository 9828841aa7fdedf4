// The real binary: what its commands say, write and refuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/npy.hpp"
#include "rl/data/dataset.hpp"
#include "tests/cli/process.hpp"

namespace baton {
namespace {

namespace fs = std::filesystem;
using test::run_baton;
using Arguments = std::vector<std::string>;

const char* const kModel = R"(<mujoco model="pendulum">
  <option timestep="0.002"/>
  <worldbody>
    <body name="arm" pos="0 0 1">
      <joint name="swing" type="hinge" axis="0 1 0" damping="0.1"/>
      <geom type="capsule" fromto="0 0 0 0 0 -0.5" size="0.04" density="1000"/>
    </body>
  </worldbody>
  <actuator><motor name="motor" joint="swing" gear="1"/></actuator>
  <keyframe><key name="out" qpos="1.5" qvel="0"/></keyframe>
</mujoco>
)";

// Settings that make a policy of point_goal in a second.
const Arguments kQuick{
    "--set", "env=point_goal",           "--set", "imitate.updates=30",    "--set", "policy.hidden=[8]",
    "--set", "imitate.batch=32",         "--set", "finetune.iterations=2", "--set", "finetune.episodes=8",
    "--set", "finetune.eval_episodes=4", "--set", "distill.updates=20",    "--set", "distill.episodes=6"};

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One line "baton: ..." on stderr that holds `expected`, and this exit code. Plain progress lines do not count.
void check_refused(const Arguments& arguments, int code, const std::string& expected) {
  const test::Outcome outcome = run_baton(arguments);
  std::string shown;
  for (const auto& a : arguments) shown += a + " ";
  CHECK_MESSAGE(outcome.code == code, shown, "-> ", outcome.code, ": ", outcome.err);
  const auto at = outcome.err.find("baton: ");
  REQUIRE_MESSAGE(at != std::string::npos, shown, "-> ", outcome.err);
  CHECK_MESSAGE(outcome.err.find(expected, at) != std::string::npos, outcome.err, " does not say ", expected);
  CHECK_MESSAGE(std::count(outcome.err.begin() + static_cast<long>(at), outcome.err.end(), '\n') == 1,
                outcome.err);
}

void check_works(const Arguments& arguments) {
  const test::Outcome outcome = run_baton(arguments);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
}

// Demonstrations of point_goal, made once for all tests.
const std::string& point_demos() {
  static const test::TemporaryFolder folder;
  static const std::string path = [] {
    const std::string file = folder.file("demos.h5");
    check_works({"collect", "--env", "point_goal", "--episodes", "24", "--seed", "5", "--out", file});
    return file;
  }();
  return path;
}

// A RIL policy of point_goal, made once for all tests.
const std::string& point_policy() {
  static const test::TemporaryFolder folder;
  static const std::string path = [] {
    const std::string run = folder.file("ril");
    check_works(Arguments{"imitate", "--demos", point_demos(), "--out", run} + kQuick);
    return run;
  }();
  return path;
}

std::string point_goal_name() {
  const rl::Dataset data = rl::read_dataset(point_demos());
  REQUIRE(!data.goal_names.empty());
  return data.goal_names.front();
}

TEST_CASE("every command explains itself with --help, exit 0, an example in each") {
  for (const char* command :
       {"demo", "collect", "imitate", "finetune", "distill", "eval", "simulate", "testspeed", "info"}) {
    const test::Outcome outcome = run_baton({command, "--help"});
    CHECK_MESSAGE(outcome.code == 0, command, outcome.err);
    CHECK(outcome.out.find("Example") != std::string::npos);
    CHECK(outcome.out.find(std::string("baton ") + command) != std::string::npos);
    CHECK(outcome.err.empty());
  }
  const test::Outcome all = run_baton({"--help"});
  CHECK(all.code == 0);
  CHECK(all.out.find("testspeed") != std::string::npos);
  CHECK(run_baton({"--version"}).out == "baton 0.1.0\n");
}

TEST_CASE("wrong use: exit 2 and one line") {
  check_refused({}, 2, "subcommand");
  check_refused({"colect"}, 2, "'collect'");
  check_refused({"collect"}, 2, "--out");
  check_refused({"collect", "--out", "x.h5", "--episodes", "many"}, 2, "many");
  check_refused({"collect", "--out", "x.h5", "--episodes", "0"}, 2, "0");
  check_refused({"collect", "--out", "x.h5", "--episods", "3"}, 2, "--episods");
  check_refused({"imitate", "--demos", "x.h5", "--out", "y", "--method", "magic"}, 2, "magic");
  check_refused({"simulate", "m.xml", "--steps", "-3", "--out", "x.npy"}, 2, "-3");
  check_refused({"simulate", "m.xml", "--out", "x.npy", "--keyframe", "a", "--state", "b.npy"}, 2,
                "--keyframe");
  check_refused({"testspeed", "m.xml", "--precision", "half"}, 2, "half");
  check_refused({"finetune", "--init", "x", "--goal", "y", "--variant", "iril", "--out", "z"}, 2, "--demos");
}

TEST_CASE("unknown preset or setting: exit 2 and the nearest one") {
  const test::TemporaryFolder folder;
  const Arguments imitate{"imitate", "--demos", point_demos(), "--out", folder.file("run")};
  check_refused(imitate + Arguments{"--preset", "quik"}, 2, "quick");
  check_refused(imitate + Arguments{"--set", "imitate.updatez=3"}, 2, "imitate.updates");
  check_refused(imitate + Arguments{"--set", "imitate.updates=soon"}, 2, "imitate.updates");
  check_refused(imitate + Arguments{"--set", "imitate.updates"}, 2, "imitate.updates");
  test::write_file(folder.file("p.toml"), "[imitate]\nupdates = 5\nlr = [\n");
  check_refused(imitate + Arguments{"--preset", folder.file("p.toml")}, 2, "p.toml:");
  CHECK(folder.listing() == "p.toml");
}

TEST_CASE("unknown environment, goal or keyframe: the nearest one is named") {
  const test::TemporaryFolder folder;
  const std::string out = folder.file("x.h5");
  check_refused({"collect", "--env", "kitchn", "--out", out}, 2, "kitchen");
  check_refused({"collect", "--goals", "kettle_topknob_switch_slyde", "--out", out}, 2,
                "kettle_topknob_switch_slide");
  check_refused({"eval", "--policy", point_policy(), "--goals", "lft"}, 2, "left");
  test::write_file(folder.file("m.xml"), kModel);
  check_refused({"simulate", folder.file("m.xml"), "--keyframe", "aut", "--out", folder.file("s.npy")}, 1,
                "'out'");
  CHECK(folder.listing() == "m.xml");
}

TEST_CASE("missing, truncated and foreign demonstrations are refused, nothing is written") {
  const test::TemporaryFolder folder;
  const std::string run = folder.file("run"), bad = folder.file("bad.h5");
  check_refused(Arguments{"imitate", "--demos", folder.file("none.h5"), "--out", run} + kQuick, 1, "none.h5");
  const std::string good = test::read_file(point_demos());
  for (std::size_t size : {std::size_t{0}, std::size_t{100}, good.size() / 2, good.size() - 10}) {
    test::write_file(bad, good.substr(0, size));
    check_refused(Arguments{"imitate", "--demos", bad, "--out", run} + kQuick, 1, "bad.h5");
  }
  test::write_file(bad, "this is text");
  check_refused(Arguments{"imitate", "--demos", bad, "--out", run} + kQuick, 1, "bad.h5");
  check_refused({"info", bad}, 1, "bad.h5");
  CHECK(folder.listing() == "bad.h5");
}

// Demonstrations of another size, or with a number that is none.
TEST_CASE("demonstrations of other dimensions or with NaN are refused, nothing is written") {
  const test::TemporaryFolder folder;
  const std::string run = folder.file("run"), path = folder.file("d.h5");
  rl::Dataset data;
  data.state_dim = 7;
  data.action_dim = 3;
  data.states.assign(10 * 7, 0.5f);
  data.actions.assign(10 * 3, 0.5f);
  data.offsets = {0, 10};
  rl::write_dataset(data, path);
  check_refused(Arguments{"imitate", "--demos", path, "--out", run} + kQuick, 1, "7");

  fs::copy_file(point_demos(), path, fs::copy_options::overwrite_existing);
  const char* python = std::getenv("BATON_TEST_PYTHON");
  if (python != nullptr) {
    const std::string spoil = std::string(python) + " -c \"import h5py; f = h5py.File('" + path +
                              "', 'r+'); f['actions'][3, 0] = float('nan')\"";
    REQUIRE(std::system(spoil.c_str()) == 0);
    check_refused(Arguments{"imitate", "--demos", path, "--out", run} + kQuick, 1, "actions");
  }
  CHECK(folder.listing() == "d.h5");
}

TEST_CASE("outputs that cannot be written are refused before the work") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("file");
  test::write_file(file, "x");
  check_refused({"collect", "--episodes", "2", "--out", folder.file("no/demos.h5")}, 1, "no/demos.h5");
  check_refused({"collect", "--episodes", "2", "--out", folder.path()}, 1, "folder");
  check_refused(Arguments{"imitate", "--demos", point_demos(), "--out", file} + kQuick, 1, "file");
  check_refused(Arguments{"imitate", "--demos", point_demos(), "--out", file + "/run"} + kQuick, 1,
                "file/run");
  check_refused({"eval", "--policy", point_policy(), "--json", folder.file("no/e.json")}, 1, "no/e.json");
  check_refused({"demo", "--out", file}, 1, "file");
  test::write_file(folder.file("m.xml"), kModel);
  check_refused({"simulate", folder.file("m.xml"), "--out", folder.file("no/s.npy")}, 1, "no/s.npy");
  check_refused({"testspeed", folder.file("m.xml"), "--json", folder.file("no/t.json")}, 1, "no/t.json");
  CHECK(folder.listing() == "file m.xml");
  CHECK(test::read_file(file) == "x");
}

TEST_CASE("a policy directory that is missing, damaged or of another shape is refused") {
  const test::TemporaryFolder folder;
  check_refused({"eval", "--policy", folder.file("none")}, 1, "none");
  check_refused({"eval", "--policy", point_policy(), "--env", "kitchen"}, 1, "30");
  fs::create_directory(folder.file("bad"));
  test::write_file(folder.file("bad/policy.h5"),
                   test::read_file(point_policy() + "/policy.h5").substr(0, 900));
  check_refused({"eval", "--policy", folder.file("bad")}, 1, "policy.h5");
  check_refused({"info", folder.file("bad")}, 1, "policy.h5");
  check_refused(Arguments{"finetune", "--init", folder.file("bad"), "--goal", "left", "--variant", "npg",
                          "--out", folder.file("run")} +
                    kQuick,
                1, "policy.h5");
  check_refused(Arguments{"distill", "--from", point_policy(), "--out", folder.file("run")} + kQuick, 1,
                "goal");
  CHECK(folder.listing() == "bad");
}

TEST_CASE("malformed models are refused with file and line") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("m.xml"), out = folder.file("s.npy");
  const auto refused = [&](const std::string& text, const std::string& expected) {
    test::write_file(path, text);
    check_refused({"simulate", path, "--steps", "1", "--out", out}, 1, expected);
  };
  refused("", "m.xml");
  refused("<mujoco><worldbody>", "m.xml:");
  refused("<mujoco>\n<worldbody>\n<geom type=\"blob\" size=\"1\"/>\n</worldbody>\n</mujoco>", "m.xml:3");
  refused("<mujoco>\n<worldbody>\n<geom type=\"sphere\" size=\"nan\"/>\n</worldbody>\n</mujoco>", "m.xml:3");
  check_refused({"simulate", folder.file("none.xml"), "--out", out}, 1, "none.xml");
  CHECK(folder.listing() == "m.xml");
}

TEST_CASE("simulate: states in double and float, from a keyframe, a file, with controls") {
  const test::TemporaryFolder folder;
  const std::string model = folder.file("m.xml"), out = folder.file("s.npy");
  test::write_file(model, kModel);
  check_works({"simulate", model, "--steps", "50", "--keyframe", "out", "--out", out});
  const cli::NpyArray first = cli::read_npy(out);
  CHECK(first.shape == std::vector<std::int64_t>{51, 2});
  CHECK(first.values[0] == 1.5);
  CHECK(first.values[2 * 50] != 1.5);

  check_works({"simulate", model, "--steps", "50", "--keyframe", "0", "--precision", "float", "--out", out});
  const cli::NpyArray single = cli::read_npy(out);
  CHECK(std::abs(single.values[2 * 50] - first.values[2 * 50]) < 1e-4);
  CHECK(single.values[2 * 50] != first.values[2 * 50]);

  // From the 20th state on, the second half is the same, bit for bit.
  const std::string state = folder.file("start.npy"), ctrl = folder.file("ctrl.npy");
  cli::write_npy(state, std::vector<std::int64_t>{2}, std::span(first.values).subspan(40, 2));
  cli::write_npy(ctrl, std::vector<std::int64_t>{30, 1}, std::vector<double>(30, 0.0));
  check_works({"simulate", model, "--steps", "30", "--state", state, "--ctrl", ctrl, "--out", out});
  const cli::NpyArray rest = cli::read_npy(out);
  REQUIRE(rest.values.size() == 62);
  CHECK(std::abs(rest.values[60] - first.values[100]) < 1e-9);

  check_refused({"simulate", model, "--steps", "31", "--ctrl", ctrl, "--out", out}, 1, "(31, 1)");
  check_refused({"simulate", model, "--state", ctrl, "--out", out}, 1, "(2,)");
  CHECK(folder.listing() == "ctrl.npy m.xml s.npy start.npy");
}

TEST_CASE("testspeed: the figures of the contract") {
  const test::TemporaryFolder folder;
  test::write_file(folder.file("m.xml"), kModel);
  const std::string json = folder.file("t.json");
  check_works(
      {"testspeed", folder.file("m.xml"), "--envs", "20", "--steps", "30", "--threads", "1", "--json", json});
  const auto report = nlohmann::json::parse(test::read_file(json));
  CHECK(report["envs"] == 20);
  CHECK(report["steps"] == 600);
  CHECK(report["threads"] == 1);
  CHECK(report["precision"] == "float");
  CHECK(report["steps_per_second"].get<double>() > 0);
  CHECK(report["contacts_per_step"] == 0.0);
  CHECK(report["model"] == folder.file("m.xml"));
  CHECK(report["actions"] == "random");
  // Shares of the stages add up to 1; none where other programs interrupted every timed block.
  REQUIRE(report["stages"].is_object());
  double sum = report["stages"].empty() ? 1.0 : 0.0;
  for (const auto& [name, stage] : report["stages"].items()) sum += stage["share"].get<double>();
  CHECK(std::abs(sum - 1.0) < 1e-9);
  CHECK((report["stages"].empty() || report["stages"]["solve"]["ns_per_step"].get<double>() > 0));
}

TEST_CASE("testspeed: what is random, what is held") {
  const test::TemporaryFolder folder;
  const std::string model = folder.file("m.xml");
  test::write_file(model, kModel);
  const Arguments common{"testspeed", model, "--envs", "3", "--steps", "50", "--threads", "1"};
  const test::Outcome held = run_baton(common + Arguments{"--actions", "hold", "--keyframe", "out"});
  REQUIRE_MESSAGE(held.code == 0, held.err);
  CHECK_MESSAGE(held.out.find("controls held") != std::string::npos, held.out);
  CHECK(run_baton(common).out.find("random actions") != std::string::npos);
  check_refused(common + Arguments{"--keyframe", "out"}, 2, "--actions hold");
  check_refused(common + Arguments{"--actions", "wild"}, 2, "wild");
  check_refused(common + Arguments{"--actions", "hold", "--keyframe", "uot"}, 1, "'out'");
}

TEST_CASE("info: a model, demonstrations and a run") {
  const test::TemporaryFolder folder;
  test::write_file(folder.file("m.xml"), kModel);
  const test::Outcome model = run_baton({"info", folder.file("m.xml")});
  for (const char* said : {"nq 1, nv 1, nu 1; bodies 2", "kinematic trees 1", "geoms 1: 1 capsule",
                           "collide 0: none", "only drawn 1: 1 capsule", "equalities 0", "keyframes 1: out",
                           "integrator Euler", "pyramidal cones", "loaded in", "swing", "motor"})
    CHECK_MESSAGE(model.out.find(said) != std::string::npos, said, " is not said in\n", model.out);
  CHECK(run_baton({"info", point_demos()}).out.find("24 episodes") != std::string::npos);
  const test::Outcome run = run_baton({"info", point_policy()});
  CHECK(run.out.find("ril for point_goal") != std::string::npos);
  CHECK(run.out.find("high: ") != std::string::npos);
  CHECK(run_baton({"info", point_policy() + "/policy.h5"}).out.find("high: ") != std::string::npos);
  check_refused({"info", folder.file("none")}, 1, "none");
}

TEST_CASE("seeds are what config.toml can hold") {
  for (const char* seed : {"-1", "9223372036854775808", "x"}) {
    check_refused({"eval", "--policy", point_policy(), "--seed", seed}, 2, "--seed");
    check_refused({"imitate", "--demos", point_demos(), "--out", "never", "--seed", seed}, 2, "--seed");
  }
}

TEST_CASE("imitate: a run directory is whole, and the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  for (const char* method : {"ril", "gcbc", "bc"}) {
    for (const char* threads : {"1", "2"}) {
      check_works(Arguments{"imitate", "--demos", point_demos(), "--method", method, "--threads", threads,
                            "--out", folder.file(std::string(method) + threads)} +
                  kQuick);
    }
    const std::string one = folder.file(std::string(method) + "1"),
                      two = folder.file(std::string(method) + "2");
    CHECK(test::read_file(one + "/summary.json") == test::read_file(two + "/summary.json"));
    CHECK(test::read_file(one + "/config.toml") == test::read_file(two + "/config.toml"));
    CHECK(test::read_file(one + "/summary.json").find("\"method\"") != std::string::npos);
    CHECK(fs::exists(one + "/metrics.jsonl"));
    CHECK(fs::exists(one + "/policy.h5"));
  }
  CHECK(folder.listing() == "bc1 bc2 gcbc1 gcbc2 ril1 ril2");
}

TEST_CASE("finetune, distill and eval: the chain works, the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  const std::string goal = point_goal_name();
  std::string texts[2];
  for (int i = 0; i < 2; ++i) {
    const std::string threads = std::to_string(i + 1), tuned = folder.file("ft" + threads);
    const std::string distilled = folder.file("d" + threads), json = folder.file("e.json");
    check_works(Arguments{"finetune", "--init", point_policy(), "--goal", goal, "--variant", "iril",
                          "--demos", point_demos(), "--threads", threads, "--out", tuned} +
                kQuick);
    check_works(Arguments{"distill", "--from", folder.file("ft1"), "--threads", threads, "--out", distilled} +
                kQuick);
    check_works({"eval", "--policy", folder.file("d1"), "--goals", goal, "--episodes", "5", "--threads",
                 threads, "--batch", i == 0 ? "2" : "5", "--json", json});
    texts[i] = test::read_file(tuned + "/summary.json") + test::read_file(distilled + "/summary.json") +
               test::read_file(json);
  }
  CHECK(texts[0] == texts[1]);
  const auto report = nlohmann::json::parse(test::read_file(folder.file("e.json")));
  CHECK(report["env"] == "point_goal");
  CHECK(report["episodes"] == 5);
  REQUIRE(report["goals"].size() == 1);
  for (const char* key : {"success", "step_completion", "success_final"}) {
    CHECK(report["goals"][0][key].is_number());
    CHECK(report["mean"][key].is_number());
  }
  CHECK(report["goals"][0]["elements"].is_object());
}

TEST_CASE(
    "layer norm, optimiser and preconditioner are settings; metrics.jsonl holds every number of a step") {
  const test::TemporaryFolder folder;
  const Arguments chosen{"--set", "policy.layer_norm=true",     "--set", "imitate.optimizer=sgd",
                         "--set", "npg.preconditioner=diagonal"};
  check_works(Arguments{"imitate", "--demos", point_demos(), "--out", folder.file("ril")} + kQuick + chosen);
  const std::string config = test::read_file(folder.file("ril") + "/config.toml");
  for (const char* line : {"layer_norm = true", "optimizer = \"sgd\"", "preconditioner = \"diagonal\""}) {
    CHECK_MESSAGE(config.find(line) != std::string::npos, line);
  }
  check_works(Arguments{"finetune", "--init", folder.file("ril"), "--goal", point_goal_name(), "--variant",
                        "dapg", "--demos", point_demos(), "--out", folder.file("ft")} +
              kQuick + Arguments{"--set", "npg.preconditioner=diagonal"});
  CHECK(test::read_file(folder.file("ft/config.toml")).find("layer_norm = true") !=
        std::string::npos);  // RIL's
  const std::string metrics = test::read_file(folder.file("ft") + "/metrics.jsonl");
  const auto line = nlohmann::json::parse(metrics.substr(0, metrics.find('\n')));
  for (const char* key : {"return", "explained_variance", "gradient_norm", "cg_iterations", "cg_residual",
                          "step", "kl", "predicted_kl", "improvement", "predicted_improvement", "demo_weight",
                          "demo_log_likelihood", "log_std"}) {
    CHECK_MESSAGE(line["low"][key].is_number(), key);
    CHECK_MESSAGE(
        test::read_file(std::string(BATON_SOURCE_ROOT) + "/docs/metrics.md").find(key) != std::string::npos,
        key, " is not explained");
  }
  CHECK(line["low"]["accepted"].is_boolean());
  CHECK(line["low"]["cg_iterations"] == 10);
  check_refused(Arguments{"imitate", "--demos", point_demos(), "--out", folder.file("no")} + kQuick +
                    Arguments{"--set", "imitate.optimizer=adam", "--set", "imitate.weight_decay=0.1"},
                1, "adamw is the one that decays weights");
  CHECK(folder.listing() == "ft ril");
}

TEST_CASE("eval --replay: what our own kitchen recorded without noise comes out the same") {
  const test::TemporaryFolder folder;
  const std::string demos = folder.file("clean.h5");
  check_works({"collect", "--episodes", "2", "--goals", "microwave_kettle_bottomknob_slide", "--undisturbed",
               "--set", "noise_ratio=0", "--out", demos});
  const test::Outcome outcome = run_baton({"eval", "--replay", demos});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK_MESSAGE(
      outcome.out.find("4.00 elements an episode in the recording, 4.00 in the replay") != std::string::npos,
      outcome.out);
  // The recorded targets with nothing fed back, on the same model: the recording again, but for the state's rounding.
  const test::Outcome open_loop = run_baton(
      {"eval", "--replay", demos, "--model", std::string(BATON_SOURCE_ROOT) + "/envs/kitchen/kitchen.xml"});
  REQUIRE_MESSAGE(open_loop.code == 0, open_loop.err);
  CHECK_MESSAGE(open_loop.out.find("4.00 in the replay") != std::string::npos, open_loop.out);
  check_refused({"eval", "--replay", demos, "--model", folder.file("none.xml")}, 1, "none.xml");
  test::write_file(folder.file("m.xml"), kModel);
  check_refused({"eval", "--replay", demos, "--model", folder.file("m.xml")}, 1,
                "a kitchen has 30, 29 and 9");
  check_refused({"eval", "--model", "kitchen.xml"}, 2, "--replay");
  check_refused({"eval", "--replay", point_demos()}, 1, "30");
  check_refused({"eval", "--replay", demos, "--json", folder.file("r.json")}, 2, "--json");
  check_refused({"eval"}, 2, "--policy");
}

TEST_CASE("collect: the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  for (const char* threads : {"1", "2"}) {
    check_works({"collect", "--env", "point_goal", "--episodes", "70", "--threads", threads, "--seed", "3",
                 "--out", folder.file(std::string(threads) + ".h5")});
  }
  const rl::Dataset one = rl::read_dataset(folder.file("1.h5")), two = rl::read_dataset(folder.file("2.h5"));
  CHECK(one.states == two.states);
  CHECK(one.actions == two.actions);
  CHECK(one.goal_names == two.goal_names);
  CHECK(one.episodes() == 70);
}

TEST_CASE("kitchen: collect, imitate and eval, the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  std::string texts[2];
  for (int i = 0; i < 2; ++i) {
    const std::string threads = std::to_string(i + 1), demos = folder.file("demos" + threads + ".h5");
    const std::string run = folder.file("run"), json = folder.file("e.json");
    check_works({"collect", "--episodes", "5", "--threads", threads, "--out", demos});
    check_works({"imitate", "--demos", demos, "--out", run, "--threads", threads, "--set",
                 "imitate.updates=20", "--set", "policy.hidden=[16]"});
    check_works({"eval", "--policy", run, "--goals",
                 "microwave_kettle_topknob_hinge,kettle_switch_hinge_slide", "--episodes", "2", "--threads",
                 threads, "--batch", i == 0 ? "3" : "4", "--json", json});
    texts[i] = test::read_file(run + "/summary.json") + test::read_file(json);
  }
  CHECK(texts[0] == texts[1]);
  CHECK(texts[0].find("kettle_switch_hinge_slide") != std::string::npos);
  const rl::Dataset one = rl::read_dataset(folder.file("demos1.h5")),
                    two = rl::read_dataset(folder.file("demos2.h5"));
  CHECK(one.states == two.states);
  CHECK(one.qpos == two.qpos);
  CHECK(one.state_dim == 30);
  CHECK(one.qvel_dim == 29);
}

TEST_CASE(
    "demo: the whole chain on the small environment; its summary has the same bytes for 1 and 2 threads") {
  const test::TemporaryFolder folder;
  const std::string goal = point_goal_name();
  const Arguments small{"--set", "demo.goals=" + goal, "--set", "collect.episodes=12",
                        "--set", "eval.episodes=3"};
  for (const char* threads : {"1", "2"}) {
    const test::Outcome outcome = run_baton(
        Arguments{"demo", "--threads", threads, "--out", folder.file(std::string("demo") + threads)} +
        kQuick + small);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    for (const char* method : {"RIL", "GCBC", "BC", "IRIL-RPL", "RPL, distilled"}) {
      CHECK(outcome.out.find(method) != std::string::npos);
    }
    CHECK(outcome.out.find("21.7") != std::string::npos);
  }
  const std::string one = test::read_file(folder.file("demo1/summary.json"));
  CHECK(one.size() > 100);
  CHECK(one == test::read_file(folder.file("demo2/summary.json")));
  CHECK(test::read_file(folder.file("demo1/distilled/summary.json")) ==
        test::read_file(folder.file("demo2/distilled/summary.json")));
}

TEST_CASE("Ctrl-C: one line, exit 130, nothing half-written") {
  const test::TemporaryFolder folder;
  const Arguments slow{"--set", "imitate.updates=100000000"};
  const test::Outcome outcome = run_baton(
      Arguments{"imitate", "--demos", point_demos(), "--out", folder.file("run")} + kQuick + slow, 700);
  CHECK(outcome.code == 130);
  CHECK(outcome.err.find("baton: interrupted") != std::string::npos);
  CHECK(folder.listing() == "");
}

}  // namespace
}  // namespace baton
