// SPDX-License-Identifier: MIT
#include "core/csv.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace mapweave {
namespace {

char SeparatorOf(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('\n'));
  char best = ',';
  for (const char candidate : {';', '\t'}) {
    if (std::count(first.begin(), first.end(), candidate) >
        std::count(first.begin(), first.end(), best)) {
      best = candidate;
    }
  }
  return best;
}

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& origin)
      : text_(text), origin_(origin) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) {
      text_.remove_prefix(kByteOrderMark.size());
    }
    separator_ = SeparatorOf(text_);
  }

  std::vector<CsvRow> Parse() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row = ParseRow();
      if (row.fields.size() > 1 || !row.fields.front().empty()) {
        rows.push_back(std::move(row));
      }
    }
    return rows;
  }

 private:
  CsvRow ParseRow() {
    CsvRow row{line_, {}};
    while (true) {
      row.fields.push_back(ParseField());
      if (at_ == text_.size()) return row;
      const char end = text_[at_++];
      if (end == separator_) continue;
      if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
      ++line_;
      return row;
    }
  }

  bool AtFieldEnd() const {
    return at_ == text_.size() || text_[at_] == separator_ ||
           text_[at_] == '\n' || text_[at_] == '\r';
  }

  std::string ParseField() {
    std::string field;
    if (at_ < text_.size() && text_[at_] == '"') field = ParseQuoted();
    // What follows a closing quote is kept as it stands.
    while (!AtFieldEnd()) field += text_[at_++];
    return field;
  }

  std::string ParseQuoted() {
    const int begin = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        const bool is_doubled = at_ + 1 < text_.size() && text_[at_ + 1] == '"';
        if (!is_doubled) {
          ++at_;
          return field;
        }
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      field += text_[at_];
    }
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("'{}', line {}: a quote is not closed", origin_, begin));
  }

  std::string_view text_;
  const std::string& origin_;
  char separator_ = ',';
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<CsvRow> ParseCsv(const std::string& text,
                             const std::string& origin) {
  return CsvParser(text, origin).Parse();
}

std::string CsvLine(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    // A lone empty field would be a blank line.
    const bool is_plain =
        fields[i].find_first_of(",;\t\"\r\n") == std::string::npos &&
        !(fields.size() == 1 && fields[i].empty());
    if (is_plain) {
      line += fields[i];
      continue;
    }
    line += '"';
    for (const char c : fields[i])
      line += c == '"' ? "\"\"" : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace mapweave
