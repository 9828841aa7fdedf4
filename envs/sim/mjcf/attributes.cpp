#include "envs/sim/mjcf/attributes.hpp"

#include <charconv>
#include <cmath>

#include "envs/sim/words.hpp"

namespace baton::sim::mjcf {
namespace {

template <class V>
V to_value(const Element& e, const char* attribute, std::string_view word, const char* kind) {
  V v{};
  const std::string_view digits = word.substr(!word.empty() && word[0] == '+' ? 1 : 0);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (ec != std::errc() || end != digits.data() + digits.size()) {
    refuse(e, attribute, "'{:.40}' is not {}", word, kind);
  }
  return v;
}

double to_number(const Element& e, const char* attribute, std::string_view word) {
  const double v = to_value<double>(e, attribute, word, "a number");
  if (!std::isfinite(v)) refuse(e, attribute, "'{:.40}' is not a finite number", word);
  return v;
}

}  // namespace

int get_numbers(const Element& e, const char* attribute, double* out, int least, int most) {
  const std::string* text = e.find(attribute);
  if (text == nullptr) return 0;
  std::string_view rest = *text;
  int n = 0;
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest), ++n) {
    const double v = to_number(e, attribute, word);
    if (n < most) out[n] = v;
  }
  if (n < least || n > most) {
    refuse(e, attribute, "{} number{}, expected {}", n, n == 1 ? "" : "s",
           least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most));
  }
  return n;
}

bool get(const Element& e, const char* attribute, double& out) {
  return get_numbers(e, attribute, &out, 1, 1) > 0;
}

bool get(const Element& e, const char* attribute, int& out) {
  const std::string* text = e.find(attribute);
  if (text == nullptr) return false;
  std::string_view rest = *text;
  const std::string_view word = next_word(rest);
  if (word.empty() || !next_word(rest).empty())
    refuse(e, attribute, "'{:.40}': expected one whole number", *text);
  out = to_value<int>(e, attribute, word, "a whole number");
  return true;
}

bool get(const Element& e, const char* attribute, bool& out) {
  int k = 0;
  if (!get_keyword(e, attribute, {"false", "true"}, k)) return false;
  out = k == 1;
  return true;
}

bool get(const Element& e, const char* attribute, Tri& out) {
  int k = 0;
  if (!get_keyword(e, attribute, {"false", "true", "auto"}, k)) return false;
  out = static_cast<Tri>(k);
  return true;
}

bool get(const Element& e, const char* attribute, std::string& out) {
  const std::string* text = e.find(attribute);
  if (text == nullptr) return false;
  constexpr std::size_t kLongestName = 1000;
  if (text->size() > kLongestName) refuse(e, attribute, "longer than {} characters", kLongestName);
  out = *text;
  return true;
}

bool get(const Element& e, const char* attribute, Vec3<double>& out) {
  std::array<double, 3> v{};
  if (!get(e, attribute, v)) return false;
  out = {v[0], v[1], v[2]};
  return true;
}

bool get(const Element& e, const char* attribute, Quat<double>& out) {
  std::array<double, 4> q{};
  if (!get(e, attribute, q)) return false;
  const double n = std::hypot(std::hypot(q[0], q[1]), std::hypot(q[2], q[3]));
  if (!(n > 1e-14) || !std::isfinite(n))
    refuse(e, attribute, "quaternion of length {:g}, expected one near 1", n);
  out = {q[0] / n, q[1] / n, q[2] / n, q[3] / n};
  return true;
}

bool get_keyword(const Element& e, const char* attribute, std::initializer_list<const char*> words,
                 int& out) {
  const std::string* text = e.find(attribute);
  if (text == nullptr) return false;
  int k = 0;
  for (const char* word : words) {
    if (*text == word) {
      out = k;
      return true;
    }
    ++k;
  }
  const std::vector<std::string> known(words.begin(), words.end());
  refuse(e, attribute, "'{:.40}' is not one of its words{}", *text, suggestion(*text, known));
}

std::vector<double> get_list(const Element& e, const char* attribute, int most) {
  std::vector<double> out;
  const std::string* text = e.find(attribute);
  if (text == nullptr) return out;
  std::string_view rest = *text;
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
    if (out.size() == static_cast<std::size_t>(most)) refuse(e, attribute, "more than {} numbers", most);
    out.push_back(to_number(e, attribute, word));
  }
  return out;
}

}  // namespace baton::sim::mjcf
