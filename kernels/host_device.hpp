#pragma once
// BATON_HD marks functions of texts that run on the CPU and, compiled by nvcc, on a GPU's threads too.
#ifdef __CUDACC__
#define BATON_HD __host__ __device__
#else
#define BATON_HD
#endif
