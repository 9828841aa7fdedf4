#pragma once
// The texts of presets/*.toml, put into the binary by the build.
#include <string_view>

namespace baton::rl {

struct Preset {
  std::string_view name, text;
};
extern const Preset kPresets[4];

}  // namespace baton::rl
