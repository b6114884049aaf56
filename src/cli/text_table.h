// SPDX-License-Identifier: MIT
//
// Tables of text for people: columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace mapweave::cli {

struct TextTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // of as many cells
};

// A line for the names of the columns and one for each row.
std::string ToText(const TextTable& table);

}  // namespace mapweave::cli
