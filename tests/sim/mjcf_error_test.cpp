// What the MJCF loader refuses: every message names file and line, says what is wrong and what would be right.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "envs/sim/mjcf/load.hpp"
#include "tests/sim/mujoco_oracle.hpp"

using namespace baton;
namespace fs = std::filesystem;

namespace {

// The message of the error that `load` throws; "" when it throws none.
template <class F>
std::string message(F&& load) {
  try {
    load();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::string parse_error(const std::string& xml) {
  return message([&] { sim::mjcf::parse(xml, "m.xml"); });
}

// A folder of files that goes away with the test.
class Folder {
 public:
  explicit Folder(const std::string& name)
      : path_(fs::temp_directory_path() / fmt::format("baton_mjcf_{}_{}", name, getpid())) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }

 private:
  fs::path path_;
};

struct Case {
  const char* xml;
  const char* where;  // "m.xml:LINE:"
  const char* text;   // part of the message
};

void check_cases(std::span<const Case> cases) {
  for (const Case& c : cases) {
    CAPTURE(c.xml);
    const std::string got = parse_error(c.xml);
    CAPTURE(got);
    CHECK(got.find(c.where) == 0);
    CHECK(got.find(c.text) != std::string::npos);
    CHECK(got.find('\n') == std::string::npos);
  }
}

// The body of a model in which `inner` stands on line 2.
std::string with(const std::string& inner) {
  return "<mujoco><worldbody>\n" + inner + "\n</worldbody></mujoco>";
}

}  // namespace

TEST_CASE("mjcf errors: malformed XML and foreign roots") {
  const Case cases[] = {
      {"", "m.xml:1:", "empty"},
      {"<mujoco>\n<worldbody>\n</mujoco>", "m.xml:2:", "end tag"},
      {"<mujoco>\n<worldbody a=b/></mujoco>", "m.xml:2:", "attribute"},
      {"<robot/>", "m.xml:1:", "<mujoco>"},
      {"<mujoco/>\n<mujoco/>", "m.xml:2:", "second root"},
      {"<mujoco>\n<worldbody>hello</worldbody></mujoco>", "m.xml:2:", "hello"},
      {"<mujoco>\n<include file='a.xml'/></mujoco>", "m.xml:2:", "memory"},
  };
  check_cases(cases);
  CHECK(parse_error(std::string("<mujoco>\0</mujoco>", 18)).find("zero byte") != std::string::npos);
}

TEST_CASE("mjcf errors: unknown and unsupported elements and attributes, with the nearest name") {
  const Case cases[] = {
      {"<mujoco>\n<worldbdy/></mujoco>", "m.xml:2: <worldbdy>", "did you mean 'worldbody'?"},
      {"<!DOCTYPE mujoco [<!ENTITY x SYSTEM 'file'>]>\n<mujoco/>", "m.xml:1", "document types and entities"},
      {"<mujoco>\n<!ENTITY x 'y'></mujoco>", "m.xml:2", "document types and entities"},
      {"<mujoco><worldbody>\n<geom size='1' frction='1'/></worldbody></mujoco>", "m.xml:2: <geom frction>",
       "'friction'"},
      {"<mujoco><worldbody><body>\n<joint/><bod/></body></worldbody></mujoco>", "m.xml:2: <bod>", "'body'"},
      {"<mujoco>\n<option timestp='1'/></mujoco>", "m.xml:2: <option timestp>", "'timestep'"},
      {"<mujoco>\n<tendon/></mujoco>", "m.xml:2: <tendon>", "not supported"},
      {"<mujoco><equality>\n<tendon/></equality></mujoco>", "m.xml:2: <tendon>", "not supported"},
      {"<mujoco><equality>\n<weld body1='a'/></equality></mujoco>", "m.xml:2: <equality body1>",
       "no body 'a'"},
      {"<mujoco><equality>\n<weld/></equality></mujoco>", "m.xml:2: <weld body1>", "or site1 and site2"},
      {"<mujoco><equality>\n<weld site1='a'/></equality></mujoco>", "m.xml:2: <weld site2>", "missing"},
      {"<mujoco><equality>\n<weld site1='a' body2='b'/></equality></mujoco>", "m.xml:2: <weld body2>",
       "bodies or sites"},
      {"<mujoco><equality>\n<connect body1='a'/></equality></mujoco>", "m.xml:2: <connect anchor>",
       "missing"},
      {"<mujoco><equality>\n<connect body1='world' anchor='0 0 0'/></equality></mujoco>",
       "m.xml:2: <equality body2>", "tied to itself"},
      {"<mujoco><worldbody>\n<body mocap='true'><joint/><geom size='1'/></body></worldbody></mujoco>",
       "m.xml:2: <body mocap>", "without joints"},
      {"<mujoco><keyframe>\n<key mpos='1 2 3'/></keyframe></mujoco>", "m.xml:2: <key mpos>",
       "the model has 0"},
      {"<mujoco><actuator>\n<muscle/></actuator></mujoco>", "m.xml:2: <muscle>", "not supported"},
      {"<mujoco>\n<option integrator='RK4'/></mujoco>", "m.xml:2: <option integrator>", "only 'Euler'"},
      {"<mujoco>\n<option density='1.2'/></mujoco>", "m.xml:2: <option density>", "only '0'"},
      {"<mujoco>\n<option><flag override='enable'/></option></mujoco>", "m.xml:2: <flag override>",
       "only 'disable'"},
      {"<mujoco>\n<compiler coordinate='global'/></mujoco>", "m.xml:2: <compiler coordinate>", "'local'"},
      {"<mujoco><worldbody><body>\n<joint springdamper='1 2'/></body></worldbody></mujoco>",
       "m.xml:2: <joint springdamper>", "only '0'"},
      {"<mujoco><worldbody>\n<geom type='hfield'/></worldbody></mujoco>", "m.xml:2: <geom type>",
       "not supported"},
      {"<mujoco><worldbody>\n<geom type='sphre' size='1'/></worldbody></mujoco>", "m.xml:2: <geom type>",
       "'sphere'"},
  };
  check_cases(cases);
}

TEST_CASE("mjcf errors: numbers") {
  const Case cases[] = {
      {"<mujoco>\n<option timestep='nan'/></mujoco>", "m.xml:2: <option timestep>", "finite"},
      {"<mujoco>\n<option timestep='0'/></mujoco>", "m.xml:2: <option timestep>", "(0, 1]"},
      {"<mujoco>\n<option gravity='0 0 inf'/></mujoco>", "m.xml:2: <option gravity>", "finite"},
      {"<mujoco>\n<option gravity='0 0'/></mujoco>", "m.xml:2: <option gravity>", "2 numbers, expected 3"},
      {"<mujoco>\n<option gravity='0 0 1 2'/></mujoco>", "m.xml:2: <option gravity>",
       "4 numbers, expected 3"},
      {"<mujoco>\n<option gravity='0 0 1x'/></mujoco>", "m.xml:2: <option gravity>", "'1x' is not a number"},
      {"<mujoco>\n<option iterations='2.5'/></mujoco>", "m.xml:2: <option iterations>", "whole number"},
      {"<mujoco>\n<option iterations='99999999999'/></mujoco>", "m.xml:2: <option iterations>",
       "whole number"},
      {"<mujoco>\n<compiler autolimits='yes'/></mujoco>", "m.xml:2: <compiler autolimits>", "false, true"},
      {"<mujoco>\n<compiler eulerseq='xyw'/></mujoco>", "m.xml:2: <compiler eulerseq>", "three letters"},
  };
  check_cases(cases);
  CHECK(parse_error(with("<geom size='1' solref='0.02 -1'/>")).find("m.xml:2: <geom solref>") == 0);
  CHECK(parse_error(with("<geom size='1' condim='2'/>")).find("1, 3, 4 or 6") != std::string::npos);
  CHECK(
      parse_error(with("<geom size='1' friction='-1'/>")).find("m.xml:2: <geom friction>: -1 is negative") ==
      0);
}

TEST_CASE("mjcf errors: frames and shapes") {
  const std::pair<const char*, const char*> cases[] = {
      {"<body quat='0 0 0 0'/>", "<body quat>: quaternion of length 0"},
      {"<body quat='1 0 0 0' euler='1 2 3'/>", "<body euler>: a second orientation beside 'quat'"},
      {"<body axisangle='0 0 0 1'/>", "<body axisangle>: the axis has no length"},
      {"<body xyaxes='1 0 0 2 0 0'/>", "<body xyaxes>: the y axis"},
      {"<geom type='sphere'/>", "<geom size>: number 1 is 0, expected a positive radius"},
      {"<geom type='box' size='1 1'/>", "<geom size>: number 3 is 0"},
      {"<geom type='box' size='1 1 -1'/>", "<geom size>: number 3 is -1"},
      {"<geom type='capsule' size='1'/>", "<geom size>: number 2 is 0"},
      {"<geom type='capsule' size='1' fromto='0 0 0 0 0 0'/>", "<geom fromto>: the two points are the same"},
      {"<geom type='sphere' size='1' fromto='0 0 0 0 0 1'/>", "<geom fromto>: only for capsule"},
      {"<geom type='mesh' mesh='cup'/>", "<geom mesh>: no mesh 'cup'"},
      {"<geom size='1' material='gold'/>", "<geom material>: no material 'gold'"},
      {"<geom size='1' class='gold'/>", "<geom class>: no default class 'gold'"},
      {"<body><joint axis='0 0 0'/></body>", "<joint axis>: the axis has no length"},
      {"<body><joint range='1 1'/><geom size='1'/></body>", "<joint range>: 1 1: the first must be smaller"},
      {"<body><joint damping='-1'/></body>", "<joint damping>: -1 is negative"},
      {"<body><joint damping='1 2'/></body>", "<joint damping>: polynomial"},
      {"<body><joint type='free' limited='true'/></body>", "<joint limited>: a free joint has no limits"},
      {"<body><body><freejoint/></body></body>",
       "<joint type>: a free joint must be the only joint of a child of the world"},
      {"<body><joint type='ball'/><joint/></body>", "<joint type>: a rotation after a ball joint"},
      {"<body><joint/><geom type='plane' size='1 1 1'/></body>", "<geom type>: a plane on a body that moves"},
  };
  for (const auto& [xml, text] : cases) {
    CAPTURE(xml);
    CHECK(parse_error(with(xml)).find(std::string("m.xml:2: ") + text) == 0);
  }
}

TEST_CASE("mjcf errors: masses") {
  const std::pair<const char*, const char*> cases[] = {
      {"<body name='arm'><joint/></body>", "<body>: 'arm' moves but has no mass"},
      {"<body name='arm'><joint/><geom size='1' mass='0'/></body>", "<body>: 'arm' moves but has no mass"},
      {"<body><joint/><geom size='1' mass='-1'/></body>", "<geom mass>: -1 is negative"},
      {"<body><joint/><geom size='1' density='-1'/></body>", "<geom density>: -1 is negative"},
      {"<body><joint/><inertial pos='0 0 0' diaginertia='1 1 1'/></body>", "<inertial mass>: missing"},
      {"<body><joint/><inertial mass='1' diaginertia='1 1 1'/></body>", "<inertial pos>: missing"},
      {"<body><joint/><inertial pos='0 0 0' mass='1'/></body>", "<inertial diaginertia>: missing"},
      {"<body><joint/><inertial pos='0 0 0' mass='-1' diaginertia='1 1 1'/></body>",
       "<inertial mass>: -1 is negative"},
      {"<body><joint/><inertial pos='0 0 0' mass='1' diaginertia='1 1 3'/></body>",
       "<inertial>: principal moments 1 1 3"},
      {"<body><joint/><inertial pos='0 0 0' mass='1' fullinertia='1 1 -1 0 0 0'/></body>",
       "<inertial fullinertia>: not positive"},
      {"<body><joint/><geom size='1e200'/></body>", "<geom size>: the geom's mass is not a finite number"},
  };
  for (const auto& [xml, text] : cases) {
    CAPTURE(xml);
    const std::string got = parse_error(with(xml));
    CAPTURE(got);
    CHECK(got.find(std::string("m.xml:2: ") + text) == 0);
  }
}

TEST_CASE("mjcf errors: numbers that overflow together") {
  const std::string got = parse_error(with("<body><joint/><geom size='1' pos='1e160 0 0'/></body>"));
  CAPTURE(got);
  CHECK(got.find("m.xml: the model's inertia") == 0);
}

TEST_CASE("mjcf errors: names that do not exist or exist twice") {
  const std::string scene =
      "<mujoco><worldbody><body name='arm'><joint name='elbow'/><geom name='link' size='1'/></body>"
      "<body name='two'><freejoint name='fly'/><geom size='1'/></body></worldbody>\n";
  const std::pair<const char*, const char*> cases[] = {
      {"<actuator><motor joint='elbw'/></actuator>",
       "<actuator joint>: no joint 'elbw'; did you mean 'elbow'?"},
      {"<actuator><motor/></actuator>", "<actuator joint>: missing"},
      {"<actuator><position joint='fly' inheritrange='1'/></actuator>",
       "<actuator inheritrange>: 'fly' is not a hinge or slide"},
      {"<actuator><motor joint='elbow' ctrlrange='1 -1'/></actuator>",
       "<actuator ctrlrange>: 1 -1: the first must be smaller"},
      {"<equality><joint joint1='elbow' joint2='wrist'/></equality>", "<joint joint2>: no joint 'wrist'"},
      {"<contact><pair geom1='link' geom2='lonk'/></contact>",
       "<pair geom2>: no geom 'lonk'; did you mean 'link'?"},
      {"<contact><exclude body1='arm' body2='amr'/></contact>", "<exclude body2>: no body 'amr'"},
      {"<keyframe><key qpos='1 2'/></keyframe>", "<key qpos>: 2 numbers, the model has 8"},
      {"<keyframe><key qpos='0 0 0 0 0 0 0 0'/></keyframe>",
       "<key qpos>: the quaternion of joint 'fly' has no length"},
      {"<worldbody><body name='arm'/></worldbody>", "<body name>: 'arm' is taken already"},
      {"<default><default/></default>", "<default class>: missing"},
      {"<default><default class='a'/><default class='a'/></default>",
       "<default class>: 'a' is defined already"},
      {"<worldbody><body childclass='soft'/></worldbody>", "<body childclass>: no default class 'soft'"},
  };
  for (const auto& [xml, text] : cases) {
    CAPTURE(xml);
    const std::string got = parse_error(scene + xml + "</mujoco>");
    CAPTURE(got);
    CHECK(got.find(std::string("m.xml:2: ") + text) == 0);
  }
}

TEST_CASE("mjcf errors: includes that miss, cycle, repeat or climb out") {
  const Folder folder("include");
  const auto error = [&](const std::string& main) {
    return message([&] { sim::mjcf::load(folder.write("a/b/main.xml", main)); });
  };
  folder.write("a/b/part.xml", "<x><option timestep='0.001'/></x>");
  folder.write("a/b/loop.xml", "<x>\n<include file='loop.xml'/></x>");
  folder.write("a/b/back.xml", "<x>\n\n<include file='main.xml'/></x>");
  folder.write("a/b/bad.xml", "<x>\n<option timestep='x'/></x>");
  folder.write("a/beside.xml", "<x><option timestep='0.004'/></x>");
  folder.write("out.xml", "<x/>");
  CHECK(error("<mujoco><include file='part.xml'/></mujoco>").empty());
  CHECK(error("<mujoco><include file='../beside.xml'/></mujoco>").empty());
  CHECK(error("<mujoco>\n<include file='no.xml'/></mujoco>")
            .find("main.xml:2: <include file>: no file 'no.xml'") != std::string::npos);
  CHECK(error("<mujoco>\n<include/></mujoco>").find("main.xml:2: <include file>: missing") !=
        std::string::npos);
  CHECK(error("<mujoco><include file='loop.xml'/></mujoco>")
            .find("loop.xml:2: <include file>: 'loop.xml' is included already") == 0);
  CHECK(error("<mujoco><include file='back.xml'/></mujoco>")
            .find("back.xml:3: <include file>: 'main.xml' is included already") == 0);
  CHECK(
      error("<mujoco><include file='part.xml'/>\n<include file='part.xml'/></mujoco>").find("main.xml:2:") !=
      std::string::npos);
  CHECK(error("<mujoco><include file='bad.xml'/></mujoco>")
            .find("bad.xml:2: <option timestep>: 'x' is not a number") == 0);
  CHECK(error("<mujoco><include file='../../out.xml'/></mujoco>").find("lies outside") != std::string::npos);
  CHECK(error("<mujoco><include file='/etc/passwd'/></mujoco>").find("lies outside") != std::string::npos);
  const auto mesh_error = [&](const std::string& directory, const std::string& path) {
    return error("<mujoco><compiler meshdir='" + directory + "'/><asset>\n<mesh file='" + path +
                 "'/></asset></mujoco>");
  };
  CHECK(mesh_error("../meshes", "../../../a.stl")
            .find("main.xml:2: <mesh file>: '../../../a.stl' lies outside") != std::string::npos);
  CHECK(mesh_error("/", "etc/a.stl").find("lies outside") != std::string::npos);
  CHECK(mesh_error("", "../no.stl").find("main.xml:2: <mesh file>: no file '../no.stl'") !=
        std::string::npos);
  CHECK(message([] {
          sim::mjcf::load("/nonexistent/model.xml");
        }).find("/nonexistent/model.xml: cannot be read") == 0);
}

TEST_CASE("mjcf errors: absurd sizes end in one message") {
  std::string deep = "<mujoco><worldbody>", wide = deep, tall = deep;
  for (int i = 0; i < 300; ++i) deep += "<body>";
  for (int i = 0; i < 300; ++i) deep += "</body>";
  CHECK(parse_error(deep + "</worldbody></mujoco>").find("nested deeper") != std::string::npos);
  for (int i = 0; i < 300'000; ++i) wide += "<body/>";
  CHECK(parse_error(wide + "</worldbody></mujoco>").find("200000 elements") != std::string::npos);
  for (int i = 0; i < 11'000; ++i) tall += "<body/>";
  CHECK(parse_error(tall + "</worldbody></mujoco>").find("more than 10000 bodies") != std::string::npos);
  std::string crowd = "<mujoco><worldbody>";
  for (int i = 0; i < 330; ++i) crowd += "<body><freejoint/><geom size='1'/><geom size='1'/></body>\n";
  CHECK(parse_error(crowd + "</worldbody></mujoco>").find("200000 pairs") != std::string::npos);
  std::string joints = "<mujoco><worldbody>";
  for (int i = 0; i < 400; ++i) joints += "<body><freejoint/><geom size='1' contype='0'/></body>\n";
  CHECK(parse_error(joints + "</worldbody></mujoco>").find("2000 degrees of freedom") != std::string::npos);
  CHECK(parse_error(std::string(9 << 20, ' ')).find("larger than") != std::string::npos);
}
