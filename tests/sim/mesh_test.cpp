// Readers of mesh files: what they read, and what they refuse; mesh assets against MuJoCo's.
#include <cstdint>
#include <cstring>
#include <limits>

#include "envs/sim/mesh/surface.hpp"
#include "tests/sim/mjcf_compare.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

// A binary STL of these triangles (nine numbers each).
std::string stl(const std::vector<float>& corners) {
  std::string s(80, ' ');
  const auto count = static_cast<std::uint32_t>(corners.size() / 9);
  for (int k = 0; k < 4; ++k) s += static_cast<char>(count >> (8 * k));
  for (std::size_t i = 0; i < corners.size(); i += 9) {
    s += std::string(12, '\0');
    s.append(reinterpret_cast<const char*>(&corners[i]), 36);
    s += std::string(2, '\0');
  }
  return s;
}

const std::vector<float> kTetrahedron = {0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1,
                                         0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};

template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::string stl_error(const std::string& bytes) {
  return message([&] { mesh::read_stl(bytes, "a.stl"); });
}
std::string obj_error(const std::string& text) {
  return message([&] { mesh::read_obj(text, "a.obj"); });
}

void check_message(const std::string& got, const std::string& start, const std::string& part) {
  CAPTURE(got);
  CHECK(got.find(start) == 0);
  CHECK(got.find(part) != std::string::npos);
  CHECK(got.find('\n') == std::string::npos);
}

const std::string kSquare = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n";

}  // namespace

TEST_CASE("mesh: corners of an STL become shared vertices in the order of their appearance") {
  const mesh::Surface s = mesh::read_stl(stl(kTetrahedron), "a.stl");
  REQUIRE(s.vertices.size() == 4);
  CHECK(s.vertices[1].y == 1);
  CHECK(s.vertices[2].x == 1);
  CHECK(s.vertices[3].z == 1);
  const std::vector<std::array<int, 3>> faces = {{0, 1, 2}, {0, 2, 3}, {0, 3, 1}, {2, 1, 3}};
  CHECK(s.faces == faces);
}

TEST_CASE("mesh: an STL that is not one is one clear error") {
  const std::string good = stl(kTetrahedron);
  check_message(stl_error(""), "a.stl:", "at least 84");
  check_message(stl_error(good.substr(0, 83)), "a.stl:", "at least 84");
  check_message(stl_error(good.substr(0, good.size() - 1)), "a.stl:", "expected 284 for its 4 triangles");
  check_message(stl_error(good + "x"), "a.stl:", "expected 284");
  std::string none = good.substr(0, 84);
  std::memset(none.data() + 80, 0, 4);
  check_message(stl_error(none), "a.stl:", "0 triangles");
  std::memset(none.data() + 80, 0xff, 4);
  check_message(stl_error(none), "a.stl:", "4294967295 triangles");
  check_message(
      stl_error("solid thing\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 "
                "0\nendloop\nendfacet\nendsolid\n"),
      "a.stl:", "binary");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), 2e9f}) {
    std::vector<float> corners = kTetrahedron;
    corners[31] = bad;
    check_message(stl_error(stl(corners)), "a.stl: triangle 3:", "coordinate");
  }
}

TEST_CASE("mesh: an OBJ's vertices and faces, with their ways of writing them") {
  const mesh::Surface s = mesh::read_obj(
      "# a comment\nmtllib a.mtl\no thing\n" + kSquare +
          "vn 0 0 1\nvt 0 0\nv 0.5 0.5 1 1.0\r\nusemtl m\ns off\nf 1/1 2/1 5/1\nf 2//1 3//1 -1//1\n"
          "f 3/1/1 4/1/1 5/1/1\n\nf -2 -5 -1 # trailing\n",
      "a.obj");
  REQUIRE(s.vertices.size() == 5);
  CHECK(s.vertices[4].z == 1);
  const std::vector<std::array<int, 3>> faces = {{0, 1, 4}, {1, 2, 4}, {2, 3, 4}, {3, 0, 4}};
  CHECK(s.faces == faces);
  CHECK(mesh::read_obj(kSquare, "a.obj").faces.empty());
}

TEST_CASE("mesh: an OBJ's polygons are cut as MuJoCo cuts them") {
  using Faces = std::vector<std::array<int, 3>>;
  CHECK(mesh::read_obj(kSquare + "f 1 2 3 4\n", "a.obj").faces == Faces{{0, 1, 3}, {1, 2, 3}});
  const std::string slanted = "v 0 0 0\nv 2 0 0\nv 1.5 1 0\nv -1.5 1 0\n";  // |02| < |13|
  CHECK(mesh::read_obj(slanted + "f 1 2 3 4\n", "a.obj").faces == Faces{{0, 1, 2}, {0, 2, 3}});
  const std::string pentagon = kSquare + "v -0.5 0.5 0\n";
  CHECK(mesh::read_obj(pentagon + "f 1 2 3 4 5\n", "a.obj").faces == Faces{{0, 1, 2}, {0, 2, 3}, {0, 3, 4}});
  check_message(obj_error(kSquare + "v 0.5 0.5 0\nf 1 2 3 4 5\n"), "a.obj:6:", "flat and convex");
  check_message(obj_error(kSquare + "v -0.5 0.5 0.1\nf 1 2 3 4 5\n"), "a.obj:6:", "flat and convex");
}

TEST_CASE("mesh: an OBJ that is malformed is one clear error with its line") {
  check_message(obj_error(""), "a.obj:", "no vertices");
  check_message(obj_error("v 0 0\n"), "a.obj:1:", "three numbers");
  check_message(obj_error("v 0 0 x\n"), "a.obj:1:", "'x' is not a number");
  check_message(obj_error("v 0 0 nan\n"), "a.obj:1:", "'nan'");
  check_message(obj_error("\nv 0 1e39 0\n"), "a.obj:2:", "'1e39'");
  check_message(obj_error(kSquare + "f 1 2\n"), "a.obj:5:", "2 corners");
  check_message(obj_error(kSquare + "f 1 2 0\n"), "a.obj:5:", "'0' is not a corner");
  check_message(obj_error(kSquare + "f 1 2 3.5\n"), "a.obj:5:", "'3.5' is not a corner");
  check_message(obj_error(kSquare + "f 1 2 -5\n"), "a.obj:5:", "'-5' points 5 vertices back");
  check_message(obj_error(kSquare + "f 1 2 99999999999999\n"), "a.obj:5:", "not a corner");
  check_message(obj_error(kSquare + "f 1 2 5\n"), "a.obj:", "names vertex 5, there are 4");
  check_message(obj_error(kSquare + "f 1 2 2147483647 4\n"), "a.obj:5:", "no vertex 2147483647");
  check_message(obj_error(kSquare + "curv 1 2 3\n"), "a.obj:5:", "'curv' is not supported");
  check_message(obj_error(kSquare + "f 1 2 3\ng other\nf 1 3 4\n"), "a.obj:7:", "second object");
  std::string many = kSquare + "f";
  for (int i = 0; i < 100; ++i) many += " 1";
  check_message(obj_error(many), "a.obj:5:", "64 corners");
}

TEST_CASE("mesh: files, inertias, hulls and frames of every kind of asset equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  test::check_model(test::model_path("assets/meshes.xml"));
#endif
}

TEST_CASE("mesh: primitives fitted to the box of a mesh equal MuJoCo's") {
  BATON_NEED_MUJOCO();
#ifdef BATON_HAVE_MUJOCO
  test::Oracle o = test::Oracle::from_text(R"(<mujoco><compiler fitaabb="true" settotalmass="7"/>
    <asset><mesh name="m" vertex="0 0 0  0.2 0 0  0 0.1 0  0 0 0.7  0.1 0.1 0.3" refquat="1 0.2 0.3 0.4"/></asset>
    <worldbody><body pos="1 2 3"><freejoint/>
      <geom type="box" mesh="m" euler="10 20 30"/><geom type="sphere" mesh="m"/><geom type="capsule" mesh="m"/>
      <geom type="cylinder" mesh="m" pos="1 0 0" fitscale="0.5"/><geom type="ellipsoid" mesh="m"/>
      <geom type="mesh" mesh="m"/></body></worldbody></mujoco>)");
  test::check_model(o);
#endif
}

TEST_CASE("mesh: assets that MuJoCo or we cannot take are one clear error") {
  struct Case {
    const char* mesh;
    const char* text;
  };
  for (const auto& [mesh, text] : std::initializer_list<Case>{
           {"", "<mesh file>: missing"},
           {"name='m' file='m.stl'", "<mesh file>: 'm.stl' cannot be read for a text in memory"},
           {"name='m' file='m.msh'", "<mesh file>: 'm.msh' is not supported; save the mesh as .stl or .obj"},
           {"name='m' file='m.bin' content_type='model/msh'", "<mesh content_type>: 'model/msh'"},
           {"vertex='0 0 0 1 0 0 0 1 0 0 0 1'", "<mesh name>: missing"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0'", "<mesh>: 'm' has 3 vertices"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0'", "<mesh vertex>: 10 numbers"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 1 1 0'", "<mesh>: 'm': all vertices lie in one plane"},
           {"name='m' vertex='0 0 0 1 1 1 2 2 2 3 3 3'", "<mesh>: 'm': all vertices lie on one line"},
           {"name='m' vertex='1 1 1 1 1 1 1 1 1 1 1 1'", "<mesh>: 'm': all vertices lie at one place"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1'", "<mesh face>: 2 numbers"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1 4'", "<mesh face>: no vertex 4"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1 -1'", "<mesh face>: -1 is not"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1 1'", "<mesh>: 'm': the surface has no area"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1 2'", "<mesh>: 'm': the volume is too small"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 1 2 0 3 1 0 2 3 1 3 2' inertia='exact'",
            "<mesh>: 'm': the volume is negative"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' face='0 2 1 0 3 1 0 2 3 1 3 2' inertia='exact'",
            "<mesh>: 'm': two faces run from vertex"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1e300'", "<mesh vertex>: 0 0 inf is too large"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' scale='1 0 1'", "<mesh scale>: number 2 is 0"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' scale='1e200 1e200 1'", "<mesh>: 'm': "},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' maxhullvert='3'", "<mesh maxhullvert>: 3"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' inertia='full'", "<mesh inertia>: 'full'"},
           {"name='m' vertex='0 0 0 1 0 0 0 1 0 0 0 1' builtin='sphere'", "<mesh builtin>: 'sphere'"}}) {
    CAPTURE(mesh);
    const std::string xml = fmt::format("<mujoco><asset>\n<mesh {}/></asset></mujoco>", mesh);
    check_message(message([&] { mjcf::parse(xml, "m.xml"); }), "m.xml:2: ", text);
  }
}

TEST_CASE("mesh: geoms that name meshes wrongly are one clear error") {
  const auto error = [](const std::string& geom) {
    return message([&] {
      mjcf::parse("<mujoco><asset><mesh name='ball' vertex='0 0 0 1 0 0 0 1 0 0 0 1'/></asset><worldbody>\n" +
                      geom + "</worldbody></mujoco>",
                  "m.xml");
    });
  };
  check_message(error("<geom type='mesh'/>"), "m.xml:2: <geom mesh>: ", "missing");
  check_message(error("<geom type='mesh' mesh='bell'/>"), "m.xml:2: <geom mesh>: ", "did you mean 'ball'?");
  check_message(error("<geom type='plane' mesh='ball'/>"), "m.xml:2: <geom mesh>: ", "plane");
  check_message(error("<geom type='mesh' mesh='ball' fromto='0 0 0 1 1 1'/>"),
                "m.xml:2: <geom fromto>: ", "mesh");
  check_message(error("<geom type='mesh' mesh='ball' fitscale='0'/>"), "m.xml:2: <geom fitscale>: ", "0");
}
