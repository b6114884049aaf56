// SPDX-License-Identifier: MIT
//
// Warps a sheet to a GeoTIFF through EditionReader, window by window, for
// bench/warp, which runs gdalwarp beside it. Says on stderr where the grid
// lies, so that both make the same pixels.
#include "core/error.h"
#include "geo/edition_reader.h"
#include "geo/gdal_session.h"
#include "geo/grid.h"
#include "geo/sheet.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <gdal_priv.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mapweave {
namespace {

constexpr int kWindow = 1024;

struct Closer {
  void operator()(GDALDataset* dataset) const { GDALClose(dataset); }
};
using Output = std::unique_ptr<GDALDataset, Closer>;

Output MakeOutput(const std::string& path, const geo::Grid& grid) {
  const char* const options[] = {"TILED=YES", "INTERLEAVE=PIXEL", nullptr};
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  Output output(driver->Create(path.c_str(), static_cast<int>(grid.width),
                               static_cast<int>(grid.height), 3, GDT_Byte,
                               const_cast<char**>(options)));
  if (!output) {
    throw Error(ErrorCode::kFailure, path + " cannot be made",
                "Check the folder.");
  }
  return output;
}

void Write(GDALDataset& output, const geo::Window& window,
           geo::Pixels& pixels) {
  const int width = std::min(
      window.width, output.GetRasterXSize() - static_cast<int>(window.col));
  const int height = std::min(
      window.height, output.GetRasterYSize() - static_cast<int>(window.row));
  const CPLErr status = output.RasterIO(
      GF_Write, static_cast<int>(window.col), static_cast<int>(window.row),
      width, height, pixels.rgb.data.data(), width, height, GDT_Byte, 3,
      nullptr, 3, 3 * pixels.rgb.width, 1, nullptr);
  MAPWEAVE_CHECK(status == CE_None);
}

void Warp(const geo::SheetInfo& sheet, const geo::Grid& grid,
          const std::string& path, int threads) {
  geo::EditionReaderOptions options;
  options.find_collars = false;
  const geo::EditionReader reader({sheet}, grid, options);
  const Output output = MakeOutput(path, grid);
  std::vector<geo::Window> windows;
  for (int64_t row = 0; row < grid.height; row += kWindow) {
    for (int64_t col = 0; col < grid.width; col += kWindow) {
      windows.push_back({col, row, kWindow, kWindow});
    }
  }
  std::atomic<size_t> next = 0;
  std::mutex writing;
  const auto work = [&] {
    geo::EditionReader own = reader.Fork();
    for (size_t i = next++; i < windows.size(); i = next++) {
      geo::Pixels pixels = own.Read(windows[i]);
      const std::scoped_lock lock(writing);
      Write(*output, windows[i], pixels);
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  using namespace mapweave;
  CLI::App app("Warps one sheet as an edition is read");
  std::string in;
  std::string out;
  std::string crs;
  bool poly2 = false;
  double resolution = 1.0;
  int threads = 1;
  bool dry = false;
  app.add_option("IN", in)->required();
  app.add_option("OUT", out)->required();
  app.add_option("--crs", crs)->required();
  app.add_option("--resolution", resolution);
  app.add_option("--threads", threads)->check(CLI::PositiveNumber);
  app.add_flag("--dry", dry, "Only say where the grid lies");
  app.add_flag("--poly2", poly2, "Fit control points with a polynomial");
  CLI11_PARSE(app, argc, argv);
  try {
    geo::InitGdal({});
    geo::SheetOptions sheet_options;
    if (poly2) sheet_options.gcp_fit = geo::Georef::kGcpPoly2;
    const geo::SheetInfo sheet = geo::InspectSheet(in, sheet_options);
    geo::GridOptions options;
    options.crs = geo::Crs::FromUserInput(crs);
    options.resolution = resolution;
    options.allow_ballpark = true;
    const geo::Grid grid = geo::ChooseGrid({sheet}, options);
    const Box box = grid.Extent();
    fmt::print(stderr, "{:.6f} {:.6f} {:.6f} {:.6f} {} {}\n", box.min_x,
               box.min_y, box.max_x, box.max_y, grid.width, grid.height);
    if (!dry) Warp(sheet, grid, out, threads);
  } catch (const Error& error) {
    fmt::print(stderr, "warp_speed: {} {}\n", error.Message(), error.Hint());
    return 1;
  }
  return 0;
}
