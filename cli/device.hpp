#pragma once
// --device cpu|cuda: where the heavy part of a command runs.
#include <CLI/CLI.hpp>
#include <string>

#include "envs/sim/batch.hpp"
#include "rl/device.hpp"

namespace baton::cli {

void add_device(CLI::App& command, std::string& device);

// What takes the processor's place; all null: nothing does.
struct Device {
  std::string name = "cpu";
  rl::MakeLevelDevice level = nullptr;  // updates of imitation
  rl::MakeSolveDevice solve = nullptr;  // natural gradients
  sim::WholeBatch batch = nullptr;      // environments of a model
};

// "cpu" or "cuda". Throws why a device cannot be used: baton built without CUDA, or what CUDA's runtime says.
Device use_device(const std::string& name);

}  // namespace baton::cli
