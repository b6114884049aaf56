// SPDX-License-Identifier: MIT
#include "core/date.h"

#include "core/error.h"

#include <gtest/gtest.h>

namespace mapweave {
namespace {

TEST(Date, YearSpansAllItsDays) {
  const DateRange range = ParseDateRange("1882");
  EXPECT_EQ(range.from, (Date{1882, 1, 1}));
  EXPECT_EQ(range.to, (Date{1882, 12, 31}));
  EXPECT_EQ(range.edtf, "1882");
}

TEST(Date, MonthEndsOnItsLastDay) {
  EXPECT_EQ(ParseDateRange("1900-02").to, (Date{1900, 2, 28}));
  EXPECT_EQ(ParseDateRange("1904-02").to, (Date{1904, 2, 29}));
}

TEST(Date, IntervalRunsFromFirstToLast) {
  const DateRange range = ParseDateRange("1881/1883-05");
  EXPECT_EQ(range.from.ToString(), "1881-01-01");
  EXPECT_EQ(range.to.ToString(), "1883-05-31");
}

TEST(Date, RefusesWhatIsNoDate) {
  for (const char* text : {"", "about 1880", "18800", "1880-13", "1881-02-29",
                           "1880-00", "1883/1881", "1880/", "1880-1"}) {
    EXPECT_THROW(ParseDateRange(text), Error) << text;
  }
}

}  // namespace
}  // namespace mapweave
