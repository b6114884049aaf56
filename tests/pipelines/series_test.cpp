// SPDX-License-Identifier: MIT
#include "pipelines/series.h"

#include "fixture.h"

#include <gdal.h>

namespace mapweave::pipelines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SeriesTest : public ::testing::Test {
 protected:
  std::filesystem::path Path(const std::string& name) const {
    return folder_.Path() / name;
  }
  std::filesystem::path Sheet(const std::string& name,
                              const std::string& date = "") const {
    WriteSheet(Path(name), date);
    return Path(name);
  }
  std::filesystem::path Toml(const std::string& text) const {
    WriteText(Path("series.toml"), text);
    return Path("series.toml");
  }

 private:
  mapweave::testing::TempDir folder_;
};

TEST(YearInFileName, TakesTheOneYearThatStandsApart) {
  EXPECT_EQ(YearInFileName("town_1882.tif"), "1882");
  EXPECT_EQ(YearInFileName("folder_1900/1882-north.tif"), "1882");
  EXPECT_EQ(YearInFileName("1882_town_1882.tif"), "1882");
  EXPECT_EQ(YearInFileName("plan1400.tif"), "1400");
  EXPECT_EQ(YearInFileName("plan2099.tif"), "2099");
}

TEST(YearInFileName, DoesNotGuess) {
  EXPECT_FALSE(YearInFileName("town.tif"));
  EXPECT_FALSE(YearInFileName("town_1860_1880.tif"));
  EXPECT_FALSE(YearInFileName("scan_18821.tif"));
  EXPECT_FALSE(YearInFileName("scan_00001882.tif"));
  EXPECT_FALSE(YearInFileName("town_1399.tif"));
  EXPECT_FALSE(YearInFileName("town_2100.tif"));
}

TEST_F(SeriesTest, TomlNamesEditionsAndFindsSheetsBesideItself) {
  Sheet("b.tif");
  Sheet("north.tif");
  Sheet("south.tif");
  const Series series = LoadSeries({Toml(R"(
[[edition]]
label = "second"
date = "1898-05"
sheets = ["b.tif"]
[[edition]]
date = "1880/1882"
sheets = ["north.tif", "south.tif"]
)")},
                                   {});
  // Oldest first, whatever the order in the file.
  EXPECT_THAT(series.Labels(), ElementsAre("1880/1882", "second"));
  ASSERT_EQ(series.sheets.size(), 3u);
  EXPECT_EQ(series.sheets[0].path, Path("north.tif"));
  EXPECT_EQ(series.sheets[1].path, Path("south.tif"));
  EXPECT_EQ(series.sheets[1].date.from, (Date{1880, 1, 1}));
  EXPECT_EQ(series.sheets[1].date.to, (Date{1882, 12, 31}));
  EXPECT_EQ(series.sheets[2].path, Path("b.tif"));
  EXPECT_EQ(series.sheets[2].date.to, (Date{1898, 5, 31}));
}

TEST_F(SeriesTest, TomlThatIsNotUnderstoodIsRefusedWithItsName) {
  Sheet("a.tif");
  struct Case {
    const char* text;
    const char* fault;
  };
  for (const Case& c : {
           Case{"[[edition]]\ndate = 1882\nsheets = [\"a.tif\"]", "date"},
           Case{"[[edition]]\ndate = \"1882\"\nsheets = []", "no sheets"},
           Case{"[[edition]]\ndate = \"1882\"\nsheets = [3]", "no path"},
           Case{"[[edition]]\nsheets = [\"a.tif\"]", "neither date"},
           Case{"[[edition]]\ndate = \"1882\"\nsheets = "
                "[{ path = \"a.tif\", colour = \"red\" }]",
                "unknown key 'colour' of a sheet of '1882'"},
           Case{"[[edition]]\ndate = \"1882\"\nsheets = "
                "[{ date = \"1881\" }]",
                "no path"},
           Case{"[[edition]]\ndate = \"1882\"\ntransformation = \"magic\"\n"
                "sheets = [\"a.tif\"]",
                "'magic' is not a transformation"},
           Case{"crs = \"EPSG:0\"\n[[edition]]\ndate = \"1882\"\n"
                "sheets = [\"a.tif\"]",
                "EPSG:0"},
           Case{"allow_ballpark = \"yes\"\n[[edition]]\ndate = \"1882\"\n"
                "sheets = [\"a.tif\"]",
                "'allow_ballpark' is neither true nor false"},
           Case{"[[edition]]\ndate = \"1882\"\nsheets = [\"a.tif\"]\n"
                "colour = \"red\"",
                "unknown key 'colour'"},
           Case{"title = \"x\"\n[[edition]]\ndate = \"1882\"\n"
                "sheets = [\"a.tif\"]",
                "unknown key 'title'"},
           Case{"[[edition]]\ndate = \"88\"\nsheets = [\"a.tif\"]", "88"},
           Case{"", "no [[edition]]"},
           Case{"edition = [1, 2]", "not a table"},
           Case{"[[edition]\n", "line 1"},
       }) {
    SCOPED_TRACE(c.text);
    const Error error = ErrorOf([&] { LoadSeries({Toml(c.text)}, {}); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr("series.toml"));
    EXPECT_THAT(error.Message(), HasSubstr(c.fault));
  }
}

TEST_F(SeriesTest, TomlSaysHowSheetsAreOpenedTheNearestWordWins) {
  for (const char* name : {"a.tif", "b.tif", "c.tif"}) Sheet(name);
  const Series series = LoadSeries({Toml(R"(
crs = "EPSG:2154"
allow_ballpark = true
[[edition]]
date = "1882"
crs = "EPSG:27572"
cutline = "town.geojson"
sheets = [
  "a.tif",
  { path = "b.tif", crs = "EPSG:25832", allow_ballpark = false },
]
[[edition]]
date = "1898"
[[edition.sheets]]
path = "c.tif"
gcps = "sub/../c.points"
transformation = "gcp-poly2"
)")},
                                   {});
  ASSERT_EQ(series.sheets.size(), 3u);
  SheetSettings a;
  a.crs = "EPSG:27572";
  a.cutline = Path("town.geojson");
  a.allow_ballpark = true;
  EXPECT_EQ(series.sheets[0].settings, a);
  SheetSettings b = a;
  b.crs = "EPSG:25832";
  b.allow_ballpark = false;
  EXPECT_EQ(series.sheets[1].settings, b);
  SheetSettings c;
  c.crs = "EPSG:2154";
  c.gcps = Path("c.points");
  c.transformation = "gcp-poly2";
  c.allow_ballpark = true;
  EXPECT_EQ(series.sheets[2].settings, c);
}

TEST_F(SeriesTest, SheetsOwnDateWinsOverItsEditions) {
  for (const char* name : {"a.tif", "b.tif", "c.tif"}) Sheet(name, "1700");
  const Series series = LoadSeries({Toml(R"(
[[edition]]
date = "1880/1885"
sheets = ["a.tif", { path = "b.tif", date = "1882-05~" }]
[[edition]]
label = "undated"
sheets = [{ path = "c.tif", date = "1898" }]
)")},
                                   {});
  ASSERT_EQ(series.sheets.size(), 3u);
  EXPECT_EQ(series.sheets[0].date.edtf, "1880/1885");
  EXPECT_EQ(series.sheets[0].date_source, DateSource::kEdition);
  EXPECT_EQ(series.sheets[1].date.edtf, "1882-05~");
  EXPECT_EQ(series.sheets[1].date_source, DateSource::kSheet);
  EXPECT_EQ(series.editions[0].date.edtf, "1880/1885");
  EXPECT_EQ(series.editions[1].label, "undated");
  EXPECT_EQ(series.editions[1].date.edtf, "1898");
}

TEST_F(SeriesTest, EditionWithoutADateSpansItsSheets) {
  Sheet("a.tif", "1882-05");
  Sheet("b.tif", "1880");
  const Series series = LoadSeries({Toml("[[edition]]\nlabel = \"first\"\n"
                                         "sheets = [\"a.tif\", \"b.tif\"]")},
                                   {});
  ASSERT_EQ(series.editions.size(), 1u);
  EXPECT_EQ(series.editions[0].date.edtf, "1880-01/1882-05");
  EXPECT_EQ(series.sheets[0].date_source, DateSource::kFile);
}

TEST_F(SeriesTest, SettingsOfTheCommandLineFillOrOverrule) {
  Sheet("a.tif");
  Sheet("b.tif");
  const auto toml = Toml(
      "[[edition]]\ndate = \"1882\"\n"
      "sheets = [\"a.tif\", { path = \"b.tif\", crs = \"EPSG:2154\" }]");
  SeriesOptions options;
  options.settings = {{"crs", "EPSG:25832"}};
  Series series = LoadSeries({toml}, options);
  EXPECT_EQ(series.sheets[0].settings.crs, "EPSG:25832");
  EXPECT_EQ(series.sheets[1].settings.crs, "EPSG:2154");
  // A pair is about this very sheet.
  options.settings.push_back({"crs", "b.tif=EPSG:27572"});
  options.settings.push_back(
      {"gcps", Path("a.tif").string() + "=" + Path("a.points").string()});
  series = LoadSeries({toml}, options);
  EXPECT_EQ(series.sheets[0].settings.gcps, Path("a.points"));
  EXPECT_EQ(series.sheets[1].settings.crs, "EPSG:27572");
  // A PROJ string has equal signs of its own.
  options.settings = {{"crs", "+proj=utm +zone=32 +datum=WGS84"}};
  series = LoadSeries({toml}, options);
  EXPECT_EQ(series.sheets[0].settings.crs, options.settings[0].text);
}

TEST_F(SeriesTest, SettingsThatCannotBeMeantAreRefused) {
  const auto a = Sheet("a_1882.tif");
  const auto b = Sheet("b_1898.tif");
  const auto fault_of = [&](std::vector<SettingArgument> settings) {
    SeriesOptions options;
    options.settings = std::move(settings);
    const Error error = ErrorOf([&] { LoadSeries({a, b}, options); });
    EXPECT_EQ(error.Code(), ErrorCode::kUsage);
    return error.Message();
  };
  EXPECT_THAT(fault_of({{"gcps", "x.points"}}), HasSubstr("2 sheets"));
  EXPECT_THAT(fault_of({{"gcps", "c.tif=x.points"}}),
              HasSubstr("'c.tif' is none of the sheets"));
  EXPECT_THAT(fault_of({{"transformation", "magic"}}), HasSubstr("magic"));
  EXPECT_THAT(fault_of({{"crs", "EPSG:2154"}, {"crs", "EPSG:2056"}}),
              HasSubstr("another one"));
}

TEST_F(SeriesTest, FileBesideTheSeriesDefinesItsCrs) {
  Sheet("a.tif");
  WriteText(Path("town.prj"), geo::Crs::FromUserInput("EPSG:2154").Wkt1());
  const Series series =
      LoadSeries({Toml("crs = \"town.prj\"\n[[edition]]\ndate = \"1882\"\n"
                       "sheets = [\"a.tif\"]")},
                 {});
  EXPECT_TRUE(geo::Crs::FromUserInput(series.sheets[0].settings.crs)
                  .IsSame(geo::Crs::FromUserInput("EPSG:2154")));
}

TEST_F(SeriesTest, TomlWithAMissingSheetNamesTheSheet) {
  const Error error = ErrorOf([&] {
    LoadSeries({Toml("[[edition]]\ndate = \"1882\"\nsheets = [\"gone.tif\"]")},
               {});
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("gone.tif"));
}

TEST_F(SeriesTest, OneEditionCannotHaveTwoDates) {
  Sheet("a.tif");
  Sheet("b.tif");
  const Error error = ErrorOf([&] {
    LoadSeries({Toml("[[edition]]\nlabel = \"old\"\ndate = \"1882\"\n"
                     "sheets = [\"a.tif\"]\n"
                     "[[edition]]\nlabel = \"old\"\ndate = \"1898\"\n"
                     "sheets = [\"b.tif\"]")},
               {});
  });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("'old' has two dates"));
}

TEST_F(SeriesTest, EditionsOptionDatesTheSheetsInTheirOrder) {
  SeriesOptions options;
  options.editions = {"1898", "1882", "1882"};
  const Series series = LoadSeries(
      {Sheet("x_1700.tif", "1600"), Sheet("a.tif"), Sheet("b.tif")}, options);
  EXPECT_THAT(series.Labels(), ElementsAre("1882", "1898"));
  EXPECT_EQ(series.sheets[0].path, Path("a.tif"));
  EXPECT_EQ(series.sheets[1].path, Path("b.tif"));
  EXPECT_EQ(series.sheets[2].path, Path("x_1700.tif"));
}

TEST_F(SeriesTest, EditionsOptionMustFitTheSheets) {
  SeriesOptions options;
  options.editions = {"1882"};
  const auto a = Sheet("a.tif");
  const auto b = Sheet("b.tif");
  EXPECT_EQ(ErrorOf([&] {
              LoadSeries({a, b}, options);
            }).Code(),
            ErrorCode::kUsage);
  options.editions = {"1882", "sometime"};
  EXPECT_EQ(ErrorOf([&] {
              LoadSeries({a, b}, options);
            }).Code(),
            ErrorCode::kUsage);
  EXPECT_EQ(ErrorOf([&] { LoadSeries({Toml("")}, options); }).Code(),
            ErrorCode::kUsage);
  EXPECT_EQ(ErrorOf([&] { LoadSeries({}, {}); }).Code(), ErrorCode::kUsage);
}

TEST_F(SeriesTest, TagOfTheTiffGoesBeforeTheYearInItsName) {
  const Series series =
      LoadSeries({Sheet("scan_1990.tif", "1871-03"), Sheet("b_1898.tif")}, {});
  EXPECT_THAT(series.Labels(), ElementsAre("1871-03", "1898"));
  EXPECT_EQ(series.sheets[0].path, Path("scan_1990.tif"));
}

TEST_F(SeriesTest, AClockThatContradictsTheNameIsRefused) {
  const auto sheet = Sheet("town_1882.tif");
  const auto tag = [&sheet](const char* text) {
    GDALDatasetH dataset = GDALOpen(sheet.c_str(), GA_Update);
    GDALSetMetadataItem(dataset, "TIFFTAG_DATETIME", text, nullptr);
    GDALClose(dataset);
  };
  tag("1971:01:01 00:00:00");
  const Error error = ErrorOf([&] { LoadSeries({sheet}, {}); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("1971-01-01"));
  EXPECT_THAT(error.Message(), HasSubstr("1882 by its name"));
  EXPECT_THAT(error.Hint(), HasSubstr("--editions"));
  SeriesOptions options;
  options.editions = {"1882"};
  EXPECT_EQ(LoadSeries({sheet}, options).sheets[0].date.edtf, "1882");
  // The clock was never set: the name counts.
  tag("1970:01:01 00:00:00");
  const Series series = LoadSeries({sheet}, {});
  EXPECT_EQ(series.sheets[0].date.edtf, "1882");
  EXPECT_EQ(series.sheets[0].date_source, DateSource::kFileName);
}

TEST_F(SeriesTest, WhatIsOfOneScanNeedsThePathWhereNamesAreAlike) {
  std::filesystem::create_directory(Path("1882"));
  std::filesystem::create_directory(Path("1898"));
  const auto first = Sheet("1882/a.tif");
  const auto second = Sheet("1898/a.tif");
  SeriesOptions options;
  options.editions = {"1882", "1898"};
  for (const char* key : {"gcps", "annotation", "cutline"}) {
    options.settings = {{key, "a.tif=x"}};
    const Error error = ErrorOf([&] { LoadSeries({first, second}, options); });
    EXPECT_EQ(error.Code(), ErrorCode::kUsage) << key;
    EXPECT_THAT(error.Message(), HasSubstr(first.string()));
    EXPECT_THAT(error.Message(), HasSubstr(second.string()));
    options.settings = {{key, first.string() + "=x"}};
    const Series series = LoadSeries({first, second}, options);
    EXPECT_EQ(series.sheets[0].settings.Get(key), "x");
    EXPECT_EQ(series.sheets[1].settings.Get(key), "");
  }
  options.settings = {{"crs", "a.tif=EPSG:25832"}};
  EXPECT_EQ(LoadSeries({first, second}, options).sheets[1].settings.crs,
            "EPSG:25832");
}

TEST_F(SeriesTest, NoCutlineIsAWordAndNoPath) {
  Sheet("a.tif");
  Sheet("b.tif");
  const Series series = LoadSeries(
      {Toml("cutline = \"town.geojson\"\n[[edition]]\ndate = \"1882\"\n"
            "sheets = [{ path = \"a.tif\", cutline = \"none\" }, "
            "\"b.tif\"]")},
      {});
  EXPECT_TRUE(series.sheets[0].settings.Options().keep_all);
  EXPECT_FALSE(series.sheets[0].settings.Options().cutline);
  EXPECT_FALSE(series.sheets[1].settings.Options().keep_all);
  EXPECT_EQ(series.sheets[1].settings.cutline, Path("town.geojson"));
  WriteText(Path("series.csv"), "path,date,cutline\na.tif,1882,none\n");
  EXPECT_TRUE(LoadSeries({Path("series.csv")}, {})
                  .sheets[0]
                  .settings.Options()
                  .keep_all);
  SeriesOptions options;
  options.editions = {"1882", "1882"};
  options.settings = {{"cutline", "none"}};
  for (const SeriesSheet& sheet :
       LoadSeries({Path("a.tif"), Path("b.tif")}, options).sheets) {
    EXPECT_TRUE(sheet.settings.Options().keep_all);
  }
}

TEST_F(SeriesTest, TagThatIsNoDateNamesTheSheet) {
  const auto sheet = Sheet("scan.tif", "in spring");
  const Error error = ErrorOf([&] { LoadSeries({sheet}, {}); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("scan.tif"));
}

TEST_F(SeriesTest, UnknownDateIsAnErrorThatNamesTheSheetAndTheRemedy) {
  for (const char* name : {"town.tif", "town_1860_1880.tif"}) {
    const auto sheet = Sheet(name);
    const Error error = ErrorOf([&] { LoadSeries({sheet}, {}); });
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr(name));
    EXPECT_THAT(error.Hint(), HasSubstr("--editions"));
  }
}

TEST_F(SeriesTest, SheetGivenTwiceIsRefusedHoweverItIsSpelt) {
  const auto sheet = Sheet("a_1882.tif");
  std::filesystem::create_directory(Path("sub"));
  for (const auto& again :
       {sheet, Path("./a_1882.tif"), Path("sub/../a_1882.tif")}) {
    const Error error = ErrorOf([&] { LoadSeries({sheet, again}, {}); });
    EXPECT_EQ(error.Code(), ErrorCode::kUsage) << again;
    EXPECT_THAT(error.Message(), HasSubstr("a_1882.tif"));
  }
}

TEST_F(SeriesTest, MissingFileIsNamed) {
  const Error error = ErrorOf([&] { LoadSeries({Path("gone_1882.tif")}, {}); });
  EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
  EXPECT_THAT(error.Message(), HasSubstr("gone_1882.tif"));
}

}  // namespace
}  // namespace mapweave::pipelines
