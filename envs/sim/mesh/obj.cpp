#include <algorithm>
#include <charconv>
#include <cmath>

#include "envs/sim/mesh/surface.hpp"
#include "envs/sim/words.hpp"
#include "kernels/error.hpp"

namespace baton::sim::mesh {
namespace {

constexpr std::size_t kMaxCorners = 64;

Vec3<double> wide(const Vec3<float>& v) { return cast<double>(v); }

class Parser {
 public:
  explicit Parser(const std::string& name) : name_(name) {}

  Surface run(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      statement(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    BATON_REQUIRE(!surface_.vertices.empty(), "{}: no vertices; an OBJ file has lines 'v x y z'", name_);
    check_indices();
    return std::move(surface_);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}:{}: {}", name_, line_, fmt::format(format, std::forward<Args>(args)...));
  }

  void statement(std::string_view rest) {
    const std::string_view word = next_word(rest);
    if (word.empty() || word[0] == '#') return;
    if (word == "v") return vertex(rest);
    if (word == "f") return face(rest);
    if (word == "o" || word == "g") {
      group_ended_ = !surface_.faces.empty();
      return;
    }
    for (const char* known : {"vn", "vt", "s", "mg", "usemtl", "mtllib", "usemap", "maplib", "l", "p"})
      if (word == known) return;
    refuse("'{:.40}' is not supported; expected v, f, vn, vt, o, g, s, usemtl, mtllib", word);
  }

  void vertex(std::string_view rest) {
    float v[3];
    for (float& x : v) {
      const std::string_view word = next_word(rest);
      const std::string_view digits = word.substr(!word.empty() && word[0] == '+' ? 1 : 0);
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), x);
      if (word.empty()) refuse("a vertex needs three numbers");
      // Numbers too small for a float are zero.
      if (ec == std::errc::result_out_of_range && tiny(digits)) {
        x = 0;
      } else if (ec != std::errc() || end != digits.data() + digits.size()) {
        refuse("'{:.40}' is not a number", word);
      }
      if (!(std::fabs(x) <= kMaxCoordinate))
        refuse("'{:.40}' is not a number of at most {}", word, kMaxCoordinate);
    }
    if (surface_.vertices.size() >= kMaxVertices) refuse("more than {} vertices", kMaxVertices);
    surface_.vertices.push_back({v[0], v[1], v[2]});
  }

  static bool tiny(std::string_view digits) {
    double wide_value = 1;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), wide_value);
    return ec == std::errc() && end == digits.data() + digits.size() && std::fabs(wide_value) < 1;
  }

  void face(std::string_view rest) {
    if (group_ended_) {
      refuse(
          "faces in a second object or group: a mesh is the first one only; join them, or write one file "
          "each");
    }
    int corners[kMaxCorners];
    std::size_t n = 0;
    for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
      if (word[0] == '#') break;
      if (n == kMaxCorners) refuse("a face of more than {} corners", kMaxCorners);
      corners[n++] = index(word);
    }
    if (n < 3) refuse("a face of {} corners, expected at least 3", n);
    if (n == 3) return add(corners[0], corners[1], corners[2]);
    for (std::size_t i = 0; i < n; ++i) check_index(corners[i]);
    if (n == 4) return quadrilateral(corners);
    polygon({corners, corners + n});
  }

  int index(std::string_view word) const {
    const std::string_view digits = word.substr(0, word.find('/'));
    int i = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), i);
    if (ec != std::errc() || end != digits.data() + digits.size() || i == 0) {
      refuse("'{:.40}' is not a corner; expected i, i/t, i//n or i/t/n, counted from 1", word);
    }
    const int known = static_cast<int>(surface_.vertices.size());
    if (i < -known)
      refuse("'{:.40}' points {} vertices back, there are {} so far", word, -static_cast<long>(i), known);
    return i > 0 ? i - 1 : known + i;
  }

  void check_index(int i) const {
    const std::size_t n = surface_.vertices.size();
    if (i < 0 || static_cast<std::size_t>(i) >= n) refuse("no vertex {}; there are {} so far", i + 1, n);
  }

  // A face of three may stand before its vertices.
  void check_indices() const {
    for (const auto& f : surface_.faces) {
      for (const int i : f) {
        BATON_REQUIRE(i >= 0 && static_cast<std::size_t>(i) < surface_.vertices.size(),
                      "{}: a face names vertex {}, there are {}", name_, static_cast<long>(i) + 1,
                      surface_.vertices.size());
      }
    }
  }

  void add(int a, int b, int c) {
    if (surface_.faces.size() >= kMaxFaces) refuse("more than {} triangles", kMaxFaces);
    surface_.faces.push_back({a, b, c});
  }

  Vec3<double> at(int i) const { return wide(surface_.vertices[static_cast<std::size_t>(i)]); }

  void quadrilateral(const int* c) {
    const Vec3<double> d02 = at(c[2]) - at(c[0]), d13 = at(c[3]) - at(c[1]);
    if (dot(d02, d02) < dot(d13, d13)) {
      add(c[0], c[1], c[2]), add(c[0], c[2], c[3]);
    } else {
      add(c[0], c[1], c[3]), add(c[1], c[2], c[3]);
    }
  }

  // A fan about the first corner is the polygon only where that is flat and convex.
  void polygon(const std::vector<int>& c) {
    const Vec3<double> origin = at(c[0]);
    Vec3<double> normal{0, 0, 0};
    double size = 0;
    for (std::size_t i = 1; i + 1 < c.size(); ++i) {
      normal += cross(at(c[i]) - origin, at(c[i + 1]) - origin);
      size = std::max({size, norm(at(c[i]) - origin), norm(at(c[i + 1]) - origin)});
    }
    if (!(norm(normal) > 0)) refuse("a face of {} corners without area", c.size());
    normal *= 1 / norm(normal);
    constexpr double kFlat = 1e-4;
    for (std::size_t i = 0; i < c.size(); ++i) {
      const Vec3<double> a = at(c[i]), b = at(c[(i + 1) % c.size()]), d = at(c[(i + 2) % c.size()]);
      const bool flat = std::fabs(dot(a - origin, normal)) <= kFlat * size;
      const double turn = dot(cross(b - a, d - b), normal), fan = dot(cross(a - origin, b - origin), normal);
      if (!flat || turn < -kFlat * size * size || fan < -kFlat * size * size) {
        refuse("a face of {} corners that is not flat and convex; save the mesh triangulated", c.size());
      }
    }
    for (std::size_t i = 1; i + 1 < c.size(); ++i) add(c[0], c[i], c[i + 1]);
  }

  const std::string& name_;
  Surface surface_;
  int line_ = 0;
  bool group_ended_ = false;
};

}  // namespace

Surface read_obj(std::string_view bytes, const std::string& name) {
  BATON_REQUIRE(bytes.size() <= kMaxBytes, "{}: {} bytes, the limit for a mesh is {}", name, bytes.size(),
                kMaxBytes);
  return Parser(name).run(bytes);
}

}  // namespace baton::sim::mesh
