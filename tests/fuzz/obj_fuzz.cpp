// Wavefront OBJ from memory: what is accepted keeps the promises of envs/sim/mesh/surface.hpp.
#include "tests/fuzz/surface_check.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run(data, size,
                   [](std::string_view bytes) { fuzz::check_surface(sim::mesh::read_obj(bytes, "m.obj")); });
}
