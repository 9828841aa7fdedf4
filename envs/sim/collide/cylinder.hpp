#pragma once
#include "envs/sim/collide/shape.hpp"
namespace baton::sim {
template <class T> void capsule_cylinder(const Shape<T>&, const Shape<T>&, mask_t<T>, ContactSink<T>&) {}
template <class T> void cylinder_cylinder(const Shape<T>&, const Shape<T>&, mask_t<T>, ContactSink<T>&) {}
template <class T> void cylinder_box(const Shape<T>&, const Shape<T>&, mask_t<T>, ContactSink<T>&) {}
}
