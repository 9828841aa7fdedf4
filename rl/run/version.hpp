#pragma once
// Which program this is: written by the build.
#include <string_view>

namespace baton::rl {

extern const std::string_view kVersion;  // "0.1.0"
extern const std::string_view
    kRevision;  // of git: 40 hexadecimal digits, "-dirty" behind them where files were changed

std::string_view commit();  // kRevision without "-dirty"; "unknown" where it was built without git
bool clean_tree();          // false where files were changed, or nothing is known

}  // namespace baton::rl
