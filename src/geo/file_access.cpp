// SPDX-License-Identifier: MIT
#include "geo/file_access.h"

#include "geo/gdal_handles.h"

#include <cpl_vsi.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace mapweave::geo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestTextBytes = 64 << 20;

std::optional<VSIStatBufL> StatOf(const fs::path& path) {
  const PathScope scope(path);
  CplErrorScope errors;
  VSIStatBufL stat;
  if (VSIStatL(path.c_str(), &stat) != 0) return std::nullopt;
  return stat;
}

// "a/./b/../c" to "a/c". Unlike fs::path's own, it keeps "//", which stands
// for something within a virtual path.
std::string WithoutDots(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('/', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    if (part == ".") continue;
    const bool has_parent =
        !parts.empty() && !parts.back().empty() && parts.back() != "..";
    if (part == ".." && has_parent) {
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    joined += (i == 0 ? "" : "/") + parts[i];
  }
  return joined;
}

}  // namespace

bool IsVirtual(const fs::path& path) {
  return path.string().rfind("/vsi", 0) == 0;
}

bool IsNetworkPath(const fs::path& path) {
  // A folder may be called /data/vsis3.
  return IsVirtual(path) && NamesNetwork(path.string());
}

bool NamesNetwork(const std::string& text) {
  constexpr std::array<std::string_view, 9> kRemote{
      "/vsicurl", "/vsis3",    "/vsigs",   "/vsiaz",     "/vsiadls",
      "/vsioss",  "/vsiswift", "/vsihdfs", "/vsiwebhdfs"};
  return std::any_of(kRemote.begin(), kRemote.end(),
                     [&](std::string_view name) {
                       return text.find(name) != std::string::npos;
                     });
}

fs::path PathFromAddress(const std::string& address) {
  if (address.rfind("http://", 0) == 0 || address.rfind("https://", 0) == 0) {
    return "/vsicurl/" + address;
  }
  constexpr std::string_view kFile = "file://";
  if (address.rfind(kFile, 0) == 0) return address.substr(kFile.size());
  return address;
}

fs::path PathBeside(const fs::path& base, const std::string& name) {
  const fs::path path = PathFromAddress(name);
  if (path.is_absolute() || IsVirtual(path)) return path;
  return WithoutDots((base.parent_path() / path).string());
}

bool Exists(const fs::path& path) { return StatOf(path).has_value(); }

bool IsFolder(const fs::path& path) {
  const auto stat = StatOf(path);
  return stat && VSI_ISDIR(stat->st_mode);
}

std::vector<std::string> NamesIn(const fs::path& folder) {
  const PathScope scope(folder);
  CplErrorScope errors;
  const CPLStringList list(VSIReadDir(folder.c_str()), TRUE);
  if (list.List() == nullptr && !IsFolder(folder)) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("the folder '{}' cannot be read", folder.string()),
                "Check the path and its permissions.");
  }
  std::vector<std::string> names;
  for (int i = 0; i < list.size(); ++i) {
    const std::string name = list[i];
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ReadText(const fs::path& path) {
  const PathScope scope(path);
  CplErrorScope errors;
  const auto refuse = [&path](const std::string& fault) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' {}", path.string(), fault),
                "Check the path and its permissions.");
  };
  if (!Exists(path)) refuse("does not exist");
  if (IsFolder(path)) refuse("is a folder");
  const std::unique_ptr<VSILFILE, int (*)(VSILFILE*)> file(
      VSIFOpenL(path.c_str(), "rb"), VSIFCloseL);
  if (!file) refuse("cannot be read: " + errors.Text());
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (const size_t count =
             VSIFReadL(buffer.data(), 1, buffer.size(), file.get())) {
    text.append(buffer.data(), count);
    if (text.size() > kLargestTextBytes) refuse("is too large for a text");
  }
  if (errors.HasError()) refuse("cannot be read: " + errors.Text());
  return text;
}

bool LooksLikeRaster(const fs::path& path) {
  const PathScope scope(path);
  CplErrorScope errors;
  return GDALIdentifyDriverEx(path.c_str(), GDAL_OF_RASTER, nullptr, nullptr) !=
         nullptr;
}

}  // namespace mapweave::geo
