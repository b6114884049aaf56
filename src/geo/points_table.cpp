// SPDX-License-Identifier: MIT
#include "geo/points_table.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <utility>

namespace mapweave::geo {
namespace {

constexpr const char* kHint =
    "Give a QGIS .points file, a IIIF georeference annotation, or a CSV with "
    "the columns col,row,x,y (or pixel,line,easting,northing; or "
    "col,row,lon,lat).";

// What a column holds.
enum Role { kColumn, kRow, kGroundX, kGroundY, kEnable, kIgnored };
constexpr const char* kRoleNames[] = {"the column in the scan (col)",
                                      "the row in the scan (row)",
                                      "the easting or longitude (x or lon)",
                                      "the northing or latitude (y or lat)"};
constexpr size_t kNeeded = 4;

struct ColumnName {
  std::string_view name;  // lower case, without spaces and underscores
  Role role;
  // Of a geographic CRS, EPSG:4326 if nothing else is said.
  bool is_degrees = false;
  // QGIS counts rows downwards from 0 as negative numbers.
  bool is_qgis = false;
};

constexpr ColumnName kColumns[] = {
    {"col", kColumn},
    {"column", kColumn},
    {"pixel", kColumn},
    {"imagex", kColumn},
    {"pixelx", kColumn},
    {"sourcex", kColumn},
    {"row", kRow},
    {"line", kRow},
    {"imagey", kRow},
    {"pixely", kRow},
    {"sourcey", kRow},
    {"x", kGroundX},
    {"easting", kGroundX},
    {"east", kGroundX},
    {"e", kGroundX},
    {"y", kGroundY},
    {"northing", kGroundY},
    {"north", kGroundY},
    {"n", kGroundY},
    {"lon", kGroundX, true},
    {"lng", kGroundX, true},
    {"long", kGroundX, true},
    {"longitude", kGroundX, true},
    {"lat", kGroundY, true},
    {"latitude", kGroundY, true},
    {"mapx", kGroundX, false, true},
    {"mapy", kGroundY, false, true},
    {"enable", kEnable},
    {"id", kIgnored},
    {"name", kIgnored},
    {"label", kIgnored},
    {"note", kIgnored},
    {"comment", kIgnored},
    {"dx", kIgnored},
    {"dy", kIgnored},
    {"residual", kIgnored},
};

std::string Plain(const std::string& name) {
  std::string plain;
  for (const char c : name) {
    if (c == ' ' || c == '_') continue;
    plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

class Table {
 public:
  explicit Table(std::string origin) : origin_(std::move(origin)) {}

  ControlPointFile Read(const std::string& text);

 private:
  [[noreturn]] void Throw(const std::string& fault) const {
    throw Error(ErrorCode::kBadInput,
                line_ == 0
                    ? fmt::format("{}: {}", origin_, fault)
                    : fmt::format("{}: line {}: {}", origin_, line_, fault),
                kHint);
  }
  std::vector<std::string> Fields(const std::string& line) const;
  void ReadCrs(const std::string& text, ControlPointFile& file) const;
  void ReadHeader(const std::string& line);
  double Number(const std::string& field) const;
  void ReadRow(const std::string& line, ControlPointFile& file) const;

  std::string origin_;
  int line_ = 0;  // counted from 1; 0 before the first
  char separator_ = ',';
  size_t columns_ = 0;
  // Where each Role stands, up to kEnable.
  std::array<std::optional<size_t>, kNeeded + 1> place_;
  bool is_degrees_ = false;
  bool is_qgis_ = false;
};

std::vector<std::string> Table::Fields(const std::string& line) const {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      // A doubled quote inside quotes is one quote.
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += line[++i];
      } else {
        quoted = !quoted;
      }
    } else if (c == separator_ && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) Throw("a quote is not closed");
  for (std::string& field : fields) {
    constexpr const char* kBlank = " \t\r";
    const auto begin = field.find_first_not_of(kBlank);
    const auto end = field.find_last_not_of(kBlank);
    field =
        begin == std::string::npos ? "" : field.substr(begin, end - begin + 1);
  }
  return fields;
}

void Table::ReadCrs(const std::string& text, ControlPointFile& file) const {
  if (text.find_first_not_of(" \t\r") == std::string::npos) return;
  // PROJ takes up to a tenth of a second for each.
  if (file.crs) Throw("a second #CRS: line");
  try {
    file.crs = Crs::FromText(text);
  } catch (const Error& e) {
    Throw(e.Message());
  }
}

void Table::ReadHeader(const std::string& line) {
  for (const char c : {';', '\t'}) {
    if (std::count(line.begin(), line.end(), c) >
        std::count(line.begin(), line.end(), separator_)) {
      separator_ = c;
    }
  }
  const std::vector<std::string> names = Fields(line);
  columns_ = names.size();
  std::array<bool, 2> degrees{};
  for (size_t i = 0; i < names.size(); ++i) {
    const auto known = std::find_if(
        std::begin(kColumns), std::end(kColumns),
        [&names, i](const ColumnName& c) { return c.name == Plain(names[i]); });
    if (known == std::end(kColumns)) {
      Throw(fmt::format("the column \"{}\" is unknown", names[i]));
    }
    if (known->is_qgis) is_qgis_ = true;
    if (known->role == kIgnored) continue;
    if (place_[known->role]) {
      Throw(fmt::format("the column \"{}\" says again what \"{}\" says",
                        names[i], names[*place_[known->role]]));
    }
    place_[known->role] = i;
    if (known->role == kGroundX) degrees[0] = known->is_degrees;
    if (known->role == kGroundY) degrees[1] = known->is_degrees;
  }
  for (size_t role = 0; role < kNeeded; ++role) {
    if (!place_[role]) {
      Throw(fmt::format("no column for {}", kRoleNames[role]));
    }
  }
  if (degrees[0] != degrees[1]) {
    Throw("one ground coordinate is in degrees by its name, the other not");
  }
  is_degrees_ = degrees[0];
}

double Table::Number(const std::string& field) const {
  std::string text = field;
  if (separator_ != ',' && text.find('.') == std::string::npos) {
    std::replace(text.begin(), text.end(), ',', '.');
  }
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) {
    Throw(fmt::format("\"{}\" is not a number", field));
  }
  return value;
}

void Table::ReadRow(const std::string& line, ControlPointFile& file) const {
  const std::vector<std::string> fields = Fields(line);
  if (fields.size() < kNeeded || fields.size() > columns_) {
    Throw(fmt::format("{} fields, not the {} of the header", fields.size(),
                      columns_));
  }
  const auto field = [&](Role role) -> const std::string& {
    const size_t place = *place_[role];
    if (place >= fields.size()) {
      Throw(fmt::format("{} fields, not the {} of the header", fields.size(),
                        columns_));
    }
    return fields[place];
  };
  if (place_[kEnable] && *place_[kEnable] < fields.size() &&
      fields[*place_[kEnable]] == "0") {
    return;
  }
  ControlPoint point{{Number(field(kColumn)), Number(field(kRow))},
                     {Number(field(kGroundX)), Number(field(kGroundY))}};
  if (is_qgis_) point.pixel.y = -point.pixel.y;
  if (is_degrees_ &&
      (std::abs(point.ground.x) > 180.0 || std::abs(point.ground.y) > 90.0)) {
    Throw(fmt::format("({}, {}) is not a longitude and latitude",
                      point.ground.x, point.ground.y));
  }
  file.points.push_back(point);
}

ControlPointFile Table::Read(const std::string& text) {
  ControlPointFile file;
  std::istringstream lines(text);
  std::string line;
  bool header_seen = false;
  while (std::getline(lines, line)) {
    ++line_;
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (line_ == 1 && line.rfind(kByteOrderMark, 0) == 0) {
      line.erase(0, kByteOrderMark.size());
    }
    constexpr std::string_view kCrsMark = "#CRS:";
    if (line.rfind(kCrsMark, 0) == 0) {
      ReadCrs(line.substr(kCrsMark.size()), file);
      continue;
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos ||
        line[0] == '#') {
      continue;
    }
    if (!header_seen) {
      ReadHeader(line);
      header_seen = true;
    } else {
      ReadRow(line, file);
    }
  }
  line_ = 0;
  if (!header_seen) Throw("it has no header line");
  if (is_degrees_) {
    if (file.crs && !file.crs->IsGeographic()) {
      Throw(
          fmt::format("its columns are longitudes and latitudes, but its CRS "
                      "is {}, which is projected",
                      file.crs->Label()));
    }
    if (!file.crs) file.crs = Crs::Wgs84();
    file.is_geographic = true;
  }
  return file;
}

}  // namespace

ControlPointFile ReadPointsTable(const std::string& text,
                                 const std::string& origin) {
  return Table(origin).Read(text);
}

}  // namespace mapweave::geo
