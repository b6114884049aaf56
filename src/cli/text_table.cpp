// SPDX-License-Identifier: MIT
#include "cli/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::cli {

std::string ToText(const TextTable& table) {
  std::vector<size_t> widths;
  for (const std::string& column : table.columns) {
    widths.push_back(column.size());
  }
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) {
      text += fmt::format("{:<{}}", cells[i], widths[i] + 2);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  add(table.columns);
  for (const auto& row : table.rows) add(row);
  return text;
}

}  // namespace mapweave::cli
