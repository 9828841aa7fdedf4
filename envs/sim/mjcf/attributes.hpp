#pragma once
// Typed reading of attributes. Each function returns whether (or how many values of) the attribute is there, leaves the
// output alone where it is not, and refuses what is malformed: not a number, NaN or infinite, too many or too few.
#include <array>
#include <initializer_list>
#include <string>

#include "envs/sim/mjcf/document.hpp"
#include "envs/sim/spatial.hpp"

namespace baton::sim::mjcf {

enum class Tri { kFalse, kTrue, kAuto };

// At least `least` and at most `most` numbers into out[0..]; entries beyond those given keep their values, as defaults
// do in MJCF. Returns how many were given, 0: absent.
int get_numbers(const Element& e, const char* attribute, double* out, int least, int most);

bool get(const Element& e, const char* attribute, double& out);
bool get(const Element& e, const char* attribute, int& out);
bool get(const Element& e, const char* attribute, bool& out);  // "true" | "false"
bool get(const Element& e, const char* attribute, Tri& out);   // "true" | "false" | "auto"
bool get(const Element& e, const char* attribute, std::string& out);
bool get(const Element& e, const char* attribute, Vec3<double>& out);
bool get(const Element& e, const char* attribute, Quat<double>& out);  // unit; zero is refused

template <std::size_t N>
bool get(const Element& e, const char* attribute, std::array<double, N>& out) {
  return get_numbers(e, attribute, out.data(), static_cast<int>(N), static_cast<int>(N)) > 0;
}

// One of `words`: its index into out.
bool get_keyword(const Element& e, const char* attribute, std::initializer_list<const char*> words, int& out);

// All numbers of the attribute, at most `most`.
std::vector<double> get_list(const Element& e, const char* attribute, int most);

}  // namespace baton::sim::mjcf
