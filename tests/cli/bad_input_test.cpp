// SPDX-License-Identifier: MIT
//
// Sheets and checkpoints that cannot be used: the right exit code, the file's
// name, and nothing left behind.
#include "core/atomic_file.h"
#include "program.h"
#include "small_series.h"

#include <gdal_priv.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ogr_spatialref.h>

#include <fstream>
#include <functional>
#include <memory>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct RasterSpec {
  bool has_crs = true;
  double origin_x = 500000.0;
  bool all_nodata = false;
};

void WriteRaster(const fs::path& path, const RasterSpec& spec) {
  GDALAllRegister();
  constexpr int kSide = 64;
  std::unique_ptr<GDALDataset> dataset(
      GetGDALDriverManager()->GetDriverByName("GTiff")->Create(
          path.c_str(), kSide, kSide, 1, GDT_Byte, nullptr));
  ASSERT_NE(dataset, nullptr);
  double transform[] = {spec.origin_x, 1, 0, 5400000.0, 0, -1};
  dataset->SetGeoTransform(transform);
  if (spec.has_crs) {
    OGRSpatialReference srs;
    srs.importFromEPSG(25832);
    dataset->SetSpatialRef(&srs);
  }
  GDALRasterBand* band = dataset->GetRasterBand(1);
  std::vector<uint8_t> pixels(kSide * kSide);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<uint8_t>(spec.all_nodata ? 7 : i * 37 % 251);
  }
  if (spec.all_nodata) band->SetNoDataValue(7);
  ASSERT_EQ(band->RasterIO(GF_Write, 0, 0, kSide, kSide, pixels.data(), kSide,
                           kSide, GDT_Byte, 0, 0),
            CE_None);
}

void WriteText(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

class BadInput : public ::testing::Test {
 protected:
  BadInput() { fs::create_directory(OutputFolder()); }

  fs::path Path(const std::string& name) const { return folder_.Path() / name; }
  fs::path OutputFolder() const { return Path("output"); }

  // Runs on `sheets` twice, for people and with --json.
  void ExpectRefusal(const std::vector<std::string>& sheets, int code,
                     const std::string& code_name, const std::string& named,
                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"run"};
    arguments.insert(arguments.end(), sheets.begin(), sheets.end());
    arguments.insert(arguments.end(),
                     {"-o", (OutputFolder() / "p.gpkg").string()});
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome plain = Mapweave(arguments);
    EXPECT_EQ(plain.code, code) << plain.err;
    EXPECT_THAT(plain.out, IsEmpty());
    EXPECT_THAT(plain.err, HasSubstr("mapweave: "));
    EXPECT_THAT(plain.err, HasSubstr(named));
    EXPECT_THAT(FilesIn(OutputFolder()), IsEmpty());

    arguments.push_back("--json");
    const Outcome json = Mapweave(arguments);
    EXPECT_EQ(json.code, code);
    const Json document = JsonOf(json);
    EXPECT_EQ(document.size(), 1u);
    const Json& error = document.at("error");
    EXPECT_EQ(error.size(), 3u);
    EXPECT_EQ(error.at("code"), code_name);
    EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr(named));
    EXPECT_THAT(error.at("hint").get<std::string>(), Not(IsEmpty()));
    EXPECT_THAT(FilesIn(OutputFolder()), IsEmpty());
  }

  const SmallSeries& small_ = SmallSeries::Get();

 private:
  mapweave::testing::TempDir folder_;
};

TEST_F(BadInput, MissingSheet) {
  ExpectRefusal({small_.First(), Path("gone_1880.tif")}, 3, "bad_input",
                "gone_1880.tif");
}

TEST_F(BadInput, TextThatIsCalledTiff) {
  WriteText(Path("text_1880.tif"), "this is a letter, not a map\n");
  ExpectRefusal({small_.First(), Path("text_1880.tif")}, 3, "bad_input",
                "text_1880.tif");
}

TEST_F(BadInput, EmptyFile) {
  WriteText(Path("empty_1880.tif"), "");
  ExpectRefusal({small_.First(), Path("empty_1880.tif")}, 3, "bad_input",
                "empty_1880.tif");
}

TEST_F(BadInput, SheetWithoutCrs) {
  RasterSpec spec;
  spec.has_crs = false;
  WriteRaster(Path("nowhere_1880.tif"), spec);
  ExpectRefusal({small_.First(), Path("nowhere_1880.tif")}, 3, "bad_input",
                "nowhere_1880.tif");
}

TEST_F(BadInput, SheetThatLiesElsewhere) {
  RasterSpec spec;
  spec.origin_x += 1000.0;
  WriteRaster(Path("elsewhere_1880.tif"), spec);
  const Outcome alone = Mapweave(
      {"ingest", Path("elsewhere_1880.tif"), "-o", Path("alone.gpkg")});
  EXPECT_EQ(alone.code, 0) << alone.err;
  // Neither of two is more wrong than the other.
  ExpectRefusal({small_.First(), Path("elsewhere_1880.tif")}, 3, "bad_input",
                "_18");
}

TEST_F(BadInput, SheetThatIsAllNodata) {
  RasterSpec spec;
  spec.all_nodata = true;
  WriteRaster(Path("blank_1880.tif"), spec);
  ExpectRefusal({small_.First(), Path("blank_1880.tif")}, 3, "bad_input",
                "blank_1880.tif");
}

TEST_F(BadInput, TruncatedTiff) {
  const std::string whole = ReadFile(small_.Sheets()[1]);
  // In the header, among the tags, and in the pixels.
  for (const size_t size : {size_t{6}, size_t{100}, whole.size() / 2}) {
    SCOPED_TRACE(size);
    WriteText(Path("cut_1880.tif"), whole.substr(0, size));
    ExpectRefusal({small_.First(), Path("cut_1880.tif")}, 3, "bad_input",
                  "cut_1880.tif");
  }
}

TEST_F(BadInput, EditionThatFitsNoOther) {
  // Noise where the town should be.
  WriteRaster(Path("noise_1880.tif"), {});
  const std::string project = Path("p.gpkg").string();
  std::vector<std::string> arguments = {
      "run", small_.First(), Path("noise_1880.tif"), "-o", project};
  const Outcome refused = Mapweave(arguments);
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_THAT(refused.out, IsEmpty());
  EXPECT_THAT(refused.err, HasSubstr("--accept-unaligned"));
  // The same command goes on from there.
  arguments.push_back("--accept-unaligned");
  const Outcome accepted = Mapweave(arguments);
  EXPECT_EQ(accepted.code, 0) << accepted.err;
  EXPECT_THAT(accepted.err, HasSubstr("going on with"));
}

TEST_F(BadInput, SheetWithoutDate) {
  WriteRaster(Path("sometime.tif"), {});
  ExpectRefusal({small_.First(), Path("sometime.tif")}, 3, "bad_input",
                "sometime.tif");
}

TEST_F(BadInput, SeriesFileWithAnError) {
  WriteText(Path("series.toml"), "[[edition]]\ndate = \"1860\"\n");
  ExpectRefusal({Path("series.toml")}, 3, "bad_input", "series.toml");
}

TEST_F(BadInput, CheckpointThatIsNone) {
  WriteText(Path("foreign.safetensors"), std::string(5000, 'x'));
  ExpectRefusal(small_.Sheets(), 5, "device", "foreign.safetensors",
                {"--checkpoint", Path("foreign.safetensors")});
  WriteText(Path("empty.safetensors"), "");
  ExpectRefusal(small_.Sheets(), 5, "device", "empty.safetensors",
                {"--checkpoint", Path("empty.safetensors")});
  ExpectRefusal(small_.Sheets(), 5, "device", "gone.safetensors",
                {"--checkpoint", Path("gone.safetensors")});
  // A safetensors file of another program.
  const std::string header =
      R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  WriteText(Path("other.safetensors"), bytes + header + std::string(4, '\0'));
  ExpectRefusal(small_.Sheets(), 5, "device", "other.safetensors",
                {"--checkpoint", Path("other.safetensors")});
}

TEST_F(BadInput, CheckpointThatIsCutOff) {
  const Json info = JsonOf(Mapweave({"info", "--json"}));
  const std::string whole = ReadFile(info.at("checkpoint").get<std::string>());
  for (const size_t size : {size_t{20}, whole.size() / 2, whole.size() - 1}) {
    SCOPED_TRACE(size);
    WriteText(Path("cut.safetensors"), whole.substr(0, size));
    ExpectRefusal(small_.Sheets(), 5, "device", "cut.safetensors",
                  {"--checkpoint", Path("cut.safetensors")});
  }
}

TEST_F(BadInput, DeviceThatIsNotThere) {
  if (JsonOf(Mapweave({"info", "--json"})).dump().find("cuda:0") !=
      std::string::npos) {
    GTEST_SKIP() << "there is a CUDA device";
  }
  ExpectRefusal(small_.Sheets(), 5, "device", "cuda", {"--device", "cuda"});
  ExpectRefusal(small_.Sheets(), 5, "device", "abacus", {"--device", "abacus"});
}

TEST_F(BadInput, SimulatedSeriesThatCannotBeMade) {
  const std::string folder = Path("town").string();
  const auto fault = [&](std::vector<std::string> more, int code) {
    std::vector<std::string> arguments = {"synth", "world", "-o", folder};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = Mapweave(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_FALSE(fs::exists(folder));
    return outcome.err;
  };
  EXPECT_THAT(fault({"--editions", "1900,1850"}, 2), HasSubstr("old to new"));
  EXPECT_THAT(fault({"--editions", "soon"}, 2), HasSubstr("soon"));
  EXPECT_THAT(fault({"--editions", "1850", "--hands", "crayon"}, 2),
              HasSubstr("crayon"));
  EXPECT_THAT(fault({"--sheets", "2by2"}, 2), HasSubstr("2by2"));
  EXPECT_THAT(fault({"--sheets", "2x2", "--missing-sheets", "1.0"}, 2),
              HasSubstr("--missing-sheets"));
  EXPECT_THAT(fault({"--max-shift-m", "5", "--max-shift-px", "5"}, 2),
              HasSubstr("--max-shift"));
  EXPECT_THAT(fault({"--start", "from"}, 2), HasSubstr("--footprints"));
  const std::string houses = Path("houses.geojson").string();
  WriteText(houses, R"({"type":"FeatureCollection","features":[]})");
  EXPECT_THAT(fault({"--footprints", houses}, 2), HasSubstr("--start"));
  EXPECT_THAT(
      fault({"--footprints", houses, "--start", "from", "--end", "to"}, 3),
      HasSubstr("houses.geojson"));
}

}  // namespace
}  // namespace mapweave::cli
