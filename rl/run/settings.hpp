#pragma once
// A table of named settings bound to the fields of plain structs: one list serves presets, `--set key=value`,
// error messages and config.toml. A settings struct has a free function beside it,
//   void list_settings(SettingsTable& table, const std::string& section, FooSettings& settings)
// which adds each field as "<section>.<field>".
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace baton::rl {

class SettingsTable {
 public:
  using Target = std::variant<bool*, int*, std::uint64_t*, float*, double*, std::string*, std::vector<int>*>;

  // The field must outlive the table. `help` is one line. `low`/`high` bound numbers (inclusive).
  void add(const std::string& key, Target target, const std::string& help);
  void add(const std::string& key, Target target, const std::string& help, double low, double high);
  // A string with a closed list of values, "a|b|c".
  void add_choice(const std::string& key, std::string* target, const std::string& choices,
                  const std::string& help);

  // Sets every key of a TOML text (tables make dotted keys). Unknown key, wrong type, out of range: UsageError
  // "where:line: ..." naming the nearest key.
  void apply_toml(std::string_view text, const std::string& where);
  // "key=value", value in TOML or bare text for strings. Throws UsageError.
  void apply_override(const std::string& assignment);
  // Every setting with its present value, one TOML table per section, in the order of add().
  std::string to_toml() const;

  struct Entry {
    std::string key, help, choices;
    Target target;
    double low, high;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const Entry& find(const std::string& key, const std::string& where) const;
  std::vector<Entry> entries_;
};

// The name in `names` with the smallest edit distance to `name`; empty when names is.
std::string nearest_name(const std::string& name, const std::vector<std::string>& names);

}  // namespace baton::rl
