// SPDX-License-Identifier: MIT
#include "geo/control_points.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string_view>

namespace mapweave::geo {
namespace {

[[noreturn]] void ThrowBadFile(const std::filesystem::path& path,
                               const std::string& fault) {
  throw Error(ErrorCode::kBadInput, fmt::format("{}: {}", path.string(), fault),
              "Give a QGIS .points file or a IIIF georeference annotation.");
}

std::vector<std::string> SplitFields(const std::string& line) {
  std::vector<std::string> fields;
  std::string field;
  for (const char c : line) {
    if (c == ',' || c == '\t' || c == ';') {
      fields.push_back(std::move(field));
      field.clear();
    } else if (c != ' ' && c != '\r' && c != '"') {
      field += c;
    }
  }
  fields.push_back(std::move(field));
  return fields;
}

std::optional<double> ParseNumber(const std::string& text) {
  if (text.empty()) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

ControlPointFile ReadQgisPoints(const std::filesystem::path& path,
                                const std::string& text) {
  ControlPointFile file;
  std::istringstream lines(text);
  std::string line;
  bool header_seen = false;
  for (int number = 1; std::getline(lines, line); ++number) {
    constexpr std::string_view kCrsMark = "#CRS:";
    if (line.rfind(kCrsMark, 0) == 0) {
      const std::string wkt = line.substr(kCrsMark.size());
      if (wkt.find_first_not_of(" \r") != std::string::npos) {
        file.crs = Crs::FromText(wkt);
      }
      continue;
    }
    if (line.empty() || line == "\r" || line[0] == '#') continue;
    const std::vector<std::string> fields = SplitFields(line);
    if (!header_seen) {
      if (fields[0] != "mapX") {
        ThrowBadFile(path,
                     "it is neither JSON nor has it QGIS's header line "
                     "\"mapX,mapY,...\"");
      }
      header_seen = true;
      continue;
    }
    if (fields.size() < 4) {
      ThrowBadFile(path, fmt::format("line {} has {} fields, not 4 or more",
                                     number, fields.size()));
    }
    if (fields.size() > 4 && fields[4] == "0") continue;
    double values[4];
    for (size_t i = 0; i < 4; ++i) {
      const auto value = ParseNumber(fields[i]);
      if (!value) {
        ThrowBadFile(path, fmt::format("line {}: \"{}\" is not a number",
                                       number, fields[i]));
      }
      values[i] = *value;
    }
    // QGIS keeps the row negative: its y points up.
    file.points.push_back({{values[2], -values[3]}, {values[0], values[1]}});
  }
  return file;
}

// The outline in '<svg ...><polygon points="x,y x,y ..." /></svg>'.
Ring ParseSvgPolygon(const std::filesystem::path& path,
                     const std::string& svg) {
  constexpr std::string_view kMark = "points=\"";
  const auto begin = svg.find(kMark);
  if (svg.find("<polygon") == std::string::npos || begin == std::string::npos) {
    ThrowBadFile(path, "its SvgSelector holds no polygon");
  }
  const auto end = svg.find('"', begin + kMark.size());
  if (end == std::string::npos) {
    ThrowBadFile(path, "the polygon of its SvgSelector is not closed");
  }
  std::string numbers =
      svg.substr(begin + kMark.size(), end - begin - kMark.size());
  for (char& c : numbers) {
    if (c == ',') c = ' ';
  }
  std::istringstream stream(numbers);
  Ring ring;
  std::string x;
  std::string y;
  while (stream >> x) {
    stream >> y;
    const auto px = ParseNumber(x);
    const auto py = ParseNumber(y);
    if (!px || !py) {
      ThrowBadFile(path, "the polygon of its SvgSelector has bad numbers");
    }
    ring.push_back({*px, *py});
    y.clear();
  }
  if (ring.size() < 3) {
    ThrowBadFile(path, "the polygon of its SvgSelector has under 3 points");
  }
  return ring;
}

const Json& SingleAnnotation(const std::filesystem::path& path,
                             const Json& document) {
  if (!document.is_object()) ThrowBadFile(path, "it is not a JSON object");
  if (document.value("type", "") != "AnnotationPage") return document;
  const auto items = document.find("items");
  if (items == document.end() || !items->is_array() || items->size() != 1) {
    ThrowBadFile(path,
                 fmt::format("it is a page of {} annotations, not of 1",
                             items == document.end() ? 0 : items->size()));
  }
  return (*items)[0];
}

std::string FitOf(const Json& body) {
  const auto transformation = body.find("transformation");
  if (transformation == body.end() || !transformation->is_object()) return "";
  const std::string type = transformation->value("type", "");
  if (type != "polynomial") return type;
  int order = 1;
  const auto options = transformation->find("options");
  if (options != transformation->end() && options->is_object()) {
    order = options->value("order", 1);
  }
  return fmt::format("polynomial{}", order);
}

Point2d PairOf(const std::filesystem::path& path, const Json& value,
               const char* what) {
  if (!value.is_array() || value.size() < 2 || !value[0].is_number() ||
      !value[1].is_number()) {
    ThrowBadFile(path, fmt::format("a feature's {} are not two numbers", what));
  }
  return {value[0].get<double>(), value[1].get<double>()};
}

ControlPointFile ParseAnnotation(const std::filesystem::path& path,
                                 const Json& annotation, int width,
                                 int height) {
  ControlPointFile file;
  const Json& source = annotation.at("target").at("source");
  const double scale_x = width / source.at("width").get<double>();
  const double scale_y = height / source.at("height").get<double>();
  if (!(scale_x > 0.0) || !(scale_y > 0.0) || !std::isfinite(scale_x) ||
      !std::isfinite(scale_y)) {
    ThrowBadFile(path, "the size of its image is not positive");
  }
  // A scan of another shape is not that image, or a crop of it.
  if (std::abs(scale_x / scale_y - 1.0) > 0.01) {
    ThrowBadFile(
        path, fmt::format("it is for an image of {} x {} pixels, whose "
                          "shape differs from the sheet's {} x {}",
                          source.at("width").dump(), source.at("height").dump(),
                          width, height));
  }
  const auto& target = annotation.at("target");
  if (const auto selector = target.find("selector"); selector != target.end()) {
    file.cutline =
        ParseSvgPolygon(path, selector->at("value").get<std::string>());
    for (Point2d& p : file.cutline) p = {p.x * scale_x, p.y * scale_y};
  }
  const Json& body = annotation.at("body");
  file.fit = FitOf(body);
  file.crs = Crs::FromUserInput("EPSG:3857");
  file.crs_is_fixed = true;
  const Transformer mercator_from_degrees(Crs::Wgs84(), *file.crs);
  for (const Json& feature : body.at("features")) {
    const Json& properties = feature.at("properties");
    // The extension's drafts called the field pixelCoords.
    const char* key = properties.contains("resourceCoords") ? "resourceCoords"
                                                            : "pixelCoords";
    const Point2d pixel = PairOf(path, properties.at(key), key);
    const Point2d degrees =
        PairOf(path, feature.at("geometry").at("coordinates"), "coordinates");
    if (std::abs(degrees.x) > 180.0 || std::abs(degrees.y) > 85.0) {
      ThrowBadFile(path, fmt::format("({}, {}) is not a longitude and latitude",
                                     degrees.x, degrees.y));
    }
    file.points.push_back({{pixel.x * scale_x, pixel.y * scale_y},
                           mercator_from_degrees.Forward(degrees)});
  }
  return file;
}

}  // namespace

ControlPointFile ReadControlPoints(const std::filesystem::path& path,
                                   const ControlPointOptions& options) {
  return ParseControlPoints(ReadFile(path), path, options);
}

ControlPointFile ParseControlPoints(const std::string& text,
                                    const std::filesystem::path& path,
                                    const ControlPointOptions& options) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) ThrowBadFile(path, "it is empty");
  if (text[first] != '{' && text[first] != '[') {
    return ReadQgisPoints(path, text);
  }
  const Json document = ParseJson(text, path.string());
  try {
    return ParseAnnotation(path, SingleAnnotation(path, document),
                           options.width, options.height);
  } catch (const Json::exception& e) {
    ThrowBadFile(path, fmt::format("it is not a georeference annotation ({})",
                                   e.what()));
  }
}

}  // namespace mapweave::geo
