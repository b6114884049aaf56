// SPDX-License-Identifier: MIT
#include "core/date.h"

#include "core/error.h"

#include <fmt/format.h>

#include <chrono>
#include <regex>

namespace mapweave {
namespace {

[[noreturn]] void ThrowBadDate(const std::string& text) {
  throw Error(ErrorCode::kUsage, fmt::format("'{}' is not a date", text),
              "Use YYYY, YYYY-MM, YYYY-MM-DD or an interval such as "
              "1881/1883.");
}

Date LastDayOf(int year, int month) {
  const std::chrono::year_month_day_last last(
      std::chrono::year(year), std::chrono::month_day_last(std::chrono::month(
                                   static_cast<unsigned>(month))));
  return {year, month, static_cast<int>(static_cast<unsigned>(last.day()))};
}

DateRange ParseSingle(const std::string& text, const std::string& whole) {
  static const std::regex kPattern(R"((\d{4})(?:-(\d{2})(?:-(\d{2}))?)?)");
  std::smatch match;
  if (!std::regex_match(text, match, kPattern)) ThrowBadDate(whole);
  const int year = std::stoi(match[1]);
  if (!match[2].matched) {
    return {{year, 1, 1}, {year, 12, 31}, text};
  }
  const int month = std::stoi(match[2]);
  if (month < 1 || month > 12) ThrowBadDate(whole);
  const Date last = LastDayOf(year, month);
  if (!match[3].matched) return {{year, month, 1}, last, text};
  const int day = std::stoi(match[3]);
  if (day < 1 || day > last.day) ThrowBadDate(whole);
  return {{year, month, day}, {year, month, day}, text};
}

}  // namespace

std::string Date::ToString() const {
  return fmt::format("{:04d}-{:02d}-{:02d}", year, month, day);
}

DateRange ParseDateRange(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return ParseSingle(text, text);
  const DateRange first = ParseSingle(text.substr(0, slash), text);
  const DateRange last = ParseSingle(text.substr(slash + 1), text);
  if (last.to < first.from) ThrowBadDate(text);
  return {first.from, last.to, text};
}

}  // namespace mapweave
