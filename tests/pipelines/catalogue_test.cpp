// SPDX-License-Identifier: MIT
#include "pipelines/catalogue.h"

#include "core/json.h"
#include "fixture.h"
#include "geo/file_access.h"
#include "pipelines/catalogue_writer.h"
#include "pipelines/ingest.h"
#include "pipelines/project.h"
#include "pipelines/series.h"

#include <cstdlib>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSquare[] = R"({"type":"FeatureCollection",
"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::25832"}},
"features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon",
"coordinates":[[[500004,5399972],[500028,5399972],[500028,5399996],
[500004,5399996],[500004,5399972]]]}}]})";

class CatalogueTest : public ::testing::Test {
 protected:
  fs::path Path(const std::string& name) const { return folder_.Path() / name; }
  fs::path Text(const std::string& name, const std::string& text) const {
    WriteText(Path(name), text);
    return Path(name);
  }
  fs::path Sheet(const std::string& name, const std::string& date = "") const {
    WriteSheet(Path(name), date);
    return Path(name);
  }
  Error ReadError(const fs::path& path) const {
    return ErrorOf([&] { ReadCatalogue(path); });
  }
  std::vector<fs::path> Write(const Series& series, const fs::path& output,
                              bool cogs = false) {
    CatalogueOptions options;
    options.cogs = cogs;
    return WriteCatalogue(series, output, options, quiet_.context);
  }
  // A series that uses everything that a catalogue can say.
  Series RichSeries() const {
    fs::create_directory(Path("maps"));
    Sheet("maps/north 1.tif");
    Sheet("maps/south.tif", "1700");
    Sheet("maps/late.tif");
    Text("town.geojson", kSquare);
    return LoadSeries({Text("series.toml", R"(
[[edition]]
label = "First, survey"
date = "1880/1885"
sheets = [
  { path = "maps/north 1.tif", cutline = "town.geojson" },
  { path = "maps/south.tif", date = "1882-05~", crs = "EPSG:25832" },
]
[[edition]]
date = "189X"
sheets = [{ path = "maps/late.tif", allow_ballpark = true }]
)")},
                      {});
  }

  mapweave::testing::TempDir folder_;
  QuietContext quiet_;
};

// All but who stated the dates.
void ExpectSame(const Series& a, const Series& b) {
  ASSERT_EQ(a.editions.size(), b.editions.size());
  for (size_t i = 0; i < a.editions.size(); ++i) {
    EXPECT_EQ(a.editions[i].label, b.editions[i].label);
    EXPECT_EQ(a.editions[i].date, b.editions[i].date);
  }
  ASSERT_EQ(a.sheets.size(), b.sheets.size());
  for (size_t i = 0; i < a.sheets.size(); ++i) {
    EXPECT_EQ(fs::weakly_canonical(a.sheets[i].path),
              fs::weakly_canonical(b.sheets[i].path));
    EXPECT_EQ(a.sheets[i].edition, b.sheets[i].edition);
    EXPECT_EQ(a.sheets[i].date, b.sheets[i].date);
    EXPECT_EQ(a.sheets[i].settings.ToJson(), b.sheets[i].settings.ToJson());
  }
}

TEST_F(CatalogueTest, FolderGivesItsRastersAndNothingElse) {
  Sheet("town_1882.tif");
  Sheet("town_1898.tif");
  Text("notes.txt", "1 2 3\n4 5 6\n");
  Text("town_1882.tfw", "1\n0\n0\n-1\n0\n0\n");
  Text("list.csv", "x,y,z\n1,2,3\n");
  fs::copy_file(Path("town_1882.tif"), Path("town_1882.tif.ovr"));
  fs::create_directory(Path("older"));
  Sheet("older/town_1860.tif");
  const Series series = LoadSeries({Path("")}, {});
  EXPECT_THAT(series.Labels(), ElementsAre("1882", "1898"));
  EXPECT_EQ(series.sheets[0].path.filename(), "town_1882.tif");
  EXPECT_EQ(series.sheets[0].date_source, DateSource::kFileName);
}

TEST_F(CatalogueTest, EmptyFolderIsRefused) {
  EXPECT_THAT(ReadError(Path("")).Message(), HasSubstr("lists no sheets"));
}

TEST_F(CatalogueTest, TableMayBeIncompleteAndHoldNotes) {
  Sheet("a_1860.tif");
  Sheet("b.tif");
  const Series series =
      LoadSeries({Text("t.csv",
                       "\xEF\xBB\xBFPath; Date ;note;CRS\r\n"
                       "a_1860.tif;;torn;\r\n\r\n"
                       "b.tif;1882~;\"large; coloured\";EPSG:25832\r\n")},
                 {});
  EXPECT_THAT(series.Labels(), ElementsAre("1860", "1882~"));
  EXPECT_EQ(series.sheets[0].path, Path("a_1860.tif"));
  EXPECT_EQ(series.sheets[1].settings.crs, "EPSG:25832");
}

TEST_F(CatalogueTest, TableThatIsWrongIsRefusedWithItsLine) {
  Sheet("a.tif");
  struct Case {
    const char* text;
    const char* fault;
  };
  for (const Case& c : {
           Case{"", "line 1"},
           Case{"date\n1882\n", "line 1: no column 'path'"},
           Case{"path,path\na.tif,b.tif\n", "two columns 'path'"},
           Case{"path,date\na.tif,1882\n,1883\n", "line 3: no path"},
           Case{"path,date\na.tif,88\n", "line 2: '88' is not a date"},
           Case{"path\na.tif,1882\n", "line 2: 2 fields under 1 columns"},
           Case{"path,allow_ballpark\na.tif,maybe\n", "maybe"},
           Case{"path,transformation\na.tif,magic\n", "magic"},
           Case{"path\n\"a.tif\n", "a quote is not closed"},
           Case{"path\n", "lists no sheets"},
       }) {
    SCOPED_TRACE(c.text);
    const Error error = ReadError(Text("t.csv", c.text));
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr("t.csv"));
    EXPECT_THAT(error.Message(), HasSubstr(c.fault));
  }
}

TEST_F(CatalogueTest, EveryFormatGivesTheSameSeriesBack) {
  const Series series = RichSeries();
  for (const char* name : {"out/list.csv", "out/list.toml", "out/stac"}) {
    SCOPED_TRACE(name);
    fs::create_directory(Path("out"));
    Write(series, Path(name));
    ExpectSame(LoadSeries({Path(name)}, {}), series);
  }
  ExpectSame(LoadSeries({Path("out/stac/collection.json")}, {}), series);
}

TEST_F(CatalogueTest, ProjectGivesItsSeriesBackWhereverItsFolderGoes) {
  const Series series = RichSeries();
  Ingest(series, {}, Path("p.gpkg"), Overwrite::kRefuse, quiet_.context)
      .Close();
  ExpectSame(LoadSeries({Path("p.gpkg")}, {}), series);
  Write(LoadSeries({Path("p.gpkg")}, {}), Path("list.csv"));
  ExpectSame(LoadSeries({Path("list.csv")}, {}), series);

  const mapweave::testing::TempDir elsewhere;
  const fs::path moved = elsewhere.Path() / "moved";
  fs::rename(folder_.Path(), moved);
  const db::Store store =
      db::Store::Open(moved / "p.gpkg", db::OpenMode::kReadOnly);
  const Project project = LoadProject(store);
  ASSERT_EQ(project.editions.size(), 2u);
  EXPECT_FALSE(project.editions[0].sheets[0].cutline.empty());
  EXPECT_TRUE(project.editions[1].sheets[0].options.allow_ballpark);
  EXPECT_EQ(project.editions[0].sheet_dates[1].edtf, "1882-05~");
  fs::rename(moved, folder_.Path());
}

TEST_F(CatalogueTest, ItemsFollowTheStandard) {
  Write(RichSeries(), Path("stac"));
  const Json item = ReadJson(Path("stac/south/south.json"));
  EXPECT_EQ(item["type"], "Feature");
  EXPECT_EQ(item["stac_version"], "1.0.0");
  EXPECT_EQ(item["id"], "south");
  const Json& properties = item["properties"];
  // A null datetime needs both ends of the interval.
  EXPECT_TRUE(properties["datetime"].is_null());
  EXPECT_EQ(properties["start_datetime"], "1882-05-01T00:00:00Z");
  EXPECT_EQ(properties["end_datetime"], "1882-05-31T23:59:59Z");
  EXPECT_EQ(properties["proj:code"], "EPSG:25832");
  EXPECT_EQ(properties["proj:shape"], Json::array({32, 32}));
  EXPECT_EQ(properties["proj:transform"],
            Json::array({1.0, 0.0, 500000.0, 0.0, -1.0, 5400000.0}));
  // RFC 7946: closed, counter-clockwise, longitude first.
  const Json& ring = item["geometry"]["coordinates"][0];
  ASSERT_EQ(ring.size(), 5u);
  EXPECT_EQ(ring[0], ring[4]);
  Ring points;
  for (size_t i = 0; i < 4; ++i) points.push_back({ring[i][0], ring[i][1]});
  EXPECT_GT(SignedArea(points), 0.0);
  // 500000 m east is the central meridian of zone 32.
  EXPECT_NEAR(item["bbox"][0].get<double>(), 9.0, 1e-6);
  EXPECT_NEAR(item["bbox"][3].get<double>(), 48.7525, 1e-3);
  EXPECT_EQ(item["assets"]["data"]["type"], "image/tiff; application=geotiff");
  EXPECT_EQ(item["assets"]["data"]["roles"], Json::array({"data"}));
  EXPECT_EQ(item["collection"], "stac");

  const Json collection = ReadJson(Path("stac/collection.json"));
  EXPECT_EQ(collection["type"], "Collection");
  EXPECT_TRUE(collection["license"].is_string());
  EXPECT_EQ(collection["extent"]["temporal"]["interval"][0],
            Json::array({"1880-01-01T00:00:00Z", "1899-12-31T23:59:59Z"}));
  EXPECT_EQ(collection["extent"]["spatial"]["bbox"][0].size(), 4u);
  EXPECT_EQ(
      ReadJson(Path("stac/north_1/north_1.json"))["assets"]["data"]["href"],
      "../../maps/north%201.tif");
}

TEST_F(CatalogueTest, CogsStandForTheSheetsThatTheyWereMadeOf) {
  const Series series = RichSeries();
  const auto files = Write(series, Path("stac"), true);
  EXPECT_EQ(files.size(), 7u);  // three sheets, three items, the collection
  const Series again = LoadSeries({Path("stac")}, {});
  ASSERT_EQ(again.sheets.size(), 3u);
  const SeriesSheet& cog = again.sheets[0];
  EXPECT_EQ(fs::weakly_canonical(cog.path),
            fs::weakly_canonical(Path("stac/north_1/north_1.tif")));
  EXPECT_EQ(cog.date, series.sheets[0].date);
  EXPECT_EQ(cog.edition, "First, survey");
  EXPECT_EQ(cog.settings, SheetSettings());
  const geo::SheetInfo info = geo::InspectSheet(cog.path);
  EXPECT_EQ(info.crs.Label(), "EPSG:25832");
  EXPECT_EQ(info.bands, 4);
  EXPECT_EQ(info.survey_date, "1880/1885");
  EXPECT_EQ(
      ReadJson(Path("stac/north_1/north_1.json"))["assets"]["data"]["type"],
      "image/tiff; application=geotiff; profile=cloud-optimized");
  // What the cutline left out is transparent, the rest is as it was.
  geo::Grid grid;
  grid.crs = info.crs;
  grid.origin_x = 500000.0;
  grid.origin_y = 5400000.0;
  grid.width = 32;
  grid.height = 32;
  geo::EditionReader reader({info}, grid);
  const geo::Pixels pixels = reader.Read({0, 0, 32, 32});
  EXPECT_EQ(*pixels.coverage.At(1, 1), 0);
  EXPECT_EQ(*pixels.coverage.At(30, 30), 0);
  EXPECT_EQ(*pixels.coverage.At(16, 16), 1);
  EXPECT_EQ(*pixels.rgb.At(16, 16), SheetValue(16, 16));
}

TEST_F(CatalogueTest, ItemsOfOthersAreUnderstood) {
  Sheet("a.tif");
  const Series series = LoadSeries({Text("items.json", R"({
"type": "FeatureCollection", "features": [{
  "type": "Feature", "stac_version": "1.0.0", "id": "a", "geometry": null,
  "properties": {"datetime": null, "start_datetime": "1881-01-01T00:00:00Z",
    "end_datetime": "1883-12-31T23:59:59Z", "proj:epsg": 25832},
  "assets": {
    "thumb": {"href": "a.png", "type": "image/png", "roles": ["thumbnail"]},
    "meta": {"href": "a.xml", "type": "application/xml"},
    "map": {"href": "./a.tif", "type": "image/tiff", "roles": ["data"]}},
  "links": []}]})")},
                                   {});
  ASSERT_EQ(series.sheets.size(), 1u);
  EXPECT_EQ(series.sheets[0].path, Path("a.tif"));
  EXPECT_EQ(series.sheets[0].date.edtf, "1881/1883");
  // The file says the same itself.
  EXPECT_EQ(series.sheets[0].settings.crs, "");
}

TEST_F(CatalogueTest, StacThatIsNotUnderstoodIsRefused) {
  struct Case {
    const char* text;
    const char* fault;
  };
  for (const Case& c : {
           Case{"[]", "no object"},
           Case{"{", "not valid JSON"},
           Case{R"({"type":"Annotation"})", "georeference annotation"},
           Case{R"({"type":"FeatureCollection"})", "features"},
           Case{R"({"type":"FeatureCollection","features":[]})",
                "lists no sheets"},
           Case{R"({"type":"Feature","geometry":null})", "no STAC Item"},
           Case{R"({"type":"Feature","stac_version":"1.0.0","id":"x",
                    "assets":{}})",
                "'x' has 0 assets"},
           Case{R"({"type":"Feature","stac_version":"1.0.0","id":"x",
                    "assets":{"a":{"href":"a.tif","roles":["data"]},
                              "b":{"href":"b.tif","roles":["data"]}}})",
                "'x' has 2 assets"},
           Case{R"({"type":"Catalog","links":[{"rel":"item",
                    "href":"https://example.org/item.json"}]})",
                "https://example.org/item.json"},
           Case{R"({"type":"Catalog","links":[{"rel":"item",
                    "href":"/vsicurl/https://example.org/item.json"}]})",
                "refers to /vsicurl/https://example.org/item.json"},
           Case{R"({"type":"Catalog","links":[{"rel":"item",
                    "href":"%2Fvsis3/bucket/item.json"}]})",
                "refers to %2Fvsis3/bucket/item.json"},
           Case{R"({"type":"Catalog","links":[{"rel":"child",
                    "href":"gone.json"}]})",
                "gone.json"},
       }) {
    SCOPED_TRACE(c.text);
    const Error error = ReadError(Text("s.json", c.text));
    EXPECT_EQ(error.Code(), ErrorCode::kBadInput);
    EXPECT_THAT(error.Message(), HasSubstr(c.fault));
  }
}

TEST_F(CatalogueTest, LinksInACircleEnd) {
  Sheet("a_1882.tif");
  Text("item.json", R"({"type":"Feature","stac_version":"1.0.0","id":"a",
    "properties":{},"assets":{"data":{"href":"a_1882.tif"}}})");
  Text("b.json", R"({"type":"Catalog","links":[
    {"rel":"child","href":"./catalog.json"},{"rel":"item","href":"item.json"}
    ]})");
  Text("catalog.json", R"({"type":"Catalog","links":[
    {"rel":"child","href":"b.json"},{"rel":"item","href":"item.json"}]})");
  EXPECT_EQ(LoadSeries({Path("")}, {}).sheets.size(), 1u);
}

TEST_F(CatalogueTest, CogOfASheetInDegreesStaysInThem) {
  geo::Grid grid;
  grid.crs = geo::Crs::Wgs84();
  grid.origin_x = 9.0;
  grid.origin_y = 48.75;
  grid.resolution = 1e-5;
  grid.width = 32;
  grid.height = 32;
  ImageU8 image(32, 32, 3, 0);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      std::fill_n(image.At(x, y), 3, SheetValue(x, y));
    }
  }
  geo::WriteGeoTiff(Path("a_1882.tif"), image, grid);
  Write(LoadSeries({Path("a_1882.tif")}, {}), Path("stac"), true);
  const geo::SheetInfo cog = geo::InspectSheet(Path("stac/a_1882/a_1882.tif"));
  EXPECT_EQ(cog.crs.Label(), "EPSG:4326");
  EXPECT_EQ(cog.width, 32);
  EXPECT_NEAR(cog.resolution, 1e-5, 1e-12);
  geo::EditionReader reader({cog}, grid);
  const geo::Pixels pixels = reader.Read({0, 0, 32, 32});
  EXPECT_EQ(*pixels.coverage.At(16, 7), 1);
  EXPECT_EQ(*pixels.rgb.At(16, 7), SheetValue(16, 7));
  EXPECT_EQ(*pixels.rgb.At(16, 8), SheetValue(16, 8));
}

TEST_F(CatalogueTest, FolderThatCannotBeMadeIsNamed) {
  Sheet("a_1882.tif");
  const Series series = LoadSeries({Path("a_1882.tif")}, {});
  fs::create_directory(Path("stac"));
  Text("stac/a_1882", "in the way");
  const Error error = ErrorOf([&] { Write(series, Path("stac")); });
  EXPECT_EQ(error.Code(), ErrorCode::kFailure);
  EXPECT_THAT(error.Message(), HasSubstr("stac/a_1882"));
}

TEST_F(CatalogueTest, CollectionMayCrossTheAntimeridian) {
  // Zone 1 begins 334 km west of its central meridian at the equator.
  const auto sheet = [this](const std::string& name, double east) {
    geo::Grid grid;
    grid.crs = geo::Crs::FromUserInput("EPSG:32601");
    grid.origin_x = east;
    grid.origin_y = 160.0;
    grid.resolution = 10.0;
    grid.width = 32;
    grid.height = 32;
    geo::WriteGeoTiff(Path(name), ImageU8(32, 32, 3, 200), grid);
    return Path(name);
  };
  const Series series = LoadSeries(
      {sheet("east_1882.tif", 170000.0), sheet("both_1882.tif", 165900.0),
       sheet("west_1882.tif", 165000.0)},
      {});
  Write(series, Path("stac"));
  const auto item = [this](const std::string& name) {
    return ReadJson(Path("stac/" + name + "/" + name + ".json"))["bbox"];
  };
  const Json box =
      ReadJson(Path("stac/collection.json"))["extent"]["spatial"]["bbox"][0];
  EXPECT_EQ(box[0], item("west_1882")[0]);
  EXPECT_EQ(box[2], item("east_1882")[2]);
  EXPECT_GT(box[0].get<double>(), 179.9);
  EXPECT_LT(box[2].get<double>(), -179.9);
  EXPECT_GT(item("both_1882")[0].get<double>(),
            item("both_1882")[2].get<double>());
}

TEST_F(CatalogueTest, NothingIsReplacedUnlessAsked) {
  Sheet("a_1882.tif");
  const Series series = LoadSeries({Path("a_1882.tif")}, {});
  for (const char* name : {"list.csv", "stac"}) {
    Write(series, Path(name));
    EXPECT_EQ(ErrorOf([&] { Write(series, Path(name)); }).Code(),
              ErrorCode::kUsage);
  }
  EXPECT_EQ(ErrorOf([&] { Write(series, Path("x.xls")); }).Code(),
            ErrorCode::kUsage);
  EXPECT_EQ(ErrorOf([&] { Write(series, Path("x.csv"), true); }).Code(),
            ErrorCode::kUsage);
}

}  // namespace
}  // namespace mapweave::pipelines
