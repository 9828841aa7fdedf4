// The seam to cuBLAS. Its library (595 MB with cublasLt) is loaded when it is first needed, not with the program:
// linked, it costs every command 60 ms, and the program would not start on a machine that lacks it.
#include <cublas_v2.h>
#include <dlfcn.h>

#include <algorithm>

#include "kernels/cuda/gemm.hpp"
#include "kernels/cuda/launch.hpp"

#define BATON_TEXT_OF(x) #x
#define BATON_TEXT(x) BATON_TEXT_OF(x)
#define BATON_CUBLAS(name, ...) check_cublas(library().name(__VA_ARGS__), #name, __FILE__, __LINE__)

namespace baton::kernels::cuda {
namespace {

constexpr char kLibrary[] = "libcublas.so." BATON_TEXT(CUBLAS_VER_MAJOR);

// Functions under cuBLAS's own names, which its header makes those of version 2.
struct Library {
  decltype(&::cublasCreate) cublasCreate;
  decltype(&::cublasDestroy) cublasDestroy;
  decltype(&::cublasSetStream) cublasSetStream;
  decltype(&::cublasSetWorkspace) cublasSetWorkspace;
  decltype(&::cublasSetMathMode) cublasSetMathMode;
  decltype(&::cublasSgemm) cublasSgemm;
  decltype(&::cublasDgemm) cublasDgemm;
  decltype(&::cublasGetStatusString) cublasGetStatusString;
};

template <class F>
void find(void* opened, const char* name, F* function) {
  *function = reinterpret_cast<F>(dlsym(opened, name));
  if (*function == nullptr) raw::fail(name, __FILE__, __LINE__, dlerror());
}

Library load() {
  void* opened = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) raw::fail("loading cuBLAS", __FILE__, __LINE__, dlerror());
  Library l{};
  find(opened, BATON_TEXT(cublasCreate), &l.cublasCreate);
  find(opened, BATON_TEXT(cublasDestroy), &l.cublasDestroy);
  find(opened, BATON_TEXT(cublasSetStream), &l.cublasSetStream);
  find(opened, BATON_TEXT(cublasSetWorkspace), &l.cublasSetWorkspace);
  find(opened, BATON_TEXT(cublasSetMathMode), &l.cublasSetMathMode);
  find(opened, BATON_TEXT(cublasSgemm), &l.cublasSgemm);
  find(opened, BATON_TEXT(cublasDgemm), &l.cublasDgemm);
  find(opened, BATON_TEXT(cublasGetStatusString), &l.cublasGetStatusString);
  return l;
}

const Library& library() {
  static const Library loaded = load();
  return loaded;
}

void check_cublas(cublasStatus_t status, const char* call, const char* file, int line) {
  if (status != CUBLAS_STATUS_SUCCESS) raw::fail(call, file, line, library().cublasGetStatusString(status));
}

cublasHandle_t native(const Blas& blas) { return static_cast<cublasHandle_t>(blas.handle()); }
cublasOperation_t native(Transpose t) { return t == Transpose::kYes ? CUBLAS_OP_T : CUBLAS_OP_N; }

}  // namespace

// 32 MiB is what cuBLAS takes for itself on Hopper (its manual, cublasSetWorkspace).
Blas::Blas(Stream& stream) : stream_(&stream), workspace_(std::int64_t{32} << 20) {
  cublasHandle_t created = nullptr;
  BATON_CUBLAS(cublasCreate, &created);
  try {
    BATON_CUBLAS(cublasSetStream, created, static_cast<cudaStream_t>(stream.handle()));
    BATON_CUBLAS(cublasSetWorkspace, created, workspace_.data(), static_cast<std::size_t>(workspace_.size()));
    // In the default mode NVIDIA_TF32_OVERRIDE, CUBLAS_EMULATE_SINGLE_PRECISION and CUBLAS_EMULATE_DOUBLE_PRECISION
    // of the environment can put other arithmetic in place of T's.
    BATON_CUBLAS(cublasSetMathMode, created, CUBLAS_PEDANTIC_MATH);
  } catch (...) {
    library().cublasDestroy(created);
    throw;
  }
  handle_ = created;
}

Blas::~Blas() { library().cublasDestroy(native(*this)); }

// cuBLAS stores columns: what it sees of a row-major C = op(A) op(B) is C' = op(B)' op(A)'.
template <class T>
void gemm(Blas& blas, Transpose transpose_a, Transpose transpose_b, int m, int n, int k, T alpha, const T* a,
          int lda, const T* b, int ldb, T beta, T* c, int ldc) {
  check_gemm(transpose_a, transpose_b, m, n, k, lda, ldb, ldc);
  if (m == 0 || n == 0) return;
  const cublasHandle_t handle = native(blas);
  const cublasOperation_t first = native(transpose_b), second = native(transpose_a);
  lda = std::max(lda, 1), ldb = std::max(ldb, 1);  // k = 0 leaves them 0, which cuBLAS refuses
  if constexpr (std::is_same_v<T, float>) {
    BATON_CUBLAS(cublasSgemm, handle, first, second, n, m, k, &alpha, b, ldb, a, lda, &beta, c, ldc);
  } else {
    BATON_CUBLAS(cublasDgemm, handle, first, second, n, m, k, &alpha, b, ldb, a, lda, &beta, c, ldc);
  }
}

template void gemm(Blas&, Transpose, Transpose, int, int, int, float, const float*, int, const float*, int,
                   float, float*, int);
template void gemm(Blas&, Transpose, Transpose, int, int, int, double, const double*, int, const double*, int,
                   double, double*, int);

}  // namespace baton::kernels::cuda
