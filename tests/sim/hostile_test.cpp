// Models made to hurt: each is refused with one clear error (or loads), in bounded time and memory. Every one is loaded
// in a process of its own, whose time and memory are looked at afterwards.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "envs/sim/mjcf/load.hpp"
#include "kernels/error.hpp"

using namespace baton;
namespace fs = std::filesystem;

namespace {

constexpr double kMostSeconds = 20;  // of CPU time, on a slow machine with sanitizers
constexpr long kMostMebibytes = 700;

// What became of a load: the error's message, "loaded", or how the process ended otherwise.
struct Outcome {
  std::string message;
  double seconds = 0;
  long mebibytes = 0;
};

Outcome in_own_process(const std::function<void()>& load) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit time{60, 60};
    setrlimit(RLIMIT_CPU, &time);
#ifndef __SANITIZE_ADDRESS__  // which reserves more than any limit
    const rlimit memory{rlim_t{4} << 30, rlim_t{4} << 30};
    setrlimit(RLIMIT_AS, &memory);
#endif
    std::string said = "loaded";
    try {
      load();
    } catch (const Error& e) {
      said = e.what();
    } catch (const std::exception& e) {
      said = fmt::format("not an Error: {}", e.what());
    }
    const bool written = write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  Outcome o;
  char piece[4096];
  for (ssize_t n = 0; (n = read(ends[0], piece, sizeof piece)) > 0;)
    o.message.append(piece, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  rusage used{};
  REQUIRE(wait4(child, &status, 0, &used) == child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) o.message = fmt::format("ended with status {}", status);
  o.seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
              1e-6 * static_cast<double>(used.ru_utime.tv_usec);
  o.mebibytes = used.ru_maxrss / 1024;
  return o;
}

void check_outcome(const std::string& name, const std::function<void()>& load, const char* expected) {
  const Outcome o = in_own_process(load);
  CAPTURE(name);
  CAPTURE(o.message);
  CHECK(o.message.find(expected) != std::string::npos);
  CHECK(o.message.find('\n') == std::string::npos);
  CHECK(o.message.size() < 1000);
  CAPTURE(o.seconds);
  CHECK(o.seconds < kMostSeconds);
#ifndef __SANITIZE_ADDRESS__
  CAPTURE(o.mebibytes);
  CHECK(o.mebibytes < kMostMebibytes);
#endif
}

void check_text(const std::string& name, const std::string& xml, const char* expected) {
  check_outcome(
      name, [&] { sim::mjcf::parse(xml, "m.xml"); }, expected);
}

std::string repeat(int n, const std::function<std::string(int)>& part) {
  std::string s;
  for (int i = 0; i < n; ++i) s += part(i);
  return s;
}
std::string repeat(int n, const std::string& part) {
  return repeat(n, [&](int) { return part; });
}

std::string world(const std::string& inside, const std::string& beside = "") {
  return "<mujoco><worldbody>" + inside + "</worldbody>" + beside + "</mujoco>";
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("baton_hostile_{}", getpid())) {
    fs::create_directories(path_ / "a/b");
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path model(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / "a/b" / name) << text;
    return path_ / "a/b" / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("hostile models: absurd numbers of everything") {
  check_text("a million bodies", world(repeat(1'000'000, "<body/>")), "more than 400000 elements");
  check_text("300,000 bodies", world(repeat(300'000, "<body/>")), "more than 200000 elements");
  check_text("11,000 bodies", world(repeat(11'000, "<body/>")), "more than 10000 bodies");
  check_text("10,000 static geoms", world(repeat(9'999, "<body><geom size='1'/></body>")), "loaded");
  check_text("2,000 sliders",
             world(repeat(1'999, "<body><joint type='slide'/><geom size='1' contype='0'/></body>")),
             "loaded");
  check_text("2,001 sliders",
             world(repeat(2'001, "<body><joint type='slide'/><geom size='1' contype='0'/></body>")),
             "2000 degrees of freedom");
  check_text("every geom may touch every other",
             world(repeat(330, "<body><freejoint/><geom size='1'/><geom size='1'/></body>")), "200000 pairs");
  check_text("10,000 bodies at the end of a long arm",
             world(repeat(90,
                          "<body pos='0 0 .1'><joint axis='1 0 0'/><joint axis='0 1 0'/><joint axis='0 0 1'/>"
                          "<geom size='.1' contype='0'/>") +
                   repeat(9'800, "<body/>") + repeat(90, "</body>")),
             "loaded");
  check_text("comments", "<mujoco>" + repeat(1'000'000, "<!---->") + "</mujoco>", "elements and comments");
  check_text(
      "attributes",
      "<mujoco><option" + repeat(600'000, [](int i) { return fmt::format(" a{}=''", i); }) + "/></mujoco>",
      "m.xml:1: XML: an element with more than 200 attributes");
  check_text("classes",
             "<mujoco><default>" +
                 repeat(150'000, [](int i) { return fmt::format("<default class='{}'/>", i); }) +
                 "</default></mujoco>",
             "more than 5000 classes");
  const std::string bodies = repeat(300, "<body><freejoint/><geom size='1' contype='0'/></body>");
  check_text("keyframes", world(bodies, "<keyframe>" + repeat(190'000, "<key/>") + "</keyframe>"),
             "keyframes hold more than");
  check_text("a huge keyframe",
             world("", "<keyframe><key qpos='" + repeat(2'000'000, "0 ") + "'/></keyframe>"),
             "<key qpos>: more than ");
  check_text("misspelt names",
             world("<body name='a'/>",
                   "<contact>" + repeat(190'000, "<exclude body1='a' body2='b'/>") + "</contact>"),
             "no body 'b'; known: world, a");
}

TEST_CASE("hostile models: depth, entities, endless words") {
  check_text("unclosed, deep", repeat(1'000'000, "<a>"), "more than 400000 elements");
  check_text("deep", repeat(100'000, "<a>"), "nested deeper than");
  check_text("deep bodies", world(repeat(2'000, "<body>") + repeat(2'000, "</body>")), "nested deeper than");
  check_text("deep classes",
             "<mujoco>" + repeat(2'000, "<default class='main'>") + repeat(2'000, "</default>") + "</mujoco>",
             "nested deeper than");
  check_text("a billion laughs",
             "<!DOCTYPE mujoco [<!ENTITY a 'lol'>" +
                 repeat(30, [](int i) { return fmt::format("<!ENTITY b{} '&b{};&b{};'>", i + 1, i, i); }) +
                 "]><mujoco model='&b30;'/>",
             "document types and entities are not read");
  check_text("a name of megabytes", world("<body name='" + std::string(7'000'000, 'x') + "'/>"),
             "longer than 1000 characters");
  check_text("a number of megabytes", world("<body pos='" + std::string(7'000'000, '1') + "'/>"),
             "is not a number");
  check_text("9 MiB", std::string(9 << 20, ' '), "larger than");
}

TEST_CASE("hostile models: numbers that are none, nothing, or too much") {
  const auto ball = [](const std::string& inertial) {
    return world("<body><freejoint/><geom size='1'/>" + inertial + "</body>");
  };
  check_text("NaN mass", ball("<inertial pos='0 0 0' mass='nan' diaginertia='1 1 1'/>"),
             "<inertial mass>: 'nan'");
  check_text("infinite mass", ball("<inertial pos='0 0 0' mass='inf' diaginertia='1 1 1'/>"),
             "<inertial mass>: 'inf'");
  check_text("negative mass", ball("<inertial pos='0 0 0' mass='-1' diaginertia='1 1 1'/>"),
             "<inertial mass>: -1");
  check_text("no mass", ball("<inertial pos='0 0 0' mass='0' diaginertia='0 0 0'/>"), "has no mass");
  check_text("NaN size", world("<geom size='nan'/>"), "<geom size>: 'nan'");
  check_text("huge mass", ball("<inertial pos='0 0 0' mass='1e308' diaginertia='1e308 1e308 1e308'/>"),
             "m.xml");
  check_text("tiny mass", ball("<inertial pos='0 0 0' mass='1e-308' diaginertia='1e-308 1e-308 1e-308'/>"),
             "m.xml");
  check_text("far away", world("<body pos='1e200 0 0'><joint/><geom size='1' pos='1e200 0 0'/></body>"),
             "m.xml");
}

TEST_CASE("hostile models: meshes without a body, and with too much of one") {
  const auto with_mesh = [](const std::string& attributes) {
    return "<mujoco><asset><mesh name='t' " + attributes +
           "/></asset><worldbody><body><freejoint/><geom type='mesh' mesh='t'/></body></worldbody></mujoco>";
  };
  const std::pair<const char*, const char*> flat[] = {
      {"vertex='0 0 0 1 0 0 0 1 0 1 1 0'", "in one plane"},
      {"vertex='0 0 0 1 0 0 0 1 0 0 0 1e-14'", "in one plane"},
      {"vertex='0 0 0 1 0 0 2 0 0 3 0 0'", "on one line"},
      {"vertex='0 0 0 0 0 0 0 0 0 0 0 0'", "at one place"},
      {"vertex='0 0 0 1e-200 0 0 0 1e-200 0 0 0 1e-200'", "at one place"},
      {"vertex='0 0 0'", "expected at least 4"},
      {"vertex='0 0 nan 1 0 0 0 1 0 0 0 1'", "not a finite number"},
      {"vertex='0 0 0 1e300 0 0 0 1 0 0 0 1'", "too large"},
      {"vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1 9'", "no vertex 9"},
  };
  for (const auto& [attributes, expected] : flat) check_text(attributes, with_mesh(attributes), expected);
  // Every vertex of a sphere is on the hull.
  const int n = 30'000;
  const std::string sphere = repeat(n, [](int i) {
    const double z = 1 - (2 * i + 1.0) / n, r = std::sqrt(1 - z * z), a = 2.399963 * i;
    return fmt::format("{:.7f} {:.7f} {:.7f} ", r * std::cos(a), r * std::sin(a), z);
  });
  check_text("a hull of 30,000 vertices", with_mesh("vertex='" + sphere + "'"), "loaded");
  const Folder folder;
  std::ofstream(folder.path() / "secret.obj") << "v 0 0 0\n";
  for (const char* file : {"../../secret.obj", "/etc/passwd.obj"}) {
    const auto path = folder.model("m.xml", with_mesh(fmt::format("file='{}'", file)));
    check_outcome(
        file, [&] { sim::mjcf::load(path.string()); }, "lies outside");
  }
}

TEST_CASE("hostile models: includes without end, and out of the model's folder") {
  const Folder folder;
  const auto check_file = [&](const std::string& name, const fs::path& path, const char* expected) {
    check_outcome(
        name, [&] { sim::mjcf::load(path.string()); }, expected);
  };
  const auto include = [](const std::string& file) {
    return fmt::format("<x><include file='{}'/></x>", file);
  };
  for (int i = 0; i < 300; ++i)
    folder.model(fmt::format("chain{}.xml", i), include(fmt::format("chain{}.xml", i + 1)));
  check_file("a chain of 300", folder.model("m.xml", "<mujoco><include file='chain0.xml'/></mujoco>"),
             "more than 256 files");
  // Each file names the next two twice over: 2^30 elements, were a file read more than once.
  for (int i = 0; i < 30; ++i)
    folder.model(fmt::format("fan{}.xml", i),
                 fmt::format("<x>{}<body/>{}</x>", fmt::format("<include file='fan{}.xml'/>", i + 1),
                             fmt::format("<include file='fan{}.xml'/>", i + 1)));
  folder.model("fan30.xml", "<x/>");
  check_file("a fan",
             folder.model("m.xml", "<mujoco><worldbody><include file='fan0.xml'/></worldbody></mujoco>"),
             "included already");
  const std::string blank(6 << 20, ' ');
  for (int i = 0; i < 6; ++i)
    folder.model(fmt::format("big{}.xml", i), include(fmt::format("big{}.xml", i + 1)) + blank);
  check_file("36 MiB in six files", folder.model("m.xml", "<mujoco><include file='big0.xml'/></mujoco>"),
             "exceed");
  check_file("a cycle", folder.model("m.xml", "<mujoco><include file='m.xml'/></mujoco>"),
             "included already");

  std::ofstream(folder.path() / "secret.xml") << "<x/>";
  fs::create_symlink(folder.path() / "secret.xml", folder.path() / "a/b/link.xml");
  for (const char* out : {"../../secret.xml", "link.xml", "/etc/passwd", "../b/../../secret.xml"}) {
    CAPTURE(out);
    check_file("out of the folder",
               folder.model("m.xml", fmt::format("<mujoco><include file='{}'/></mujoco>", out)),
               "lies outside");
  }
  check_file("a folder", folder.path(), "not a file");
  check_file("an endless device", "/dev/zero", "not a file");
}
