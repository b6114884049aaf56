// SPDX-License-Identifier: MIT
#include "pipelines/sheet_settings.h"

#include "core/error.h"
#include "geo/file_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mapweave::pipelines {
namespace {

constexpr std::array<std::pair<std::string_view, std::string SheetSettings::*>,
                     5>
    kTexts{{{"crs", &SheetSettings::crs},
            {"gcps", &SheetSettings::gcps},
            {"annotation", &SheetSettings::annotation},
            {"transformation", &SheetSettings::transformation},
            {"cutline", &SheetSettings::cutline}}};

constexpr std::string_view kAllowBallpark = "allow_ballpark";

std::optional<bool> BoolOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  throw Error(ErrorCode::kUsage, fmt::format("allow_ballpark is '{}'", text),
              "Use true or false.");
}

bool IsCrsFile(const std::string& crs) {
  const std::filesystem::path path(crs);
  return path.extension() == ".prj" || path.extension() == ".wkt";
}

}  // namespace

bool IsSettingKey(std::string_view key) {
  return std::find(kSettingKeys.begin(), kSettingKeys.end(), key) !=
         kSettingKeys.end();
}

geo::SheetOptions SheetSettings::Options() const {
  geo::SheetOptions options;
  if (!crs.empty()) options.crs_override = geo::Crs::FromUserInput(crs);
  if (!gcps.empty()) options.control_points = gcps;
  if (!annotation.empty()) options.annotation = annotation;
  if (!transformation.empty()) {
    options.gcp_fit = geo::GeorefFromName(transformation);
    if (!options.gcp_fit || *options.gcp_fit == geo::Georef::kAffine) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("'{}' is not a transformation through control "
                              "points",
                              transformation),
                  "Use gcp-poly1, gcp-poly2, gcp-poly3 or tps.");
    }
  }
  if (cutline == kNoCutline) {
    options.keep_all = true;
  } else if (!cutline.empty()) {
    options.cutline = cutline;
  }
  options.allow_ballpark = allow_ballpark.value_or(false);
  return options;
}

void SheetSettings::Set(std::string_view key, const std::string& value) {
  for (const auto& [name, member] : kTexts) {
    if (name != key) continue;
    this->*member = value;
    return;
  }
  if (key != kAllowBallpark) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is not said of a sheet", key),
                fmt::format("Use one of {}.", fmt::join(kSettingKeys, ", ")));
  }
  allow_ballpark = BoolOf(value);
}

std::string SheetSettings::Get(std::string_view key) const {
  for (const auto& [name, member] : kTexts) {
    if (name == key) return this->*member;
  }
  MAPWEAVE_CHECK(key == kAllowBallpark);
  if (!allow_ballpark) return "";
  return *allow_ballpark ? "true" : "false";
}

void SheetSettings::FillFrom(const SheetSettings& defaults) {
  for (const auto& [name, member] : kTexts) {
    if ((this->*member).empty()) this->*member = defaults.*member;
  }
  if (!allow_ballpark) allow_ballpark = defaults.allow_ballpark;
}

void SheetSettings::MapPaths(
    const std::function<std::string(const std::string& path)>& change) {
  if (!gcps.empty()) gcps = change(gcps);
  if (!cutline.empty() && cutline != kNoCutline) cutline = change(cutline);
  if (IsCrsFile(crs)) crs = geo::ReadText(change(crs));
}

Json SheetSettings::ToJson() const {
  Json document = Json::object();
  for (const auto& [name, member] : kTexts) {
    if (!(this->*member).empty()) document[std::string(name)] = this->*member;
  }
  if (allow_ballpark) document[std::string(kAllowBallpark)] = *allow_ballpark;
  return document;
}

SheetSettings SheetSettings::FromJson(const Json& document,
                                      const std::string& origin) {
  const auto refuse = [&origin](const std::string& fault) {
    throw Error(
        ErrorCode::kBadInput,
        fmt::format("'{}': {} among what is said of a sheet", origin, fault),
        fmt::format("Use the keys {}.", fmt::join(kSettingKeys, ", ")));
  };
  if (!document.is_object()) refuse("no object");
  SheetSettings settings;
  for (const auto& [key, value] : document.items()) {
    if (key == kAllowBallpark && value.is_boolean()) {
      settings.allow_ballpark = value.get<bool>();
    } else if (IsSettingKey(key) && value.is_string() &&
               key != kAllowBallpark) {
      settings.Set(key, value.get<std::string>());
    } else {
      refuse(fmt::format("\"{}\"", key));
    }
  }
  return settings;
}

}  // namespace mapweave::pipelines
