#pragma once
// Tables in plain text for the terminal: columns as wide as their widest cell, numbers to the right.
#include <string>
#include <vector>

namespace baton::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header);

  // As many cells as the header has; throws otherwise.
  void add_row(std::vector<std::string> cells);
  void add_rule();  // a line across

  // First column to the left, the others to the right. Lines end with a line break.
  std::string text() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

}  // namespace baton::cli
