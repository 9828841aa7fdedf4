#include "kernels/dispatch.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#if defined(BATON_X86) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/error.hpp"

namespace baton::kernels {

#define BATON_DECLARE_ISA(isa)                              \
  namespace isa {                                           \
  void fill_adam(Table<float>& f, Table<double>& d);        \
  void fill_categorical(Table<float>& f, Table<double>& d); \
  void fill_elementwise(Table<float>& f, Table<double>& d); \
  void fill_gather(Table<float>& f, Table<double>& d);      \
  void fill_gaussian(Table<float>& f, Table<double>& d);    \
  void fill_gemm(Table<float>& f, Table<double>& d);        \
  void fill_layer_norm(Table<float>& f, Table<double>& d);  \
  void fill_reduce(Table<float>& f, Table<double>& d);      \
  void fill_rng(Table<float>& f, Table<double>& d);         \
  void fill_sgd(Table<float>& f, Table<double>& d);         \
  void fill_softmax(Table<float>& f, Table<double>& d);     \
  }
BATON_DECLARE_ISA(base)
#ifdef BATON_X86
BATON_DECLARE_ISA(avx2)
BATON_DECLARE_ISA(avx512)
namespace amx {
void fill_bulk_gemm(Table<float>& f);  // over what avx512 fills in
}
#endif
#undef BATON_DECLARE_ISA

namespace {

struct Tables {
  Table<float> f;
  Table<double> d;
};

#define BATON_FILL_ISA(isa)          \
  [](Tables& t) {                    \
    isa::fill_adam(t.f, t.d);        \
    isa::fill_categorical(t.f, t.d); \
    isa::fill_elementwise(t.f, t.d); \
    isa::fill_gather(t.f, t.d);      \
    isa::fill_gaussian(t.f, t.d);    \
    isa::fill_gemm(t.f, t.d);        \
    isa::fill_layer_norm(t.f, t.d);  \
    isa::fill_reduce(t.f, t.d);      \
    isa::fill_rng(t.f, t.d);         \
    isa::fill_sgd(t.f, t.d);         \
    isa::fill_softmax(t.f, t.d);     \
  }

struct Isa {
  const char* name;
  const char* vectors;
  void (*fill)(Tables&);
  bool (*available)();
};

#ifdef BATON_X86
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

// The registers of tiles are large, so that Linux wants to be asked for them, once for all threads of a process.
bool has_tiles() {
#ifdef __linux__
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>
  static const bool permitted = __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
                                syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return permitted && has_avx512();
#else
  return false;
#endif
}
#endif

constexpr Isa kIsas[] = {
    {"base", "base", BATON_FILL_ISA(base), [] { return true; }},
#ifdef BATON_X86
    {"avx2", "avx2", BATON_FILL_ISA(avx2),
     [] { return bool(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")); }},
    {"avx512", "avx512", BATON_FILL_ISA(avx512), has_avx512},
    {"amx", "avx512",
     [](Tables& t) {
       BATON_FILL_ISA(avx512)(t);
       amx::fill_bulk_gemm(t.f);
     },
     has_tiles},
#endif
};
constexpr int kIsaCount = static_cast<int>(sizeof(kIsas) / sizeof(kIsas[0]));

struct Choice {
  Tables tables;
  int isa = 0;
  void set(int wanted) {
    kIsas[wanted].fill(tables);
    isa = wanted;
  }
};

int first_choice() {
  const char* forced = std::getenv("BATON_ISA");
  if (forced != nullptr && *forced != '\0') {
    for (int i = 0; i < kIsaCount; ++i) {
      if (std::strcmp(forced, kIsas[i].name) != 0) continue;
      BATON_REQUIRE(kIsas[i].available(), "BATON_ISA={}: this processor lacks it", forced);
      return i;
    }
    fail("BATON_ISA={}: unknown instruction set, known are base, avx2, avx512, amx", forced);
  }
  int best = 0;
  for (int i = 0; i < kIsaCount; ++i) {
    if (kIsas[i].available()) best = i;
  }
  return best;
}

Choice& choice() {
  static Choice instance = [] {
    Choice made;
    made.set(first_choice());
    return made;
  }();
  return instance;
}

}  // namespace

int isa_count() { return kIsaCount; }
const char* isa_name(int isa) { return kIsas[isa].name; }
const char* isa_vectors(int isa) { return kIsas[isa].vectors; }
bool isa_available(int isa) { return kIsas[isa].available(); }
int current_isa() { return choice().isa; }

void set_isa(int isa) {
  BATON_REQUIRE(isa >= 0 && isa < kIsaCount, "set_isa: {} is outside 0..{}", isa, kIsaCount - 1);
  BATON_REQUIRE(isa_available(isa), "set_isa: this processor lacks {}", isa_name(isa));
  choice().set(isa);
}

template <>
const Table<float>& table<float>() {
  return choice().tables.f;
}
template <>
const Table<double>& table<double>() {
  return choice().tables.d;
}

void* thread_buffer(std::int64_t bytes) {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<void, Free> buffer;
  thread_local std::int64_t capacity = 0;
  if (bytes > capacity) {
    const auto rounded = static_cast<std::size_t>((bytes + 63) / 64 * 64);
    buffer.reset(std::aligned_alloc(64, rounded));
    if (buffer == nullptr) throw std::bad_alloc();
    capacity = bytes;
  }
  return buffer.get();
}

}  // namespace baton::kernels
