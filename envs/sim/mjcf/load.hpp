#pragma once
// MJCF text to Model<double>. The subset, its defaults and its meaning are those of MuJoCo's XML reference
// (https://mujoco.readthedocs.io, "XML Reference" and "Modeling"); what is outside the subset is one Error
// `file:line: <element attribute>: what, and what would be right`, never a silent difference.
//
// Kept: compiler, option, default classes, include, meshes (STL, OBJ, inline), colours of materials, bodies, inertials,
// joints, freejoints, geoms, sites, contact pairs and excludes, equalities of joints, bodies and sites, actuators of
// joints, keyframes. Read over: cameras, lights, textures, skins, sensors, visual, statistic, size. Files are
// untrusted: sizes, depth and counts are bounded, and nothing outside the folder above the main file's is read
// (files.hpp).
#include <string>
#include <string_view>

#include "envs/sim/model.hpp"

namespace baton::sim::mjcf {

// Reads a file and everything it includes. Throws Error.
Model<double> load(const std::string& path);

// The same for text in memory; `name` stands for the file in errors. <include> and mesh
// files are refused: text has no folder.
Model<double> parse(std::string_view text, const std::string& name = "<text>");

}  // namespace baton::sim::mjcf
