// SPDX-License-Identifier: MIT
#include "core/date.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <regex>
#include <tuple>

namespace mapweave {
namespace {

[[noreturn]] void ThrowBadDate(const std::string& text) {
  throw Error(ErrorCode::kUsage, fmt::format("'{}' is not a date", text),
              "Use YYYY, YYYY-MM, YYYY-MM-DD, an interval such as 1881/1883, "
              "or another form of EDTF: 1882~, 188X, [1880..1884], ../1880.");
}

Date LastDayOf(int year, int month) {
  const std::chrono::year_month_day_last last(
      std::chrono::year(year), std::chrono::month_day_last(std::chrono::month(
                                   static_cast<unsigned>(month))));
  return {year, month, static_cast<int>(static_cast<unsigned>(last.day()))};
}

struct Days {
  Date from;
  Date to;
};

// Months `first` to `first + count - 1` of `year`; may run into the next year.
Days Months(int year, int first, int count) {
  const int last = first + count - 1;
  return {{year, first, 1},
          LastDayOf(year + (last - 1) / 12, (last - 1) % 12 + 1)};
}

// The codes of ISO 8601-2 after the months. Seasons are those of meteorology;
// a winter or a southern summer runs into the next year.
Days Season(int year, int code, const std::string& whole) {
  if (code >= 21 && code <= 24) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}': a season without its hemisphere has no "
                            "months",
                            whole),
                fmt::format("Write {:04d}-{} for the northern one, "
                            "{:04d}-{} for the southern one.",
                            year, code + 4, year, code + 8));
  }
  if (code >= 25 && code <= 28) return Months(year, 3 * (code - 25) + 3, 3);
  // Southern spring begins in September, autumn in March.
  constexpr std::array<int, 4> kSouthern{9, 12, 3, 6};
  if (code >= 29 && code <= 32) {
    return Months(year, kSouthern[static_cast<size_t>(code - 29)], 3);
  }
  if (code >= 33 && code <= 36) return Months(year, 3 * (code - 33) + 1, 3);
  ThrowBadDate(whole);
}

// One date without "/" and brackets. `whole` is what the user wrote.
Days ParseSingle(const std::string& text, const std::string& whole) {
  static const std::regex kPattern(
      R"((\d{4}|\d{3}X|\d{2}XX)(?:-(\d{2}|XX)(?:-(\d{2}|XX))?)?[~?%]?)");
  std::smatch match;
  if (!std::regex_match(text, match, kPattern)) ThrowBadDate(whole);
  std::string low = match[1];
  std::string high = match[1];
  std::replace(low.begin(), low.end(), 'X', '0');
  std::replace(high.begin(), high.end(), 'X', '9');
  const int year = std::stoi(low);
  const int last_year = std::stoi(high);
  if (year < 1) ThrowBadDate(whole);
  if (!match[2].matched) return {{year, 1, 1}, {last_year, 12, 31}};
  if (year != last_year) ThrowBadDate(whole);
  if (match[2] == "XX") {
    if (match[3].matched && match[3] != "XX") ThrowBadDate(whole);
    return Months(year, 1, 12);
  }
  const int month = std::stoi(match[2]);
  if (month > 12 && !match[3].matched) return Season(year, month, whole);
  if (month < 1 || month > 12) ThrowBadDate(whole);
  const Days days = Months(year, month, 1);
  if (!match[3].matched || match[3] == "XX") return days;
  const int day = std::stoi(match[3]);
  if (day < 1 || day > days.to.day) ThrowBadDate(whole);
  return {{year, month, day}, {year, month, day}};
}

[[noreturn]] void ThrowEndless(const std::string& text) {
  throw Error(ErrorCode::kUsage,
              fmt::format("'{}' has no end and so cannot date a survey", text),
              "Say by when it was done at the latest: 1880/1890.");
}

// From `first` to `last`, either of which may be missing.
Days Span(const std::string& first, const std::string& last,
          const std::string& whole) {
  if (last.empty()) ThrowEndless(whole);
  const Days end = ParseSingle(last, whole);
  if (first.empty()) return {kUnknownStart, end.to};
  const Days start = ParseSingle(first, whole);
  if (end.to < start.from) ThrowBadDate(whole);
  return {start.from, end.to};
}

// "1880..1884" or "1880,1882": the inside of brackets.
Days ParseSet(const std::string& inside, const std::string& whole) {
  std::optional<Days> all;
  for (size_t begin = 0; begin <= inside.size();) {
    const size_t end = std::min(inside.find(',', begin), inside.size());
    std::string item = inside.substr(begin, end - begin);
    item.erase(0, item.find_first_not_of(' '));
    const size_t dots = item.find("..");
    const Days days =
        dots == std::string::npos
            ? ParseSingle(item, whole)
            : Span(item.substr(0, dots), item.substr(dots + 2), whole);
    all = all ? Days{std::min(all->from, days.from), std::max(all->to, days.to)}
              : days;
    begin = end + 1;
  }
  return *all;
}

std::string DayOrLess(const Date& from, const Date& to) {
  if (from == Date{from.year, 1, 1} && to == Date{from.year, 12, 31}) {
    return fmt::format("{:04d}", from.year);
  }
  if (from.day == 1 && to == LastDayOf(from.year, from.month)) {
    return fmt::format("{:04d}-{:02d}", from.year, from.month);
  }
  return from == to ? from.ToString() : "";
}

}  // namespace

std::string Date::ToString() const {
  return fmt::format("{:04d}-{:02d}-{:02d}", year, month, day);
}

bool DateRange::IsApartFrom(const DateRange& other) const {
  return to < other.from || other.to < from;
}

DateRange ParseDateRange(const std::string& text) {
  Days days;
  const size_t slash = text.find('/');
  if (text.size() > 2 && ((text.front() == '[' && text.back() == ']') ||
                          (text.front() == '{' && text.back() == '}'))) {
    days = ParseSet(text.substr(1, text.size() - 2), text);
  } else if (slash != std::string::npos) {
    // ".." is an open end, nothing an unknown one.
    const auto end = [](const std::string& part) {
      return part == ".." ? std::string() : part;
    };
    days = Span(end(text.substr(0, slash)), end(text.substr(slash + 1)), text);
  } else {
    days = ParseSingle(text, text);
  }
  if (days.to.year > 9999) ThrowBadDate(text);
  return {days.from, days.to, text};
}

DateRange DateRangeOf(const Date& from, const Date& to) {
  DateRange range{from, to, DayOrLess(from, to)};
  if (!range.edtf.empty()) return range;
  if (range.HasUnknownStart()) {
    const std::string year = DayOrLess({to.year, 1, 1}, to);
    range.edtf = "../" + (year.empty() ? to.ToString() : year);
    return range;
  }
  if (from.month == 1 && from.day == 1 && to.month == 12 && to.day == 31) {
    range.edtf = fmt::format("{:04d}/{:04d}", from.year, to.year);
  } else if (from.day == 1 && to == LastDayOf(to.year, to.month)) {
    range.edtf = fmt::format("{:04d}-{:02d}/{:04d}-{:02d}", from.year,
                             from.month, to.year, to.month);
  } else {
    range.edtf = from.ToString() + "/" + to.ToString();
  }
  return range;
}

DateRange Hull(const DateRange& a, const DateRange& b) {
  const Date from = std::min(a.from, b.from);
  const Date to = std::max(a.to, b.to);
  if (from == a.from && to == a.to) return a;
  if (from == b.from && to == b.to) return b;
  return DateRangeOf(from, to);
}

bool SurveyedBefore(const DateRange& a, const DateRange& b) {
  return std::tuple(a.StatedFrom(), a.to) < std::tuple(b.StatedFrom(), b.to);
}

}  // namespace mapweave
