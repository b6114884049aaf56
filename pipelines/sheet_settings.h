// SPDX-License-Identifier: MIT
//
// What a user says about how a sheet is to be opened, in words: the same keys
// in a series file, a CSV table, a STAC item, the project file and on the
// command line.
#pragma once

#include "core/json.h"
#include "geo/sheet.h"

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mapweave::pipelines {

// The cutline that leaves nothing of a sheet out: SheetOptions::keep_all.
inline constexpr const char* kNoCutline = "none";

// An empty value was not said.
struct SheetSettings {
  // Whatever geo::Crs::FromUserInput takes.
  std::string crs;
  // Path of a file with control points.
  std::string gcps;
  // Which annotation of that file.
  std::string annotation;
  // gcp-poly1, gcp-poly2, gcp-poly3 or tps.
  std::string transformation;
  // Path of a vector file with the outline of the legible map, or kNoCutline.
  std::string cutline;
  std::optional<bool> allow_ballpark;

  // Throws Error{kUsage} for a transformation that there is not, and as
  // Crs::FromUserInput.
  geo::SheetOptions Options() const;

  // Sets the value of one of kSettingKeys. Throws Error{kUsage}, for another
  // key and for a value that allow_ballpark ("true", "false", "") cannot have.
  void Set(std::string_view key, const std::string& value);
  // The value of one of kSettingKeys as Set takes it.
  std::string Get(std::string_view key) const;

  // What is not said here is taken from `defaults`.
  void FillFrom(const SheetSettings& defaults);
  // Replaces the paths; a CRS that is the path of a file (.prj, .wkt) becomes
  // what the file says, so that it can be kept.
  void MapPaths(
      const std::function<std::string(const std::string& path)>& change);

  // Only what is said; {} if nothing is.
  Json ToJson() const;
  // Throws Error{kBadInput} naming `origin` and the key that is unknown or has
  // a wrong value.
  static SheetSettings FromJson(const Json& document,
                                const std::string& origin);

  bool operator==(const SheetSettings&) const = default;
};

inline constexpr std::array<std::string_view, 6> kSettingKeys{
    "crs", "gcps", "annotation", "transformation", "cutline", "allow_ballpark"};

bool IsSettingKey(std::string_view key);

}  // namespace mapweave::pipelines
