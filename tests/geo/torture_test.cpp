// SPDX-License-Identifier: MIT
//
// The odd rasters of GDAL's, rasterio's and others' own tests: each is read as
// GDAL 3.6.2 reads it, to the checksum of its pixels, or refused with a message
// that names file and reason.
#include "core/atomic_file.h"
#include "core/json.h"
#include "fixtures.h"
#include "geo/sheet_source.h"

#include <gdal_alg.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

namespace mapweave::geo {
namespace {

namespace fs = std::filesystem;

// What one file comes to, for the table that a failure prints.
struct Verdict {
  std::string file;
  std::string sheet;   // "read", or why it is refused as a sheet
  std::string pixels;  // likewise
  std::string fault;   // empty if both are right
};

std::string TextOf(const Json& entry, const char* key) {
  const auto it = entry.find(key);
  return it != entry.end() && it->is_string() ? it->get<std::string>() : "";
}

bool HasTransform(const Json& entry) {
  const auto it = entry.find("gt");
  return it != entry.end() && it->is_array() &&
         *it != Json::array({0.0, 1.0, 0.0, 0.0, 0.0, 1.0});
}

bool IsComplex(const Json& entry) {
  return TextOf(entry, "type").rfind('C', 0) == 0;
}

// What a user is told that has such a file, or nothing if it can be a sheet.
std::optional<std::string> ExpectedRefusal(const Json& entry) {
  static const std::map<std::string, std::string> special = {
      // GDAL fails on its keys, which leaves no CRS.
      {"gdal_autotest2/corrupted_gtiff_tags.tif", "coordinate reference"},
      // An array of longitudes and latitudes in place of a transform.
      {"gdal_autotest2/sstgeo.vrt", "sensor model"},
      // Metres in a CRS that counts kilometres: far off the Earth.
      {"libgeotiff/ProjLinearUnitsGeoKey_9036.tif", "lies outside"},
  };
  const auto it = special.find(TextOf(entry, "file"));
  if (it != special.end()) return it->second;
  if (entry.contains("open_error")) return "cannot be opened";
  if (IsComplex(entry)) return "not supported";
  if (!HasTransform(entry) && entry.at("gcps").get<int>() == 0) {
    return entry.at("rpc").get<bool>() ? "sensor model" : "no georeference";
  }
  if (entry.at("crs").is_null()) return "no coordinate reference system";
  return std::nullopt;
}

// True for a VRT that refers to a file which is not there, as some do whose
// sources the collection leaves out.
bool LacksASource(const fs::path& path) {
  if (path.extension() != ".vrt") return false;
  const std::string text = ReadFile(path);
  const std::string mark = "<SourceFilename relativeToVRT=\"1\">";
  for (auto at = text.find(mark); at != std::string::npos;
       at = text.find(mark, at + 1)) {
    const auto begin = at + mark.size();
    const fs::path source =
        path.parent_path() / text.substr(begin, text.find('<', begin) - begin);
    if (!fs::exists(source) || LacksASource(source)) return true;
  }
  return false;
}

// What differs between a sheet and what GDAL says of it.
std::string Difference(const SheetInfo& sheet, const Json& entry) {
  if (sheet.width != entry.at("size")[0] || sheet.height != entry.at("size")[1])
    return "size";
  if (sheet.bands != entry.at("bands")) return "bands";
  if (HasTransform(entry)) {
    if (sheet.georef != Georef::kAffine) return "kind of georeference";
    const auto& c = sheet.transform.Coefficients();
    for (size_t i = 0; i < 6; ++i) {
      const double expected = entry.at("gt")[i].get<double>();
      if (std::abs(c[i] - expected) > 1e-12 * std::abs(expected)) {
        return "geotransform";
      }
    }
  } else if (sheet.control_points.size() != entry.at("gcps")) {
    return "control points";
  }
  // The points have a CRS of their own, and it is not the dataset's.
  if (TextOf(entry, "file") == "rasterio/RGB.byte.gcp.vrt") {
    return sheet.crs.Label() == "EPSG:4326" ? "" : "CRS";
  }
  // "EPSG:2056 CH1903+ / LV95", or ": its name" where it has no code.
  const std::string crs = TextOf(entry, "crs");
  const std::string code = crs.substr(0, crs.find(' '));
  const std::string name = crs.substr(crs.find(' ') + 1);
  if (code != ":") return sheet.crs.Label() == code ? "" : "CRS";
  // A definition that is a registered one takes on its code and name.
  return sheet.crs.Name() == name || sheet.crs.Code() ? "" : "name of CRS";
}

Verdict JudgeSheet(const fs::path& folder, const Json& entry) {
  Verdict verdict;
  verdict.file = TextOf(entry, "file");
  const auto expected = ExpectedRefusal(entry);
  try {
    const SheetInfo sheet = InspectSheet(folder / verdict.file);
    verdict.sheet = "read";
    if (expected) {
      verdict.fault = "should be refused: " + *expected;
    } else if (const auto difference = Difference(sheet, entry);
               !difference.empty()) {
      verdict.fault = "other " + difference;
    }
  } catch (const Error& error) {
    verdict.sheet = error.Message();
    const fs::path name = fs::path(verdict.file).filename();
    if (error.Code() != ErrorCode::kBadInput || error.Hint().empty()) {
      verdict.fault = "not the error of a bad input";
    } else if (error.Message().find(name) == std::string::npos) {
      verdict.fault = "file not named";
    } else if (!expected) {
      verdict.fault = "should be read";
    } else if (error.Message().find(*expected) == std::string::npos) {
      verdict.fault = "should say: " + *expected;
    }
  }
  return verdict;
}

// A sheet at full resolution, put together from windows of odd sizes.
Block ReadByWindows(SheetSource& source) {
  const Level level = source.MakeLevel(1);
  Block whole;
  whole.rgb = ImageU8(source.Width(), source.Height(), 3);
  whole.valid = ImageU8(source.Width(), source.Height(), 1);
  ImageU8& all = whole.rgb;
  constexpr int kWidth = 61;
  constexpr int kHeight = 47;
  for (int row = 0; row < all.height; row += kHeight) {
    for (int col = 0; col < all.width; col += kWidth) {
      const Block block = source.Read(level, col, row, kWidth, kHeight);
      for (int y = 0; y < block.rgb.height; ++y) {
        std::copy_n(block.rgb.At(0, y), 3 * block.rgb.width,
                    all.At(col, row + y));
        std::copy_n(block.valid.At(0, y), block.valid.width,
                    whole.valid.At(col, row + y));
      }
    }
  }
  return whole;
}

// GDAL's checksum of one channel.
int ChecksumOf(ImageU8& image, int channel) {
  GDALDriver* memory = GetGDALDriverManager()->GetDriverByName("MEM");
  const DatasetPtr dataset(
      memory->Create("", image.width, image.height, 1, GDT_Byte, nullptr));
  EXPECT_EQ(dataset->GetRasterBand(1)->RasterIO(
                GF_Write, 0, 0, image.width, image.height,
                image.data.data() + channel, image.width, image.height,
                GDT_Byte, 3, 0, nullptr),
            CE_None);
  return GDALChecksumImage(dataset->GetRasterBand(1), 0, 0, image.width,
                           image.height);
}

struct RawBand {
  std::vector<double> values;
  int checksum = 0;
  GDALDataType type = GDT_Unknown;
  int bits = 8;
  std::vector<GDALColorEntry> palette;
};

// The first band as GDAL gives it, past the reader under test.
RawBand ReadRaw(const fs::path& path) {
  const DatasetPtr dataset(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER));
  GDALRasterBand& band = *dataset->GetRasterBand(1);
  const int width = band.GetXSize();
  const int height = band.GetYSize();
  RawBand raw;
  raw.type = band.GetRasterDataType();
  raw.checksum = GDALChecksumImage(&band, 0, 0, width, height);
  raw.values.resize(static_cast<size_t>(width) * static_cast<size_t>(height));
  EXPECT_EQ(band.RasterIO(GF_Read, 0, 0, width, height, raw.values.data(),
                          width, height, GDT_Float64, 0, 0, nullptr),
            CE_None);
  if (const char* bits = band.GetMetadataItem("NBITS", "IMAGE_STRUCTURE")) {
    raw.bits = std::atoi(bits);
  }
  if (const GDALColorTable* table = band.GetColorTable()) {
    for (int i = 0; i < table->GetColorEntryCount(); ++i) {
      raw.palette.push_back(*table->GetColorEntry(i));
    }
  }
  return raw;
}

// True if every raw value has one shade, and greater values none darker.
bool IsMonotone(const RawBand& raw, const Block& read) {
  const ImageU8& image = read.rgb;
  std::map<double, int> shades;
  for (size_t i = 0; i < raw.values.size(); ++i) {
    if (!std::isfinite(raw.values[i]) || !read.valid.data[i]) continue;
    const auto [it, is_new] = shades.emplace(raw.values[i], image.data[3 * i]);
    if (!is_new && it->second != image.data[3 * i]) return false;
  }
  return std::is_sorted(
      shades.begin(), shades.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
}

// Of the pixels of a palette, as far as they are opaque.
bool FollowsPalette(const RawBand& raw, const ImageU8& image) {
  for (size_t i = 0; i < raw.values.size(); ++i) {
    const auto& c = raw.palette.at(static_cast<size_t>(raw.values[i]));
    const uint8_t* rgb = image.data.data() + 3 * i;
    if (c.c4 >= 128 && (rgb[0] != c.c1 || rgb[1] != c.c2 || rgb[2] != c.c3)) {
      return false;
    }
  }
  return true;
}

// Reads all pixels through windows and holds them against the checksum that is
// expected of band 1: that of our own red channel where values are shades
// already; else that of the raw band, whose values our colours must follow.
void JudgePixels(const fs::path& folder, const Json& entry, Verdict& verdict) {
  const fs::path path = folder / verdict.file;
  const bool sound =
      entry.contains("checksum1") && !IsComplex(entry) && !LacksASource(path);
  try {
    SheetSource source(path);
    if (source.NeedsRange()) source.SetRange(source.SampleRange());
    if (!sound) {
      // Where it breaks off is not known; its end is not whole for sure.
      source.Read(source.MakeLevel(1), 0, source.Height() - 64, 64, 64);
      ReadByWindows(source);
    }
    Block read = ReadByWindows(source);
    ImageU8& image = read.rgb;
    verdict.pixels = "read";
    if (!sound) {
      verdict.fault += " pixels should not be readable";
      return;
    }
    const int expected = entry.at("checksum1").get<int>();
    const RawBand raw = ReadRaw(path);
    if (!raw.palette.empty()) {
      verdict.pixels = "palette";
      if (raw.checksum != expected || !FollowsPalette(raw, image)) {
        verdict.fault += " other colours";
      }
    } else if (raw.type == GDT_Byte && raw.bits == 8) {
      verdict.pixels = "identical";
      if (ChecksumOf(image, 0) != expected) verdict.fault += " other checksum";
    } else {
      verdict.pixels = "stretched";
      if (raw.checksum != expected ||
          (entry.at("color")[0] != "Blue" && !IsMonotone(raw, read))) {
        verdict.fault += " other shades";
      }
    }
  } catch (const Error& error) {
    verdict.pixels = error.Message();
    if (sound) verdict.fault += " pixels should be readable";
    if (error.Code() != ErrorCode::kBadInput) verdict.fault += " other error";
  }
}

// One line a file, and how many there are of each kind.
std::string Table(const std::vector<Verdict>& verdicts) {
  std::string table;
  std::map<std::string, int> counts;
  for (const Verdict& v : verdicts) {
    table += fmt::format("{} {}: {} | {}{}\n", v.fault.empty() ? "ok " : "BAD",
                         v.file, v.sheet, v.pixels,
                         v.fault.empty() ? "" : " <== " + v.fault);
    ++counts["sheet " + std::string(v.sheet == "read" ? "read" : "refused")];
    const bool read = v.pixels == "identical" || v.pixels == "palette" ||
                      v.pixels == "stretched";
    ++counts["pixels " + (read ? v.pixels : "refused")];
  }
  for (const auto& [kind, count] : counts) {
    table += fmt::format("{:>4} {}\n", count, kind);
  }
  return table;
}

TEST_F(GeoTest, ReadsOddRastersAsGdalDoesOrRefusesThem) {
  const fs::path folder = DataFolder() / "georef_torture";
  const fs::path list = folder / "EXPECTED_gdal3.6.2.json";
  if (!fs::exists(list)) GTEST_SKIP() << list << " is absent";
  const Json entries = ReadJson(list);
  ASSERT_EQ(entries.size(), 125u);
  std::vector<Verdict> verdicts;
  bool sound = true;
  for (const Json& entry : entries) {
    Verdict verdict = JudgeSheet(folder, entry);
    JudgePixels(folder, entry, verdict);
    sound = sound && verdict.fault.empty();
    verdicts.push_back(std::move(verdict));
  }
  EXPECT_TRUE(sound) << Table(verdicts);
  // For docs/measurements.md.
  if (std::getenv("MAPWEAVE_TABLE") != nullptr) std::cout << Table(verdicts);
}

}  // namespace
}  // namespace mapweave::geo
