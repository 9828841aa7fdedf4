#pragma once
// The environments of a batch in a GPU's memory, and the kernels that work on them (environments.cu). Plain C++.
//
// Model and tables lie there once. An environment has a Data<float> of its own at data + n * stride, which its thread
// works in; what goes in and out lies [field][environment], so that neighbouring threads read neighbouring numbers.
#include <cstdint>

#include "envs/sim/data.hpp"
#include "kernels/cuda/device.hpp"

namespace baton::sim::cuda {

struct EnvironmentCounts {
  std::uint64_t contacts = 0, dropped = 0, iterations = 0, line_search = 0;  // over all steps
  std::uint32_t diverged = 0;
  std::int32_t contacts_now = 0;  // in the last step
};

struct Environments {
  int count = 0;
  std::int64_t stride = 0;  // bytes, a multiple of 256
  const Model<float>* model = nullptr;
  std::uint64_t* data = nullptr;
  float *qpos = nullptr, *qvel = nullptr, *ctrl = nullptr,
        *warmstart = nullptr;                          // [nq], [nv], [nu], [nv] [count]
  float *mocap_pos = nullptr, *mocap_quat = nullptr;   // [3 nmocap], [4 nmocap] [count]
  float *reset_qpos = nullptr, *reset_qvel = nullptr;  // [nq], [nv] [count]
  float* site_pos = nullptr;                           // [3 nsite][count], written
  EnvironmentCounts* counts = nullptr;                 // [count]
  float max_position = 0, max_velocity = 0;            // BatchOptions
};

// data <- `count` copies of the image words[size], each with its addresses (inside[i] = 1) moved to where it lies;
// counts <- 0. `words` is made for the place of environment 0.
void make_environments(kernels::cuda::Stream& stream, const Environments& environments, std::int64_t size,
                       const std::uint64_t* words, const std::uint8_t* inside);

// Every environment by `substeps` steps of step.hpp, from and to the arrays [field][environment].
void step_environments(kernels::cuda::Stream& stream, const Environments& environments, int substeps);

}  // namespace baton::sim::cuda
