// SPDX-License-Identifier: MIT
//
// Tables as text, in the CSV of RFC 4180 and as spreadsheets save it: with a
// byte-order mark, with semicolons or tabs.
#pragma once

#include <string>
#include <vector>

namespace mapweave {

struct CsvRow {
  int line = 0;  // of its beginning in the file, counted from 1
  std::vector<std::string> fields;
};

// Rows with their fields unquoted; blank lines are left out. The separator is
// the one of comma, semicolon and tab that the first line has most of. Throws
// Error{kBadInput} naming `origin` and the line where a quote is not closed.
std::vector<CsvRow> ParseCsv(const std::string& text,
                             const std::string& origin);

// One row with commas and a line feed, quoted where needed.
std::string CsvLine(const std::vector<std::string>& fields);

}  // namespace mapweave
