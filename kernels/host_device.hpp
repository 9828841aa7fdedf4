#pragma once
// BATON_HD marks functions of texts that run on the CPU and, compiled by nvcc, on a GPU's threads too. BATON_HD_TEXT
// marks those that the CPU has out of line, in a .cpp file of their own: the kernel's text includes that file, and they
// are inline there, so that the program has the CPU's copy alone.
#ifdef __CUDACC__
#define BATON_HD __host__ __device__
#define BATON_HD_TEXT BATON_HD inline
#else
#define BATON_HD
#define BATON_HD_TEXT
#endif
