#include "envs/sim/mesh/hull.hpp"

#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <memory>

#include "kernels/error.hpp"

extern "C" {
#include <libqhull_r/qhull_ra.h>
}

namespace baton::sim::mesh {
namespace {

using Points = std::span<const Vec3<double>>;

// The point for which `distance` is largest, and that distance.
template <class F>
std::pair<std::size_t, double> farthest(Points points, F&& distance) {
  std::pair<std::size_t, double> best{0, -1};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double d = distance(points[i]);
    if (d > best.second) best = {i, d};
  }
  return best;
}

// Qhull says it too, but in many lines about rounding.
void check_solid(Points p, const std::string& name) {
  constexpr double kTiny = 1e-14;
  BATON_REQUIRE(p.size() >= 4, "{}: {} vertices, a convex hull needs 4", name, p.size());
  const Vec3<double> a = p[0];
  const auto [b, length] = farthest(p, [&](const Vec3<double>& v) { return norm(v - a); });
  BATON_REQUIRE(length > kTiny, "{}: all vertices lie at one place: no convex hull; use a small sphere",
                name);
  const Vec3<double> along = (p[b] - a) * (1 / length);
  const auto [c, width] = farthest(p, [&](const Vec3<double>& v) { return norm(cross(v - a, along)); });
  BATON_REQUIRE(width > kTiny * length,
                "{}: all vertices lie on one line: no convex hull; use a thin capsule", name);
  Vec3<double> normal = cross(along, p[c] - a);
  normal *= 1 / norm(normal);
  const auto [d, depth] = farthest(p, [&](const Vec3<double>& v) { return std::fabs(dot(v - a, normal)); });
  static_cast<void>(d);
  BATON_REQUIRE(depth > kTiny * length, "{}: all vertices lie in one plane: no convex hull; use a thin box",
                name);
}

// Qhull's state and what it has to say. Its errors leave through longjmp: nothing with a destructor may be made between
// setjmp and the end of run().
class Qhull {
 public:
  Qhull() : messages_(fmemopen(text_, sizeof text_, "w")) {
    BATON_REQUIRE(messages_ != nullptr, "convex hull: out of memory");
    qh_zero(&qh, messages_);
    qh_init_A(&qh, nullptr, nullptr, messages_, 0, nullptr);
  }
  Qhull(const Qhull&) = delete;
  Qhull& operator=(const Qhull&) = delete;
  ~Qhull() {
    int left = 0, total = 0;
    qh_freeqhull(&qh, !qh_ALL);
    qh_memfreeshort(&qh, &left, &total);
    std::fclose(messages_);
  }

  bool run(char* options, double* coordinates, int count) {
    if (setjmp(qh.errexit) != 0) return false;
    qh.NOerrexit = False;
    qh_initflags(&qh, options);
    qh_init_B(&qh, coordinates, count, 3, False);
    qh_qhull(&qh);
    qh_triangulate(&qh);
    return true;
  }

  // The first line.
  std::string message() {
    std::fflush(messages_);
    const std::string all(text_, strnlen(text_, sizeof text_));
    return all.substr(0, std::min(all.find('\n'), all.size()));
  }

  qhT qh;

 private:
  char text_[1024] = "";
  std::FILE* messages_;
};

}  // namespace

Hull convex_hull(Points points, int max_vertices, const std::string& name) {
  check_solid(points, name);
  std::vector<double> coordinates;
  coordinates.reserve(3 * points.size());
  for (const auto& p : points) coordinates.insert(coordinates.end(), {p.x, p.y, p.z});
  // Q9: always the point that stands out most; TA: so many after the first four.
  std::string options = "qhull Qt";
  if (max_vertices >= 0) options += fmt::format(" Q9 TA{}", max_vertices - 4);
  const auto job = std::make_unique<Qhull>();
  if (!job->run(options.data(), coordinates.data(), static_cast<int>(points.size()))) {
    fail("{}: no convex hull: {}", name, job->message());
  }
  qhT* qh = &job->qh;  // the name that Qhull's macros expect
  Hull hull;
  std::vector<int> local(points.size(), -1);
  vertexT *vertex, **vertexp;
  facetT* facet;
  FORALLvertices {
    const int id = qh_pointid(qh, vertex->point);
    BATON_REQUIRE(id >= 0 && static_cast<std::size_t>(id) < points.size(),
                  "{}: no convex hull: foreign point", name);
    local[static_cast<std::size_t>(id)] = static_cast<int>(hull.vertices.size());
    hull.vertices.push_back(id);
  }
  FORALLfacets {
    std::array<int, 3> face{};
    int n = 0;
    FOREACHvertex_(facet->vertices) {
      const int id = qh_pointid(qh, vertex->point);
      BATON_REQUIRE(n < 3 && id >= 0 && local[static_cast<std::size_t>(id)] >= 0,
                    "{}: no convex hull: a face that is no triangle", name);
      face[static_cast<std::size_t>(n++)] = local[static_cast<std::size_t>(id)];
    }
    BATON_REQUIRE(n == 3, "{}: no convex hull: a face that is no triangle", name);
    if (facet->toporient != 0) std::swap(face[0], face[1]);
    hull.faces.push_back(face);
  }
  return hull;
}

}  // namespace baton::sim::mesh
