// SPDX-License-Identifier: MIT
#include "pipelines/image_inputs.h"

#include "core/error.h"
#include "core/random.h"
#include "pipelines/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string_view>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeriesStream = 0x7365726965732d77ULL;
constexpr int64_t kBytesPerPixel = 4;  // colours and coverage
constexpr double kLeastPaper = 0.1;    // share of a window

bool HasExtension(const fs::path& path,
                  std::initializer_list<std::string_view> extensions) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return std::ranges::find(extensions, extension) != extensions.end();
}

std::vector<std::string> ImagesInFolder(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() &&
        HasExtension(entry.path(), {".png", ".jpg", ".jpeg", ".tif", ".tiff",
                                    ".jp2", ".bmp", ".webp", ".vrt"})) {
      files.push_back(entry.path().string());
    }
  }
  if (files.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' holds no images", folder.string()),
                "Give a folder with .png, .jpg or .tif files directly in it.");
  }
  std::ranges::sort(files);
  return files;
}

std::vector<std::string> ImagesOfList(const fs::path& list) {
  std::ifstream in(list);
  if (!in) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' cannot be read", list.string()),
                "Check its folder and its name.");
  }
  std::vector<std::string> files;
  for (std::string line; std::getline(in, line);) {
    const size_t end = line.find_last_not_of(" \t\r");
    if (end == std::string::npos) continue;
    files.push_back((list.parent_path() / line.substr(0, end + 1)).string());
  }
  if (files.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' names no images", list.string()),
                "Write the path of one image on each line.");
  }
  return files;
}

std::vector<geo::Window> GridWindows(const geo::Grid& grid, int side) {
  std::vector<geo::Window> windows;
  for (int64_t row = 0; row < grid.height; row += side) {
    for (int64_t col = 0; col < grid.width; col += side) {
      windows.push_back(
          {col, row,
           static_cast<int>(std::min<int64_t>(side, grid.width - col)),
           static_cast<int>(std::min<int64_t>(side, grid.height - row))});
    }
  }
  return windows;
}

// Windows of all editions, drawn at random where they are more than `budget`
// pixels.
void ReadSeries(const std::string& path, const MapSheetOptions& options,
                int64_t budget, RunContext& context,
                std::vector<synth::MapSheet>& sheets) {
  const db::Store store = db::Store::Open(path, db::OpenMode::kReadOnly);
  const Project project = LoadProject(store);
  std::vector<geo::Window> windows =
      GridWindows(project.grid, options.window_px * options.downsample);
  Rng rng(options.seed, kSeriesStream);
  rng.Shuffle(windows);
  const int64_t per_edition =
      budget / std::max<int64_t>(1, std::ssize(project.editions));
  for (size_t e = 0; e < project.editions.size(); ++e) {
    geo::EditionReader reader = OpenEdition(project, e);
    int64_t held = 0;
    for (const geo::Window& window : windows) {
      context.cancel.ThrowIfCancelled();
      geo::Pixels read = reader.Read(window, options.downsample);
      const int64_t pixels = int64_t{read.rgb.width} * read.rgb.height;
      if (held > 0 && held + pixels > per_edition) break;
      synth::MapSheet sheet{path, BorrowMat(read.rgb).clone(),
                            BorrowMat(read.coverage).clone()};
      const bool paper = cv::countNonZero(sheet.coverage) >
                         kLeastPaper * static_cast<double>(pixels);
      if (!paper && windows.size() > 1) continue;
      sheets.push_back(std::move(sheet));
      held += pixels;
    }
  }
}

}  // namespace

std::vector<std::string> ImageFiles(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    std::vector<std::string> found = {input};
    if (fs::is_directory(input)) {
      found = ImagesInFolder(input);
    } else if (HasExtension(input, {".txt"})) {
      found = ImagesOfList(input);
    }
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::vector<synth::MapSheet> ReadImageInputs(
    const std::vector<std::string>& inputs, const MapSheetOptions& options,
    RunContext& context) {
  options.Validate();
  std::vector<std::string> projects;
  std::vector<std::string> others;
  for (const std::string& input : inputs) {
    (HasExtension(input, {".gpkg"}) ? projects : others).push_back(input);
  }
  const auto parts =
      static_cast<int>(projects.size()) + (others.empty() ? 0 : 1);
  MapSheetOptions share = options;
  share.memory_mb = std::max(64, options.memory_mb / std::max(1, parts));
  std::vector<synth::MapSheet> sheets;
  if (!others.empty()) {
    sheets = ReadMapSheets(ImageFiles(others), share, context);
  }
  const int64_t budget = share.memory_mb * int64_t{500'000} / kBytesPerPixel;
  for (const std::string& project : projects) {
    ReadSeries(project, share, budget, context, sheets);
  }
  return sheets;
}

}  // namespace mapweave::pipelines
