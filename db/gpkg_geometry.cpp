// SPDX-License-Identifier: MIT
#include "db/gpkg_geometry.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace mapweave::db {
namespace {

constexpr uint32_t kWkbPolygon = 3;
constexpr uint32_t kWkbMultiPolygon = 6;
constexpr size_t kFixedHeaderBytes = 8;
// Doubles in the envelope, by the header's indicator.
constexpr int kEnvelopeDoubles[] = {0, 4, 6, 6, 8};

[[noreturn]] void ThrowBad(std::string_view what) {
  throw Error(ErrorCode::kDatabase, fmt::format("bad geometry: {}", what),
              "Look with 'mapweave db check'.");
}

class Writer {
 public:
  explicit Writer(size_t bytes) { bytes_.reserve(bytes); }

  void Byte(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  template <typename T>
  void Number(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) {
      std::reverse(raw, raw + sizeof(T));
    }
    bytes_.append(raw, sizeof(T));
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Bounds-checked; every reading function throws at the end of the bytes.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  size_t Left() const { return bytes_.size() - position_; }
  uint8_t Byte() {
    Require(1);
    return static_cast<uint8_t>(bytes_[position_++]);
  }
  template <typename T>
  T Number(bool little_endian) {
    Require(sizeof(T));
    char raw[sizeof(T)];
    std::memcpy(raw, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    if (little_endian != (std::endian::native == std::endian::little)) {
      std::reverse(raw, raw + sizeof(T));
    }
    T value;
    std::memcpy(&value, raw, sizeof(T));
    return value;
  }
  void Skip(size_t count) {
    Require(count);
    position_ += count;
  }
  bool ByteOrder() {
    const uint8_t order = Byte();
    if (order > 1) ThrowBad("unknown byte order");
    return order == 1;
  }

 private:
  void Require(size_t count) const {
    if (Left() < count) ThrowBad("the bytes end too early");
  }

  std::string_view bytes_;
  size_t position_ = 0;
};

void WriteRing(Writer& out, const Ring& ring, bool counter_clockwise) {
  if (ring.size() < 3) ThrowBad("a ring has fewer than three vertices");
  out.Number(static_cast<uint32_t>(ring.size() + 1));
  const auto write = [&out](const Point2d& point) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      ThrowBad("a coordinate is not finite");
    }
    out.Number(point.x);
    out.Number(point.y);
  };
  const double area = SignedArea(ring);
  if (area == 0.0 || (area > 0.0) == counter_clockwise) {
    for (const Point2d& point : ring) write(point);
    write(ring.front());
  } else {
    // Starts at the same vertex, so that reading it back and writing it again
    // changes nothing.
    write(ring.front());
    for (size_t i = ring.size() - 1; i > 0; --i) write(ring[i]);
    write(ring.front());
  }
}

size_t EncodedSize(const MultiPolygon& polygons) {
  size_t vertices = 0;
  size_t rings = 0;
  for (const Polygon& polygon : polygons) {
    rings += 1 + polygon.holes.size();
    vertices += polygon.shell.size() + 1;
    for (const Ring& hole : polygon.holes) vertices += hole.size() + 1;
  }
  return kFixedHeaderBytes + 4 * sizeof(double) + 9 + polygons.size() * 9 +
         rings * 4 + vertices * 2 * sizeof(double);
}

// ISO WKB: thousands say which of Z and M are there.
struct WkbType {
  uint32_t base = 0;
  int dimensions = 2;
};

WkbType SplitType(uint32_t code) {
  if (code >= 4000) ThrowBad("not a polygon");
  return {code % 1000, std::array<int, 4>{2, 3, 3, 4}[code / 1000]};
}

Ring ReadRing(Reader& in, bool little_endian, int dimensions) {
  const auto count = in.Number<uint32_t>(little_endian);
  const size_t point_bytes = sizeof(double) * static_cast<size_t>(dimensions);
  // Before anything is reserved: the count may be a lie.
  if (count > in.Left() / point_bytes) ThrowBad("the bytes end too early");
  if (count < 4) ThrowBad("a ring has fewer than three vertices");
  Ring ring;
  ring.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    Point2d point;
    point.x = in.Number<double>(little_endian);
    point.y = in.Number<double>(little_endian);
    in.Skip(point_bytes - 2 * sizeof(double));
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      ThrowBad("a coordinate is not finite");
    }
    ring.push_back(point);
  }
  if (!(ring.front() == ring.back())) ThrowBad("a ring is not closed");
  ring.pop_back();
  return ring;
}

// The part of a polygon after its type. A polygon without rings is empty.
void ReadPolygon(Reader& in, bool little_endian, int dimensions,
                 MultiPolygon& out) {
  const auto rings = in.Number<uint32_t>(little_endian);
  if (rings > in.Left() / sizeof(uint32_t)) ThrowBad("the bytes end too early");
  if (rings == 0) return;
  Polygon polygon;
  polygon.shell = ReadRing(in, little_endian, dimensions);
  polygon.holes.reserve(rings - 1);
  for (uint32_t i = 1; i < rings; ++i) {
    polygon.holes.push_back(ReadRing(in, little_endian, dimensions));
  }
  out.push_back(std::move(polygon));
}

MultiPolygon ReadWkb(Reader& in) {
  MultiPolygon polygons;
  const bool little_endian = in.ByteOrder();
  const WkbType type = SplitType(in.Number<uint32_t>(little_endian));
  if (type.base == kWkbPolygon) {
    ReadPolygon(in, little_endian, type.dimensions, polygons);
  } else if (type.base == kWkbMultiPolygon) {
    const auto count = in.Number<uint32_t>(little_endian);
    // Byte order, type and count of rings: nine bytes at least for each.
    if (count > in.Left() / 9) ThrowBad("the bytes end too early");
    polygons.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      const bool part_little_endian = in.ByteOrder();
      const WkbType part = SplitType(in.Number<uint32_t>(part_little_endian));
      if (part.base != kWkbPolygon || part.dimensions != type.dimensions) {
        ThrowBad("a part of a multipolygon is no polygon");
      }
      ReadPolygon(in, part_little_endian, part.dimensions, polygons);
    }
  } else {
    ThrowBad("not a polygon");
  }
  if (in.Left() != 0) ThrowBad("there are bytes after its end");
  return polygons;
}

GeometryHeader ReadHeader(Reader& in) {
  if (in.Byte() != 'G' || in.Byte() != 'P' || in.Byte() != 0) {
    ThrowBad("not a GeoPackage geometry");
  }
  const uint8_t flags = in.Byte();
  const bool little_endian = (flags & 0x01) != 0;
  const int indicator = (flags >> 1) & 0x07;
  if (indicator > 4) ThrowBad("unknown kind of envelope");
  if ((flags & 0x20) != 0) ThrowBad("an extended geometry type");
  GeometryHeader header;
  header.empty = (flags & 0x10) != 0;
  header.srs_id = in.Number<int32_t>(little_endian);
  double envelope[8] = {};
  for (int i = 0; i < kEnvelopeDoubles[indicator]; ++i) {
    envelope[i] = in.Number<double>(little_endian);
  }
  // Order in the header: min x, max x, min y, max y. An empty geometry may
  // have NaN there.
  if (indicator > 0 && envelope[0] <= envelope[1] &&
      envelope[2] <= envelope[3]) {
    header.envelope = Box{envelope[0], envelope[2], envelope[1], envelope[3]};
  }
  return header;
}

}  // namespace

std::optional<Box> Bounds(const MultiPolygon& polygons) {
  std::optional<Box> box;
  const auto extend = [&box](const Ring& ring) {
    for (const Point2d& point : ring) {
      if (!box) box = Box{point.x, point.y, point.x, point.y};
      box->min_x = std::min(box->min_x, point.x);
      box->min_y = std::min(box->min_y, point.y);
      box->max_x = std::max(box->max_x, point.x);
      box->max_y = std::max(box->max_y, point.y);
    }
  };
  // Holes too: a broken file may have them outside of their shell.
  for (const Polygon& polygon : polygons) {
    extend(polygon.shell);
    for (const Ring& hole : polygon.holes) extend(hole);
  }
  return box;
}

std::string EncodeGeometry(const MultiPolygon& polygons, int srs_id) {
  const std::optional<Box> box = Bounds(polygons);
  Writer out(EncodedSize(polygons));
  out.Byte('G');
  out.Byte('P');
  out.Byte(0);                  // version 1
  out.Byte(box ? 0x03 : 0x11);  // little-endian with XY envelope, or empty
  out.Number(static_cast<int32_t>(srs_id));
  if (box) {
    out.Number(box->min_x);
    out.Number(box->max_x);
    out.Number(box->min_y);
    out.Number(box->max_y);
  }
  out.Byte(1);
  out.Number(kWkbMultiPolygon);
  out.Number(static_cast<uint32_t>(polygons.size()));
  for (const Polygon& polygon : polygons) {
    out.Byte(1);
    out.Number(kWkbPolygon);
    out.Number(static_cast<uint32_t>(1 + polygon.holes.size()));
    WriteRing(out, polygon.shell, true);
    for (const Ring& hole : polygon.holes) WriteRing(out, hole, false);
  }
  return out.Take();
}

MultiPolygon DecodeGeometry(std::string_view bytes) {
  Reader in(bytes);
  const GeometryHeader header = ReadHeader(in);
  MultiPolygon polygons = ReadWkb(in);
  if (header.empty != polygons.empty()) {
    ThrowBad("the header and the geometry disagree about being empty");
  }
  return polygons;
}

std::optional<GeometryHeader> ReadGeometryHeader(std::string_view bytes) {
  try {
    Reader in(bytes);
    return ReadHeader(in);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace mapweave::db
