#pragma once
// A table of named settings bound to the fields of plain structs: one list serves presets, `--set key=value`,
// error messages and config.toml. A settings struct has a free function beside it,
//   void list_settings(SettingsTable& table, const std::string& section, FooSettings& settings)
// which adds each field as "<section>.<field>".
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace baton::rl {

// A field that holds one of a closed list of named values.
struct Choice {
  std::vector<std::string> names;
  std::function<void(int)> set;  // to the value of names[i]
  std::function<int()> get;      // i
};

// The names of an enumeration's values 0 .. last, by the function that names one.
template <class Enum>
std::vector<std::string> names_of(std::string_view (*name)(Enum), Enum last) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(last); ++i) names.emplace_back(name(static_cast<Enum>(i)));
  return names;
}

class SettingsTable {
 public:
  using Target =
      std::variant<bool*, int*, std::uint64_t*, float*, double*, std::string*, std::vector<int>*, Choice>;

  // The field must outlive the table. `help` is one line. `low`/`high` bound numbers (inclusive).
  void add(const std::string& key, Target target, const std::string& help);
  void add(const std::string& key, Target target, const std::string& help, double low, double high);
  // An enumeration, whose values are 0, 1, ... in the order of `names`.
  template <class Enum, class Names>
  void add_choice(const std::string& key, Enum* target, const Names& names, const std::string& help) {
    add(key,
        Choice{{std::begin(names), std::end(names)},
               [target](int i) { *target = static_cast<Enum>(i); },
               [target] { return static_cast<int>(*target); }},
        help);
  }

  // Another name of a key that is listed, in texts and overrides of before: what it says is the key's.
  void add_former(const std::string& former, const std::string& key) { formers_.push_back({former, key}); }
  // The key behind a name: itself, unless the name is a former one.
  std::string present(const std::string& key) const;

  // Sets every key of a TOML text (tables make dotted keys). Unknown key, wrong type, out of range: UsageError
  // "where:line: ..." naming the nearest key.
  void apply_toml(std::string_view text, const std::string& where);
  // As apply_toml, of the keys (present names) for which wanted(key); whatever else the text holds is passed by unread.
  void apply_keys(std::string_view text, const std::string& where,
                  const std::function<bool(const std::string&)>& wanted);
  // "key=value", value in TOML or bare text for strings. Throws UsageError.
  void apply_override(const std::string& assignment);
  // The key that an assignment names, known or not.
  static std::string key_of(const std::string& assignment);
  // Every setting with its present value, one TOML table per section, in the order of add().
  std::string to_toml() const;

  struct Entry {
    std::string key, help;
    Target target;
    double low, high;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const Entry& find(const std::string& key, const std::string& where) const;
  std::vector<Entry> entries_;
  struct Former {
    std::string name, key;
  };
  std::vector<Former> formers_;
};

}  // namespace baton::rl
