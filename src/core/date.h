// SPDX-License-Identifier: MIT
//
// Survey dates: a year, month or day, or an interval of them, in the subset of
// EDTF (Extended Date/Time Format, Library of Congress 2019) that map series
// need: YYYY, YYYY-MM, YYYY-MM-DD, and "a/b" for a survey that lasted from a
// to b. Proleptic Gregorian calendar.
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

// The first and the last day on which the survey may have taken place.
struct DateRange {
  Date from;
  Date to;
  // As written by the user, or derived: "1882", "1882-05".
  std::string edtf;

  bool operator==(const DateRange&) const = default;
};

// Throws Error{kUsage} naming `text`.
DateRange ParseDateRange(const std::string& text);

}  // namespace mapweave
