// SPDX-License-Identifier: MIT
//
// Survey dates in the part of EDTF (Extended Date/Time Format, Library of
// Congress 2019) that can date a map, and the days that each of them spans.
// Proleptic Gregorian calendar, years 0001 to 9999.
//
//   1882, 1882-05, 1882-05-17       a year, a month, a day
//   1882~, 1882-05?, 1882%          approximate, uncertain, both
//   188X, 18XX, 1882-XX             any year of a decade or century, ...
//   1882-26                         northern summer (25..28, from spring);
//                                   29..32 southern, 33..36 quarters
//   1881/1883-05                    a survey that lasted, ends included
//   ../1880, /1880                  not later than 1880, beginning unknown
//   [1880..1884], [1880,1884]       one of these years; {...} all of them
//   [..1880]                        not later than 1880
//
// A qualifier stays in the text and leaves the days as they are: how wide
// "about" is, is not known. What has no end (1880/.., [1880..]) cannot date a
// survey, since a building on it would be seen at no known time.
#pragma once

#include <compare>
#include <string>

namespace mapweave {

struct Date {
  int year = 0;
  int month = 1;  // 1..12
  int day = 1;    // 1..31

  auto operator<=>(const Date&) const = default;
  // "YYYY-MM-DD".
  std::string ToString() const;
};

// Stands for a beginning that is not known.
inline constexpr Date kUnknownStart{1, 1, 1};

// The first and the last day on which the survey may have taken place.
struct DateRange {
  Date from;
  Date to;
  // As written by the user, or derived: "1882", "1882-05".
  std::string edtf;

  bool HasUnknownStart() const { return from == kUnknownStart; }
  // The earliest day that is stated at all: `to` where the start is unknown.
  Date StatedFrom() const { return HasUnknownStart() ? to : from; }
  // True if no day is in both.
  bool IsApartFrom(const DateRange& other) const;

  bool operator==(const DateRange&) const = default;
};

// Throws Error{kUsage} naming `text`.
DateRange ParseDateRange(const std::string& text);

// The days from `from` to `to` with the shortest text that says the same:
// "1882", "1882-05", "1881/1883", "1882-05-17/1882-06-02".
DateRange DateRangeOf(const Date& from, const Date& to);

// From the first day of either to the last day of either. Equal ones keep
// their text.
DateRange Hull(const DateRange& a, const DateRange& b);

// Strict order of surveys in time: by when they began, then by when they
// ended. One whose beginning is not known counts from its end.
bool SurveyedBefore(const DateRange& a, const DateRange& b);

}  // namespace mapweave
