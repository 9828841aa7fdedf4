#pragma once
// Spec to Model<double>: the body tree with its tables, masses, names looked up, collision pairs.
#include "envs/sim/mjcf/spec.hpp"

namespace baton::sim::mjcf {

// Everything but what compute_constants() fills.
Model<double> compile(const Spec& spec);

// Model::pairs from the geoms, MuJoCo's filters and the explicit <contact> pairs.
void make_pairs(const Spec& spec, Model<double>& model);

// The contact parameters of two geoms: those of the one of higher priority; at equal priority the larger condim and
// friction, and softness averaged by solmix (direct solref, both <= 0: the smaller). Margins and gaps add up. MuJoCo:
// a contact exists when dist < margin + gap and pushes when dist < margin, so Pair::margin is the sum of both.
Pair<double> mix_parameters(const Geom<double>& a, const Geom<double>& b);

}  // namespace baton::sim::mjcf
