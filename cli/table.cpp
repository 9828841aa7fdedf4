#include "cli/table.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace baton::cli {

Table::Table(std::vector<std::string> header) : header_(std::move(header)) {}

void Table::add_row(std::vector<std::string> cells) {
  BATON_REQUIRE(cells.size() == header_.size(), "table: a row of {} cells under {} columns", cells.size(),
                header_.size());
  rows_.push_back(std::move(cells));
}

void Table::add_rule() { rows_.emplace_back(); }

std::string Table::text() const {
  std::vector<std::size_t> width(header_.size());
  for (std::size_t c = 0; c < header_.size(); ++c) {
    width[c] = header_[c].size();
    for (const auto& row : rows_) {
      if (!row.empty()) width[c] = std::max(width[c], row[c].size());
    }
  }
  std::size_t total = width.empty() ? 0 : 2 * (width.size() - 1);
  for (std::size_t w : width) total += w;

  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    if (row.empty()) {
      out += std::string(total, '-') + "\n";
      return;
    }
    std::string text;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(width[c] - row[c].size(), ' ');
      text += (c == 0 ? row[c] + space : "  " + space + row[c]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(header_);
  line({});
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace baton::cli
