// Which geoms may touch, and with what parameters.
#include <algorithm>
#include <set>
#include <tuple>

#include "envs/sim/mjcf/compile.hpp"

namespace baton::sim::mjcf {
namespace {

constexpr std::size_t kMaxPairs = 200'000;
constexpr double kMinFriction =
    1e-5;  // what MuJoCo's contacts have at least: cones of no width have no scale

// Filters between bodies (MuJoCo, Computation: collision detection, selection).
class BodyFilter {
 public:
  BodyFilter(const Spec& spec, const Model<double>& m) : model_(m), filter_parent_(spec.flags.filterparent) {
    std::vector<std::string> names;
    for (const auto& b : m.bodies) names.push_back(b.name);
    for (const ExcludeSpec& x : spec.excludes) {
      const auto id = [&](const std::string& name, const char* attribute) {
        const int b = m.body_id(name);
        if (b < 0) refuse_at(x.where, attribute, "no body '{:.60}'{}", name, suggestion(name, names));
        return b;
      };
      const int b1 = id(x.body1, "exclude body1"), b2 = id(x.body2, "exclude body2");
      excluded_.emplace(std::min(b1, b2), std::max(b1, b2));
    }
  }

  bool may_touch(int b1, int b2) const {
    const int w1 = body(b1).weld, w2 = body(b2).weld;
    if (w1 == w2 || (!moves(b1) && !moves(b2))) return false;
    const int p1 = body(body(w1).parent).weld, p2 = body(body(w2).parent).weld;
    if (filter_parent_ && w1 != 0 && w2 != 0 && (w1 == p2 || w2 == p1)) return false;
    return excluded_.count({std::min(b1, b2), std::max(b1, b2)}) == 0;
  }

  bool moves(int b) const { return body(b).last_dof >= 0; }

 private:
  const Body<double>& body(int b) const { return model_.bodies[static_cast<std::size_t>(b)]; }
  const Model<double>& model_;
  bool filter_parent_;
  std::set<std::pair<int, int>> excluded_;
};

bool masks_meet(const Geom<double>& a, const Geom<double>& b) {
  return (a.contype & b.conaffinity) != 0 || (b.contype & a.conaffinity) != 0;
}

const GeomSpec& source(const Spec& spec, const Model<double>& m, int geom) {
  const auto& body = m.bodies[static_cast<std::size_t>(m.geoms[static_cast<std::size_t>(geom)].body)];
  return spec.bodies[static_cast<std::size_t>(m.geoms[static_cast<std::size_t>(geom)].body)]
      .geoms[static_cast<std::size_t>(geom - body.geom)];
}

class PairMaker {
 public:
  PairMaker(const Spec& spec, Model<double>& m) : spec_(spec), model_(m) {}

  // Adds a pair unless its geoms have it already; geom1 gets the lower type (the lower id at equal types).
  void add(Pair<double> p, int g1, int g2, const Where& where) {
    if (!seen_.emplace(std::min(g1, g2), std::max(g1, g2)).second) return;
    const auto type = [&](int g) { return model_.geoms[static_cast<std::size_t>(g)].type; };
    if (std::tuple(type(g1), g1) > std::tuple(type(g2), g2)) std::swap(g1, g2);
    if (type(g2) == GeomType::kPlane) return;  // planes do not meet planes; all others do
    if (model_.pairs.size() >= kMaxPairs) {
      refuse_at(where, "geom",
                "more than {} pairs of geoms may touch; restrict them with contype and conaffinity",
                kMaxPairs);
    }
    for (double& f : p.friction) f = std::max(f, kMinFriction);
    p.geom1 = g1, p.geom2 = g2;
    model_.pairs.push_back(p);
  }

  void explicit_pairs(const BodyFilter& filter) {
    std::vector<std::string> names;
    for (const auto& g : model_.geoms) names.push_back(g.name);
    for (const PairSpec& s : spec_.pairs) {
      const auto id = [&](const std::string& name, const char* attribute) {
        const int g = name.empty() ? -1 : model_.geom_id(name);
        if (g < 0) refuse_at(s.where, attribute, "no geom '{:.60}'{}", name, suggestion(name, names));
        return g;
      };
      const int g1 = id(s.geom1, "pair geom1"), g2 = id(s.geom2, "pair geom2");
      if (g1 == g2) refuse_at(s.where, "pair geom2", "'{:.60}' is geom1 too", s.geom2);
      const int b1 = model_.geoms[static_cast<std::size_t>(g1)].body,
                b2 = model_.geoms[static_cast<std::size_t>(g2)].body;
      if (!filter.moves(b1) && !filter.moves(b2)) continue;  // nothing a force could do
      Pair<double> p;
      p.condim = s.condim, p.friction = s.friction, p.margin = s.margin + s.gap, p.gap = s.gap,
      p.softness = s.softness, p.friction_solref = s.friction_solref;
      if (!(p.margin >= 0)) refuse_at(s.where, "pair margin", "margin + gap is {}, below 0", p.margin);
      add(p, g1, g2, s.where);
    }
  }

  void dynamic_pairs(const BodyFilter& filter) {
    struct Masks {
      int contype = 0, conaffinity = 0;
    };
    std::vector<Masks> masks(model_.bodies.size());
    std::vector<int> colliding;  // bodies with any mask
    for (std::size_t b = 0; b < model_.bodies.size(); ++b) {
      for (int g = 0; g < model_.bodies[b].geoms; ++g) {
        const auto& geom = model_.geoms[static_cast<std::size_t>(model_.bodies[b].geom + g)];
        masks[b].contype |= geom.contype, masks[b].conaffinity |= geom.conaffinity;
      }
      if (masks[b].contype != 0 || masks[b].conaffinity != 0) colliding.push_back(static_cast<int>(b));
    }
    for (std::size_t i = 0; i < colliding.size(); ++i) {
      for (std::size_t j = i + 1; j < colliding.size(); ++j) {
        const int b1 = colliding[i], b2 = colliding[j];
        const Masks &m1 = masks[static_cast<std::size_t>(b1)], &m2 = masks[static_cast<std::size_t>(b2)];
        if ((m1.contype & m2.conaffinity) == 0 && (m2.contype & m1.conaffinity) == 0) continue;
        if (filter.may_touch(b1, b2)) geom_pairs(b1, b2);
      }
    }
  }

  void sort() {
    const auto key = [&](const Pair<double>& p) {
      int g1 = p.geom1, g2 = p.geom2;
      if (g1 > g2) std::swap(g1, g2);  // geoms are numbered body by body
      return std::tuple(model_.geoms[static_cast<std::size_t>(g1)].body,
                        model_.geoms[static_cast<std::size_t>(g2)].body, g1, g2);
    };
    std::sort(model_.pairs.begin(), model_.pairs.end(),
              [&](const auto& a, const auto& b) { return key(a) < key(b); });
  }

 private:
  void geom_pairs(int b1, int b2) {
    const Body<double>&body1 = model_.bodies[static_cast<std::size_t>(b1)],
          &body2 = model_.bodies[static_cast<std::size_t>(b2)];
    for (int i = body1.geom; i < body1.geom + body1.geoms; ++i) {
      for (int j = body2.geom; j < body2.geom + body2.geoms; ++j) {
        const Geom<double>&g1 = model_.geoms[static_cast<std::size_t>(i)],
              &g2 = model_.geoms[static_cast<std::size_t>(j)];
        if (masks_meet(g1, g2)) add(mix_parameters(g1, g2), i, j, source(spec_, model_, j).where);
      }
    }
  }

  const Spec& spec_;
  Model<double>& model_;
  std::set<std::pair<int, int>> seen_;
};

}  // namespace

Pair<double> mix_parameters(const Geom<double>& a, const Geom<double>& b) {
  Pair<double> p;
  std::array<double, 3> friction{};
  if (a.priority != b.priority) {
    const Geom<double>& winner = a.priority > b.priority ? a : b;
    p.condim = winner.condim, p.softness = winner.softness, friction = winner.friction;
  } else {
    constexpr double kTiny = 1e-15;
    p.condim = std::max(a.condim, b.condim);
    const bool none_a = a.solmix < kTiny, none_b = b.solmix < kTiny;
    const double mix = none_a && none_b ? 0.5
                       : none_a         ? 0.0
                       : none_b         ? 1.0
                                        : a.solmix / (a.solmix + b.solmix);
    const bool standard = a.softness.solref[0] > 0 && b.softness.solref[0] > 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const double ra = a.softness.solref[i], rb = b.softness.solref[i];
      p.softness.solref[i] = standard ? mix * ra + (1 - mix) * rb : std::min(ra, rb);
    }
    for (std::size_t i = 0; i < 5; ++i) {
      p.softness.solimp[i] = mix * a.softness.solimp[i] + (1 - mix) * b.softness.solimp[i];
    }
    for (std::size_t i = 0; i < 3; ++i) friction[i] = std::max(a.friction[i], b.friction[i]);
  }
  p.friction = {friction[0], friction[0], friction[1], friction[2], friction[2]};
  p.gap = a.gap + b.gap;
  p.margin = a.margin + b.margin + p.gap;
  return p;
}

void make_pairs(const Spec& spec, Model<double>& model) {
  model.pairs.clear();
  const BodyFilter filter(spec, model);
  PairMaker maker(spec, model);
  maker.explicit_pairs(filter);
  maker.dynamic_pairs(filter);
  maker.sort();
  if (!spec.flags.constraint || !spec.flags.contact) model.pairs.clear();
}

}  // namespace baton::sim::mjcf
