#pragma once
// What people have and no reader here takes: told by its name, with what to do.
#include <string>

namespace baton::rl {

// "a pickle of Python ..., REMEDY" for a file or a folder whose first bytes or name say what it is, "" for any other.
// HDF5 is not looked into.
std::string name_other_form(const std::string& path);

}  // namespace baton::rl
