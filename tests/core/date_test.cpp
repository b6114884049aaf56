// SPDX-License-Identifier: MIT
#include "core/date.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <string>

namespace mapweave {
namespace {

TEST(Date, EachFormSpansTheDaysThatItSays) {
  struct Case {
    const char* text;
    Date from;
    Date to;
  };
  for (const Case& c : {
           Case{"1882", {1882, 1, 1}, {1882, 12, 31}},
           Case{"1900-02", {1900, 2, 1}, {1900, 2, 28}},
           Case{"1904-02", {1904, 2, 1}, {1904, 2, 29}},
           Case{"1882-05-17", {1882, 5, 17}, {1882, 5, 17}},
           Case{"1881/1883-05", {1881, 1, 1}, {1883, 5, 31}},
           Case{"1882/1882", {1882, 1, 1}, {1882, 12, 31}},
           // Qualified: the days of the plain date.
           Case{"1882~", {1882, 1, 1}, {1882, 12, 31}},
           Case{"1882-05?", {1882, 5, 1}, {1882, 5, 31}},
           Case{"1882-05-17%", {1882, 5, 17}, {1882, 5, 17}},
           Case{"1881~/1883?", {1881, 1, 1}, {1883, 12, 31}},
           // Digits that are not specified.
           Case{"188X", {1880, 1, 1}, {1889, 12, 31}},
           Case{"18XX", {1800, 1, 1}, {1899, 12, 31}},
           Case{"188X?", {1880, 1, 1}, {1889, 12, 31}},
           Case{"187X/1885", {1870, 1, 1}, {1885, 12, 31}},
           Case{"1882-XX", {1882, 1, 1}, {1882, 12, 31}},
           Case{"1882-XX-XX", {1882, 1, 1}, {1882, 12, 31}},
           Case{"1882-02-XX", {1882, 2, 1}, {1882, 2, 28}},
           // Unknown beginnings.
           Case{"../1880", kUnknownStart, {1880, 12, 31}},
           Case{"/1880-06", kUnknownStart, {1880, 6, 30}},
           Case{"[..1880]", kUnknownStart, {1880, 12, 31}},
           // Sets.
           Case{"[1880..1884]", {1880, 1, 1}, {1884, 12, 31}},
           Case{"[1880,1884]", {1880, 1, 1}, {1884, 12, 31}},
           Case{"[1884, 1880-05]", {1880, 5, 1}, {1884, 12, 31}},
           Case{"{1880..1882,1884-03}", {1880, 1, 1}, {1884, 3, 31}},
           // Seasons and quarters.
           Case{"1882-25", {1882, 3, 1}, {1882, 5, 31}},
           Case{"1882-26", {1882, 6, 1}, {1882, 8, 31}},
           Case{"1882-27", {1882, 9, 1}, {1882, 11, 30}},
           Case{"1883-28", {1883, 12, 1}, {1884, 2, 29}},
           Case{"1882-29", {1882, 9, 1}, {1882, 11, 30}},
           Case{"1882-30", {1882, 12, 1}, {1883, 2, 28}},
           Case{"1882-31", {1882, 3, 1}, {1882, 5, 31}},
           Case{"1882-32", {1882, 6, 1}, {1882, 8, 31}},
           Case{"1882-33", {1882, 1, 1}, {1882, 3, 31}},
           Case{"1882-36~", {1882, 10, 1}, {1882, 12, 31}},
       }) {
    SCOPED_TRACE(c.text);
    const DateRange range = ParseDateRange(c.text);
    EXPECT_EQ(range.from, c.from) << range.from.ToString();
    EXPECT_EQ(range.to, c.to) << range.to.ToString();
    EXPECT_EQ(range.edtf, c.text);
  }
}

TEST(Date, RefusesWhatIsNoDate) {
  for (const char* text : {"",           "about 1880", "18800",
                           "1880-13",    "1881-02-29", "1880-00",
                           "1883/1881",  "1880-1",     "1880/",
                           "1880/..",    "[1880..]",   "../..",
                           "/",          "[]",         "[..]",
                           "[1880",      "1880]",      "[1880,]",
                           "1XXX",       "XXXX",       "188X-05",
                           "1882-XX-05", "0000",       "-1882",
                           "1882~~",     "~1882",      "1882-37",
                           "1882-26-01", "1882-20",    "[1884..1880]",
                           "1880/81",    "1880//1881", "1880/1881/1882",
                           "1882-05-32", "9999-28"}) {
    EXPECT_THROW(ParseDateRange(text), Error) << text;
  }
}

TEST(Date, SeasonWithoutHemisphereSaysWhatToWrite) {
  try {
    ParseDateRange("1882-22");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.Hint().find("1882-26"), std::string::npos);
    EXPECT_NE(error.Hint().find("1882-30"), std::string::npos);
  }
}

TEST(Date, RangeHasTheShortestTextThatSpansTheSameDays) {
  for (const char* text :
       {"1882", "1882-02", "1882-05-17", "1881/1883", "1881-03/1883-05",
        "1881-03-02/1883-05-31", "1881-01-02/1881-12-31", "../1880",
        "../1880-06-30", "1883-12/1884-02"}) {
    const DateRange range = ParseDateRange(text);
    EXPECT_EQ(DateRangeOf(range.from, range.to).edtf, text);
  }
  // Whatever the text, the days come back.
  for (const char* text : {"188X", "[1880..1884]", "1883-28", "/1880-06"}) {
    const DateRange range = ParseDateRange(text);
    const DateRange again =
        ParseDateRange(DateRangeOf(range.from, range.to).edtf);
    EXPECT_EQ(again.from, range.from) << text;
    EXPECT_EQ(again.to, range.to) << text;
  }
}

TEST(Date, HullKeepsTheTextOfTheWiderOne) {
  const auto hull = [](const char* a, const char* b) {
    return Hull(ParseDateRange(a), ParseDateRange(b)).edtf;
  };
  EXPECT_EQ(hull("1882~", "1882~"), "1882~");
  EXPECT_EQ(hull("188X", "1882-05"), "188X");
  EXPECT_EQ(hull("1882-05", "188X"), "188X");
  EXPECT_EQ(hull("1880", "1884-03"), "1880-01/1884-03");
  EXPECT_EQ(hull("1884", "1880"), "1880/1884");
}

TEST(Date, SurveysAreOrderedByTheirBeginningIfThatIsKnown) {
  const auto before = [](const char* a, const char* b) {
    return SurveyedBefore(ParseDateRange(a), ParseDateRange(b));
  };
  EXPECT_TRUE(before("1881", "1882"));
  EXPECT_FALSE(before("1882", "1882"));
  EXPECT_TRUE(before("1881", "1881/1883"));
  EXPECT_TRUE(before("1860", "../1880"));
  EXPECT_TRUE(before("../1880", "1898"));
}

TEST(Date, RangesWithACommonDayAreNotApart) {
  EXPECT_FALSE(ParseDateRange("1882").IsApartFrom(ParseDateRange("1882-05")));
  EXPECT_FALSE(ParseDateRange("../1882").IsApartFrom(ParseDateRange("1701")));
  EXPECT_TRUE(ParseDateRange("1882").IsApartFrom(ParseDateRange("1883")));
  EXPECT_TRUE(ParseDateRange("1884").IsApartFrom(ParseDateRange("1883")));
}

}  // namespace
}  // namespace mapweave
