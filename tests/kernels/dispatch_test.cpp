#include "kernels/dispatch.hpp"

#include <doctest/doctest.h>

#include <cstdint>

#include "kernels/error.hpp"

namespace baton::kernels {

TEST_CASE("the base set is always there, and sets that are missing are refused") {
  CHECK(isa_available(0));
  CHECK(isa_name(0) == doctest::String("base"));
  CHECK(isa_available(current_isa()));
  CHECK_THROWS_AS(set_isa(isa_count()), Error);
  CHECK_THROWS_AS(set_isa(-1), Error);
}

TEST_CASE("a set whose vectors are another's is there only with it") {
  for (int isa = 0; isa < isa_count(); ++isa) {
    int of_vectors = 0;
    while (doctest::String(isa_name(of_vectors)) != isa_vectors(isa)) ++of_vectors;
    CHECK((!isa_available(isa) || isa_available(of_vectors)));
    CHECK(doctest::String(isa_vectors(of_vectors)) == isa_vectors(isa));
  }
}

TEST_CASE("a thread's buffer is aligned, kept, and grows") {
  void* small = thread_buffer(100);
  CHECK(reinterpret_cast<std::uintptr_t>(small) % 64 == 0);
  CHECK(thread_buffer(50) == small);
  CHECK(reinterpret_cast<std::uintptr_t>(thread_buffer(1 << 20)) % 64 == 0);
}

}  // namespace baton::kernels
