// The real binary: what its commands say and refuse, models and their speed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rl/data/dataset.hpp"
#include "rl/data/npy.hpp"
#include "tests/cli/fixture.hpp"
#include "tests/cli/process.hpp"

namespace baton {
namespace {

namespace fs = std::filesystem;
using namespace test;

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
  for (const char* option : {"--explore", "--noise", "--start-spread"})
    for (const char* number : {"nan", "inf", "-2", "1e9", "1x", ""})
      check_refused({"eval", "--policy", "x", option, number}, 2, option);
  check_refused({"finetune", "--init", "x", "--goal", "y", "--variant", "iril", "--out", "z"}, 2, "--demos");
}

TEST_CASE("unknown preset or setting: exit 2 and the nearest one") {
  const test::TemporaryFolder folder;
  const Arguments imitate{"imitate", "--demos", point_demos(), "--out", folder.file("run")};
  check_refused(imitate + Arguments{"--preset", "quik"}, 2, "quick");
  check_refused(imitate + Arguments{"--set", "imitate.updatez=3"}, 2, "imitate.updates");
  check_refused(imitate + Arguments{"--set", "imitate.updates=soon"}, 2, "imitate.updates");
  check_refused(imitate + Arguments{"--set", "imitate.updates"}, 2, "imitate.updates");
  check_refused(imitate + Arguments{"--set", "collect.episodes=3"}, 2,
                "imitate does not read collect.episodes");
  check_refused({"collect", "--out", folder.file("d.h5"), "--set", "imitate.lr=1"}, 2,
                "collect does not read imitate.lr");
  check_refused({"finetune", "--init", point_policy(), "--goal", "left_top", "--variant", "npg", "--out",
                 folder.file("run"), "--set", "policy.low_window=3"},
                2, "finetune does not read policy.low_window");
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
  check_refused({"eval", "--policy", point_policy(), "--goals", "left_tpo"}, 2, "did you mean 'left_top'?");
  check_refused({"eval", "--policy", point_policy(), "--goals", "xyz"}, 2, "known: left_top,");
  test::write_file(folder.file("m.xml"), kModel);
  check_refused({"simulate", folder.file("m.xml"), "--keyframe", "aut", "--out", folder.file("s.npy")}, 1,
                "'out'");
  CHECK(folder.listing() == "m.xml");
}

TEST_CASE("missing, truncated and foreign demonstrations are refused, nothing is written") {
  const test::TemporaryFolder folder;
  const std::string run = folder.file("run"), bad = folder.file("bad.h5");
  check_refused(Arguments{"imitate", "--demos", folder.file("none.h5"), "--out", run} + quick(), 1,
                "none.h5");
  const std::string good = test::read_file(point_demos());
  for (std::size_t size : {std::size_t{0}, std::size_t{100}, good.size() / 2, good.size() - 10}) {
    test::write_file(bad, good.substr(0, size));
    check_refused(Arguments{"imitate", "--demos", bad, "--out", run} + quick(), 1, "bad.h5");
  }
  test::write_file(bad, "this is text");
  check_refused(Arguments{"imitate", "--demos", bad, "--out", run} + quick(), 1, "bad.h5");
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
  check_refused(Arguments{"imitate", "--demos", path, "--out", run} + quick(), 1, "7");

  fs::copy_file(point_demos(), path, fs::copy_options::overwrite_existing);
  const char* python = std::getenv("BATON_TEST_PYTHON");
  if (python != nullptr) {
    const std::string spoil = std::string(python) + " -c \"import h5py; f = h5py.File('" + path +
                              "', 'r+'); f['actions'][3, 0] = float('nan')\"";
    REQUIRE(std::system(spoil.c_str()) == 0);
    check_refused(Arguments{"imitate", "--demos", path, "--out", run} + quick(), 1, "actions");
  }
  CHECK(folder.listing() == "d.h5");
}

TEST_CASE("outputs that cannot be written are refused before the work") {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("file");
  test::write_file(file, "x");
  check_refused({"collect", "--episodes", "2", "--out", folder.file("no/demos.h5")}, 1, "no/demos.h5");
  check_refused({"collect", "--episodes", "2", "--out", folder.path()}, 1, "folder");
  check_refused(Arguments{"imitate", "--demos", point_demos(), "--force", "--out", file} + quick(), 1,
                "file");
  check_refused(Arguments{"imitate", "--demos", point_demos(), "--out", file + "/run"} + quick(), 1,
                "file/run");
  check_refused({"eval", "--policy", point_policy(), "--json", folder.file("no/e.json")}, 1, "no/e.json");
  check_refused({"demo", "--force", "--out", file}, 1, "file");
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
  test::write_file(folder.file("bad/policy.safetensors"),
                   test::read_file(point_policy() + "/policy.safetensors").substr(0, 900));
  check_refused({"eval", "--policy", folder.file("bad")}, 1, "policy.safetensors");
  check_refused({"info", folder.file("bad")}, 1, "policy.safetensors");
  check_refused(Arguments{"finetune", "--init", folder.file("bad"), "--goal", "left", "--variant", "npg",
                          "--out", folder.file("run")} +
                    quick(),
                1, "policy.safetensors");
  check_refused(Arguments{"distill", "--from", point_policy(), "--out", folder.file("run")} + quick(), 1,
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
  const rl::NpyArray first = rl::read_npy(out);
  CHECK(first.shape == std::vector<std::int64_t>{51, 2});
  CHECK(first.values[0] == 1.5);
  CHECK(first.values[2 * 50] != 1.5);

  check_works({"simulate", model, "--steps", "50", "--keyframe", "0", "--precision", "float", "--out", out});
  const rl::NpyArray single = rl::read_npy(out);
  CHECK(std::abs(single.values[2 * 50] - first.values[2 * 50]) < 1e-4);
  CHECK(single.values[2 * 50] != first.values[2 * 50]);

  // From the 20th state on, the second half is the same, bit for bit.
  const std::string state = folder.file("start.npy"), ctrl = folder.file("ctrl.npy");
  rl::write_npy(state, std::vector<std::int64_t>{2}, std::span(first.values).subspan(40, 2));
  rl::write_npy(ctrl, std::vector<std::int64_t>{30, 1}, std::vector<double>(30, 0.0));
  check_works({"simulate", model, "--steps", "30", "--state", state, "--ctrl", ctrl, "--out", out});
  const rl::NpyArray rest = rl::read_npy(out);
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
  check_refused(common + Arguments{"--actions", "hold", "--keyframe", "outt"}, 1, "'out'");
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
  CHECK(run_baton({"info", point_policy() + "/policy.safetensors"}).out.find("high: ") != std::string::npos);
  check_refused({"info", folder.file("none")}, 1, "none");
}

TEST_CASE("seeds are what config.toml can hold") {
  for (const char* seed : {"-1", "9223372036854775808", "x"}) {
    check_refused({"eval", "--policy", point_policy(), "--seed", seed}, 2, "--seed");
    check_refused({"imitate", "--demos", point_demos(), "--out", "never", "--seed", seed}, 2, "--seed");
  }
}

}  // namespace
}  // namespace baton
