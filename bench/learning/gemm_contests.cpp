// gemm/MxNxK, gemm_bt (B transposed: the gradient of a layer's input) and gemm_at (A transposed: the gradient of its
// weights), C = op(A) op(B) with C [M][N], K the inner length; bulk, bulk_bt and bulk_at the same by bulk_gemm, where
// the processor has tiles. A product runs on one thread; with two, each makes half of C's rows. Peer: OpenBLAS, as
// NumPy ships it.
#include <fmt/format.h>

#include <algorithm>

#include "bench/learning/contest.hpp"
#include "bench/peak.hpp"
#include "kernels/aligned.hpp"
#include "kernels/gemm.hpp"
#include "kernels/parallel.hpp"
#include "kernels/rng.hpp"

namespace baton::bench {
namespace {

using kernels::Transpose;

struct Product {
  int m, n, k;
  Transpose ta, tb;
  decltype(&kernels::gemm<float>) gemm;
  kernels::AlignedVector<float> a, b, c;

  Product(int rows, int columns, int inner, Transpose at, Transpose bt,
          decltype(&kernels::gemm<float>) product)
      : m(rows), n(columns), k(inner), ta(at), tb(bt), gemm(product) {
    a.resize(static_cast<std::size_t>(m) * k);
    b.resize(static_cast<std::size_t>(n) * k);
    c.resize(static_cast<std::size_t>(m) * n);
    kernels::fill_normal(1, 0, 0, a);
    kernels::fill_normal(2, 0, 0, b);
  }
  int lda() const { return ta == Transpose::kYes ? m : k; }
  int ldb() const { return tb == Transpose::kYes ? k : n; }

  void rows(decltype(&kernels::gemm<float>) product, int first, int count, float* out) const {
    const std::size_t offset = ta == Transpose::kYes ? first : static_cast<std::size_t>(first) * k;
    product(ta, tb, count, n, k, 1.0F, a.data() + offset, lda(), b.data(), ldb(), 0.0F, out, n);
  }

  void run() {
    const int parts = kernels::threads();
    kernels::parallel_for(parts, [&](int part) {
      const int begin = m * part / parts, end = m * (part + 1) / parts;
      rows(gemm, begin, end - begin, &c[static_cast<std::size_t>(begin) * n]);
    });
  }

  // Blocks of rows at both ends and in the middle, against ref: one rounding per step of a chain.
  void verify() const {
    const int count = std::min(m, 40);
    for (const int first : {0, (m - count) / 2, m - count}) {
      std::vector<float> want(static_cast<std::size_t>(count) * n);
      rows(kernels::ref::gemm<float>, first, count, want.data());
      const auto from = c.begin() + static_cast<std::ptrdiff_t>(first) * n;
      require_close("gemm", {from, from + static_cast<std::ptrdiff_t>(want.size())}, want, 1.2e-7 * (k + 16));
    }
  }
};

}  // namespace

void add_gemm_contests() {
  struct Shape {
    const char* form;
    int m, n, k;
    Transpose ta, tb;
  };
  constexpr Transpose kNo = Transpose::kNo, kYes = Transpose::kYes;
  struct Family {
    const char* name;
    decltype(&kernels::gemm<float>) product;
  };
  std::vector<Family> families{{"gemm", kernels::gemm<float>}};
  if (tile_rate() > 0) families.push_back({"bulk", kernels::bulk_gemm<float>});
  for (const Family& family : families) {
    for (const Shape& s : {
             Shape{"", 4096, 256, 256, kNo, kNo},
             Shape{"", 4096, 256, 60, kNo, kNo},
             Shape{"", 28000, 256, 256, kNo, kNo},
             Shape{"_bt", 4096, 256, 256, kNo, kYes},
             Shape{"_at", 256, 256, 4096, kYes, kNo},
             Shape{"_at", 60, 256, 4096, kYes, kNo},
         }) {
      const std::string shape = fmt::format("{}/{}x{}x{}", s.form, s.m, s.n, s.k);
      add_contest(family.name + shape, "gemm" + shape, 40, [s, product = family.product] {
        const auto work = std::make_shared<Product>(s.m, s.n, s.k, s.ta, s.tb, product);
        work->run();
        work->verify();
        return Work{[p = work.get()] { p->run(); }, 2.0 * s.m * s.n * s.k, {}, work};
      });
    }
  }
}

}  // namespace baton::bench
