#include "rl/run/settings.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "kernels/error.hpp"
#include "kernels/names.hpp"

namespace baton::rl {
namespace {

constexpr double kNoBound = std::numeric_limits<double>::infinity();

[[noreturn]] void wrong(const std::string& where, const std::string& what) {
  throw UsageError(fmt::format("{}: {}", where, what));
}

// Assigns a TOML node to a bound field, after checking type and range.
struct Assign {
  const SettingsTable::Entry& entry;
  const toml::node& node;
  const std::string& where;

  double bounded(double value) const {
    if (!std::isfinite(value))
      wrong(where, fmt::format("{} is {}, a finite number is expected", entry.key, value));
    if (!(value >= entry.low && value <= entry.high)) {
      const std::string low = std::isfinite(entry.low) ? fmt::format("at least {}", entry.low) : "";
      const std::string high = std::isfinite(entry.high) ? fmt::format("at most {}", entry.high) : "";
      wrong(where, fmt::format("{} is {}, {}{}{} is expected", entry.key, value, low,
                               low.empty() || high.empty() ? "" : " and ", high));
    }
    return value;
  }
  std::int64_t integer(const toml::node& from) const {
    const std::optional<std::int64_t> value = from.value_exact<std::int64_t>();
    if (!value) wrong(where, fmt::format("{} must be an integer", entry.key));
    bounded(static_cast<double>(*value));
    return *value;
  }
  int small_integer(const toml::node& from) const {
    const std::int64_t value = integer(from);
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
      wrong(where, fmt::format("{} is {}: too large", entry.key, value));
    }
    return static_cast<int>(value);
  }
  double number() const {
    if (const auto value = node.value_exact<double>()) return bounded(*value);
    if (const auto value = node.value_exact<std::int64_t>()) return bounded(static_cast<double>(*value));
    wrong(where, fmt::format("{} must be a number", entry.key));
  }

  void operator()(bool* field) const {
    const std::optional<bool> value = node.value_exact<bool>();
    if (!value) wrong(where, fmt::format("{} must be true or false", entry.key));
    *field = *value;
  }
  void operator()(int* field) const { *field = small_integer(node); }
  void operator()(std::uint64_t* field) const {
    const std::int64_t value = integer(node);
    if (value < 0) wrong(where, fmt::format("{} is {}, it must not be negative", entry.key, value));
    *field = static_cast<std::uint64_t>(value);
  }
  void operator()(float* field) const { *field = static_cast<float>(number()); }
  void operator()(double* field) const { *field = number(); }
  void operator()(std::string* field) const {
    const std::optional<std::string> value = node.value_exact<std::string>();
    if (!value) wrong(where, fmt::format("{} must be a string", entry.key));
    *field = *value;
  }
  void operator()(const Choice& choice) const {
    const std::optional<std::string> value = node.value_exact<std::string>();
    if (!value) wrong(where, fmt::format("{} must be a string", entry.key));
    const auto at = std::ranges::find(choice.names, *value);
    if (at == choice.names.end())
      wrong(where, fmt::format("{} is '{}', one of {} is expected", entry.key, printable(*value),
                               fmt::join(choice.names, "|")));
    choice.set(static_cast<int>(at - choice.names.begin()));
  }
  void operator()(std::vector<int>* field) const {
    const toml::array* array = node.as_array();
    if (array == nullptr)
      wrong(where, fmt::format("{} must be a list of integers, as in [256, 256]", entry.key));
    std::vector<int> values;
    constexpr std::size_t kMost = 64;
    if (array->size() > kMost)
      wrong(where,
            fmt::format("{} holds {} numbers, at most {} are possible", entry.key, array->size(), kMost));
    for (const toml::node& item : *array) values.push_back(small_integer(item));
    *field = values;
  }
};

std::string float_text(auto value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      text += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      text += c;
    }
  }
  return text + "\"";
}

struct Format {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const int* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::uint64_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const float* value) const { return float_text(*value); }
  std::string operator()(const double* value) const { return float_text(*value); }
  std::string operator()(const std::string* value) const { return quoted(*value); }
  std::string operator()(const Choice& choice) const {
    return quoted(choice.names.at(static_cast<std::size_t>(choice.get())));
  }
  std::string operator()(const std::vector<int>* value) const {
    return fmt::format("[{}]", fmt::join(*value, ", "));
  }
};

// Dotted keys and headers of very many parts would overflow the parser's stack, and huge texts hold it up.
void bound_toml(std::string_view text, const std::string& where) {
  constexpr std::size_t kMostBytes = 1 << 20, kMostParts = 32;
  if (text.size() > kMostBytes)
    wrong(where, fmt::format("{} bytes, settings have at most {}", text.size(), kMostBytes));
  std::size_t parts = 1;
  int line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    line += c == '\n';
    if (c == '.') {
      if (++parts > kMostParts)
        wrong(fmt::format("{}:{}", where, line), fmt::format("a key of more than {} parts", kMostParts));
    } else if (c == '"' || c == '\'') {  // a quoted part, or a text whose dots do not count
      const std::size_t end = text.find_first_of(c == '"' ? "\"\n" : "'\n", i + 1);
      i = end == std::string_view::npos ? text.size() : text[end] == '\n' ? end - 1 : end;
    } else if (c != ' ' && c != '\t' && c != '_' && c != '-' &&
               std::isalnum(static_cast<unsigned char>(c)) == 0) {
      parts = 1;
    }
  }
}

toml::table parse_toml(std::string_view text, const std::string& where) {
  bound_toml(text, where);
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    wrong(fmt::format("{}:{}", where, error.source().begin.line),
          fmt::format("not TOML: {}", printable(error.description())));
  }
}

// Every value of the tree under its dotted key.
template <class Visit>
void visit_keys(const toml::table& table, const std::string& prefix, const Visit& visit) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* inner = node.as_table()) {
      visit_keys(*inner, key + ".", visit);
    } else {
      visit(key, node);
    }
  }
}

std::string place(const std::string& where, const toml::node& node) {
  const auto line = node.source().begin.line;
  return line > 0 ? fmt::format("{}:{}", where, line) : where;
}

}  // namespace

void SettingsTable::add(const std::string& key, Target target, const std::string& help) {
  add(key, target, help, -kNoBound, kNoBound);
}

void SettingsTable::add(const std::string& key, Target target, const std::string& help, double low,
                        double high) {
  for (const Entry& entry : entries_) BATON_REQUIRE(entry.key != key, "settings: {} is listed twice", key);
  entries_.push_back({key, help, std::move(target), low, high});
}

std::string SettingsTable::present(const std::string& key) const {
  const auto former = std::ranges::find(formers_, key, &Former::name);
  return former == formers_.end() ? key : former->key;
}

const SettingsTable::Entry& SettingsTable::find(const std::string& key, const std::string& where) const {
  std::vector<std::string> keys;
  for (const Entry& entry : entries_) {
    if (entry.key == key) return entry;
    keys.push_back(entry.key);
  }
  // "updates" for "imitate.updates": a key without its section is nearer to what was meant than any spelling.
  for (const std::string& full : keys) {
    if (full.ends_with("." + key))
      wrong(where, fmt::format("unknown key '{}'; did you mean '{}'?", printable(key), full));
  }
  wrong(where, fmt::format("unknown key '{}'{}", printable(key), suggestion(key, keys)));
}

void SettingsTable::apply_toml(std::string_view text, const std::string& where) {
  apply_keys(text, where, [](const std::string&) { return true; });
}

void SettingsTable::apply_keys(std::string_view text, const std::string& where,
                               const std::function<bool(const std::string&)>& wanted) {
  visit_keys(parse_toml(text, where), "", [&](const std::string& name, const toml::node& node) {
    const std::string key = present(name);
    if (!wanted(key)) return;
    const std::string at = place(where, node);
    const Entry& entry = find(key, at);
    std::visit(Assign{entry, node, at}, entry.target);
  });
}

std::string SettingsTable::key_of(const std::string& assignment) {
  return assignment.substr(0, assignment.find('='));
}

void SettingsTable::apply_override(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string where = fmt::format("--set {}", printable(assignment));
  if (equals == std::string::npos || equals == 0) wrong(where, "key=value is expected");
  const std::string key = present(assignment.substr(0, equals)), text = assignment.substr(equals + 1);
  const Entry& entry = find(key, where);
  toml::table parsed;
  const bool text_field =
      std::holds_alternative<std::string*>(entry.target) || std::holds_alternative<Choice>(entry.target);
  try {
    if (text.find('\n') != std::string::npos) wrong(where, "a value is one line");
    bound_toml(text, where);
    parsed = toml::parse("v = " + text);
  } catch (const toml::parse_error&) {
    if (!text_field) wrong(where, fmt::format("'{}' is not a value that {} can have", printable(text), key));
  }
  if (text_field && (parsed.empty() || !parsed["v"].is_string())) {
    parsed.clear();
    parsed.insert("v", text);
  }
  std::visit(Assign{entry, *parsed.get("v"), where}, entry.target);
}

std::string SettingsTable::to_toml() const {
  std::string text, section;
  const auto section_of = [](const Entry& entry) {
    const std::size_t dot = entry.key.rfind('.');
    return dot == std::string::npos ? std::string() : entry.key.substr(0, dot);
  };
  std::vector<std::string> order{""};  // keys without a section must stand first
  for (const Entry& entry : entries_) {
    if (std::ranges::find(order, section_of(entry)) == order.end()) order.push_back(section_of(entry));
  }
  for (const std::string& name : order) {
    if (!name.empty()) text += fmt::format("\n[{}]\n", name);
    for (const Entry& entry : entries_) {
      if (section_of(entry) != name) continue;
      const std::string key = name.empty() ? entry.key : entry.key.substr(name.size() + 1);
      text += fmt::format("{} = {}  # {}\n", key, std::visit(Format{}, entry.target), entry.help);
    }
  }
  return text;
}

}  // namespace baton::rl
