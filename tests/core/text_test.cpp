// SPDX-License-Identifier: MIT
#include "core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mapweave {
namespace {

using ::testing::ElementsAre;

TEST(TextTest, LowersLettersOfAsciiOnly) {
  EXPECT_EQ(ToLower("Map-1.TIF"), "map-1.tif");
  EXPECT_EQ(ToLower("\xC3\x84.Tif"), "\xC3\x84.tif");
}

TEST(TextTest, FileNamesNeedNoEscape) {
  EXPECT_EQ(FileNamePart("1880/1885"), "1880_1885");
  EXPECT_EQ(FileNamePart("a?b#c%d\"e<f.g-h"), "a_b_c_d_e_f.g-h");
}

TEST(TextTest, FileNamesDiffer) {
  EXPECT_THAT(UniqueFileNames({"1898?", "1898~", "1898_", "", "..", "x"}, "e"),
              ElementsAre("1898_", "1898_-2", "1898_-3", "e", "e..", "x"));
  // A name that looks like a made one is taken as any other.
  EXPECT_THAT(UniqueFileNames({"a-2", "a", "a"}, ""),
              ElementsAre("a-2", "a", "a-3"));
}

TEST(TextTest, PagesShowTextAsItIs) {
  EXPECT_EQ(EscapedHtml("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
}

}  // namespace
}  // namespace mapweave
