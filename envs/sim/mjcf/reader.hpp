#pragma once
// Elements to Spec: sections in MuJoCo's order (compiler and option first, then defaults, then the rest), default
// classes applied to every element.
#include "envs/sim/mjcf/files.hpp"
#include "envs/sim/mjcf/spec.hpp"

namespace baton::sim::mjcf {

// `root` must have passed check_schema.
Spec read_spec(const Element& root, const std::string& file, const Folder& folder);

// One element's own attributes over what `into` holds already (its class's settings). Names and places are set too.
void read_joint(const Element& e, JointSpec& into);
void read_geom(const Element& e, const CompilerSpec& compiler, GeomSpec& into);
void read_site(const Element& e, const CompilerSpec& compiler, SiteSpec& into);
void read_inertial(const Element& e, const CompilerSpec& compiler, InertialSpec& into);
void read_pair(const Element& e, PairSpec& into);
void read_equality(const Element& e, EqualitySpec& into);
void read_actuator(const Element& e, ActuatorSpec& into);
void read_key(const Element& e, KeySpec& into);
void read_mesh_settings(const Element& e, MeshSpec& into);
void read_mesh(const Element& e, const CompilerSpec& compiler, const Folder& folder, MeshSpec& into);
void read_softness(const Element& e, const char* solref, const char* solimp, Softness<double>& into);

// The element's orientation, in whichever of the five forms, into `quat` (unit); two forms are refused.
void read_orientation(const Element& e, const CompilerSpec& compiler, Quat<double>& quat);

}  // namespace baton::sim::mjcf
