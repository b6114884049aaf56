// SPDX-License-Identifier: MIT
#include "core/csv.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mapweave {
namespace {

using Table = std::vector<std::vector<std::string>>;

Table FieldsOf(const std::string& text) {
  Table table;
  for (const CsvRow& row : ParseCsv(text, "t.csv")) table.push_back(row.fields);
  return table;
}

TEST(Csv, ReadsFieldsAsSpreadsheetsWriteThem) {
  EXPECT_EQ(FieldsOf("a,b\n1,2\n"), (Table{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(FieldsOf("a,b\r\n1,\r\n\r\n,2"),
            (Table{{"a", "b"}, {"1", ""}, {"", "2"}}));
  EXPECT_EQ(FieldsOf("\xEF\xBB\xBF"
                     "a;b\n1,5;2\n"),
            (Table{{"a", "b"}, {"1,5", "2"}}));
  EXPECT_EQ(FieldsOf("a\tb\n1\t2"), (Table{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(FieldsOf("\"a,b\",\"say \"\"x\"\"\"\n\"two\nlines\",z\n"),
            (Table{{"a,b", "say \"x\""}, {"two\nlines", "z"}}));
  EXPECT_EQ(FieldsOf(""), Table{});
}

TEST(Csv, CountsLinesThroughQuotedBreaks) {
  const std::vector<CsvRow> rows = ParseCsv("a\n\"x\ny\"\nz\n", "t.csv");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_EQ(rows[2].line, 4);
}

TEST(Csv, NamesTheLineOfAnOpenQuote) {
  try {
    ParseCsv("a,b\n1,\"2\n3\n", "t.csv");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_EQ(error.Message(), "'t.csv', line 2: a quote is not closed");
  }
}

TEST(Csv, WhatIsWrittenIsReadBack) {
  const Table table{{"a", "b"},
                    {"x,y", "\"quoted\""},
                    {"two\nlines", ""},
                    {"semi;colon", " space "}};
  std::string text;
  for (const auto& row : table) text += CsvLine(row);
  EXPECT_EQ(FieldsOf(text), table);
}

}  // namespace
}  // namespace mapweave
