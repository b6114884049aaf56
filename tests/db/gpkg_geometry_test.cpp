// SPDX-License-Identifier: MIT
#include "db/gpkg_geometry.h"

#include "core/error.h"
#include "core/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

namespace mapweave::db {
namespace {

bool SameVertices(const MultiPolygon& a, const MultiPolygon& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].shell != b[i].shell || a[i].holes != b[i].holes) return false;
  }
  return true;
}

// A square with a hole, and a triangle.
MultiPolygon Sample() {
  return {{{{0, 0}, {10, 0}, {10, 10}, {0, 10}},
           {{{2, 2}, {2, 4}, {4, 4}, {4, 2}}}},
          {{{20, -5}, {30, -5}, {25, 5.5}}, {}}};
}

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// A triangle (0 0, 1 0, 0 1) as another program may write it: big-endian
// header without envelope, big-endian polygon with Z.
std::string BigEndianTriangleWithZ() {
  const std::string zero = "0000000000000000";
  const std::string one = "3FF0000000000000";
  const std::string seven = "401C000000000000";
  return FromHex(
      "47500000"
      "000010E6"
      "00"
      "000003EB"
      "00000001"
      "00000004" +
      zero + zero + seven + one + zero + seven + zero + one + seven + zero +
      zero + seven);
}

TEST(GpkgGeometry, ReadsBackWhatItWrote) {
  const std::string bytes = EncodeGeometry(Sample(), 2056);
  EXPECT_TRUE(SameVertices(DecodeGeometry(bytes), Sample()));
}

TEST(GpkgGeometry, WritesTheBytesOfTheStandard) {
  const std::string bytes =
      EncodeGeometry({{{{0, 0}, {1, 0}, {0, 1}}, {}}}, 4326);

  const std::string zero = "0000000000000000";
  const std::string one = "000000000000F03F";
  EXPECT_EQ(bytes,
            FromHex("47500003E6100000" + zero + one + zero + one +
                    "010600000001000000"
                    "010300000001000000"
                    "04000000" +
                    zero + zero + one + zero + zero + one + zero + zero));
}

TEST(GpkgGeometry, ReadsBigEndianPolygonsAndDropsZ) {
  const MultiPolygon triangle = DecodeGeometry(BigEndianTriangleWithZ());
  EXPECT_TRUE(SameVertices(triangle, {{{{0, 0}, {1, 0}, {0, 1}}, {}}}));
}

TEST(GpkgGeometry, HeaderTellsEnvelopeAndCrs) {
  const auto header = ReadGeometryHeader(EncodeGeometry(Sample(), 2056));
  ASSERT_TRUE(header && header->envelope);
  EXPECT_EQ(header->srs_id, 2056);
  EXPECT_FALSE(header->empty);
  EXPECT_EQ(header->envelope->min_x, 0.0);
  EXPECT_EQ(header->envelope->min_y, -5.0);
  EXPECT_EQ(header->envelope->max_x, 30.0);
  EXPECT_EQ(header->envelope->max_y, 10.0);
}

TEST(GpkgGeometry, KeepsEmptyGeometry) {
  const std::string bytes = EncodeGeometry({}, 2056);
  const auto header = ReadGeometryHeader(bytes);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->empty);
  EXPECT_FALSE(header->envelope);
  EXPECT_TRUE(DecodeGeometry(bytes).empty());
}

TEST(GpkgGeometry, WindsShellsLeftAndHolesRight) {
  const Ring clockwise{{0, 0}, {0, 10}, {10, 10}, {10, 0}};
  const Ring counter_clockwise{{2, 2}, {4, 2}, {4, 4}, {2, 4}};

  const MultiPolygon read =
      DecodeGeometry(EncodeGeometry({{clockwise, {counter_clockwise}}}, 0));

  EXPECT_GT(SignedArea(read[0].shell), 0.0);
  EXPECT_LT(SignedArea(read[0].holes[0]), 0.0);
  EXPECT_EQ(read[0].shell.front(), clockwise.front());
}

TEST(GpkgGeometry, WritingWhatWasReadChangesNothing) {
  for (const MultiPolygon& polygons :
       {Sample(), MultiPolygon{{{{0, 0}, {0, 10}, {10, 10}}, {}}},
        MultiPolygon{{{{0, 0}, {5, 5}, {10, 10}}, {}}}}) {
    const std::string bytes = EncodeGeometry(polygons, 1);
    EXPECT_EQ(EncodeGeometry(DecodeGeometry(bytes), 1), bytes);
  }
}

TEST(GpkgGeometry, RefusesToWriteWhatIsNoPolygon) {
  EXPECT_THROW(EncodeGeometry({{{{0, 0}, {1, 1}}, {}}}, 0), Error);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(EncodeGeometry({{{{0, 0}, {1, nan}, {1, 1}}, {}}}, 0), Error);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(EncodeGeometry({{{{0, 0}, {1, infinity}, {1, 1}}, {}}}, 0),
               Error);
}

TEST(GpkgGeometry, RefusesEveryTruncation) {
  const std::string bytes = EncodeGeometry(Sample(), 2056);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THROW(DecodeGeometry(bytes.substr(0, length)), Error)
        << "of " << length << " bytes";
  }
  EXPECT_THROW(DecodeGeometry(bytes + '\0'), Error);
}

TEST(GpkgGeometry, RefusesFalseCountsWithoutAllocating) {
  // Header 40 bytes, byte order and type 5: the number of polygons is at 45,
  // of rings at 54, of points at 58.
  const std::string bytes = EncodeGeometry(Sample(), 2056);
  for (const size_t offset : {45u, 54u, 58u}) {
    std::string lie = bytes;
    std::memset(lie.data() + offset, 0xff, 4);
    EXPECT_THROW(DecodeGeometry(lie), Error) << "count at " << offset;
  }
}

TEST(GpkgGeometry, RefusesOpenRingsAndOtherTypes) {
  const std::string bytes = EncodeGeometry(Sample(), 2056);
  std::string open = bytes;
  open[62] = 1;  // first x of the first ring, no longer that of its last
  EXPECT_THROW(DecodeGeometry(open), Error);
  std::string point = bytes;
  point[41] = 1;  // WKB Point
  EXPECT_THROW(DecodeGeometry(point), Error);
  std::string not_empty = bytes;
  not_empty[3] = static_cast<char>(not_empty[3] | 0x10);
  EXPECT_THROW(DecodeGeometry(not_empty), Error);
}

// Any bytes either decode or throw Error; under a sanitizer this also shows
// that nothing is read outside of them.
TEST(GpkgGeometry, SurvivesRandomDamage) {
  const std::string bytes = EncodeGeometry(Sample(), 2056);
  Rng rng(7);
  int decoded = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = bytes;
    const int64_t flips = rng.Int(1, 8);
    for (int64_t flip = 0; flip < flips; ++flip) {
      const auto at = static_cast<size_t>(
          rng.Int(0, static_cast<int64_t>(bytes.size()) - 1));
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.Int(0, 7)));
    }
    if (rng.Chance(0.3)) {
      damaged.resize(
          static_cast<size_t>(rng.Int(0, static_cast<int64_t>(bytes.size()))));
    }
    try {
      const MultiPolygon polygons = DecodeGeometry(damaged);
      // What passed can be written again.
      EncodeGeometry(polygons, 0);
      ++decoded;
    } catch (const Error& error) {
      EXPECT_EQ(error.Code(), ErrorCode::kDatabase);
    }
    ReadGeometryHeader(damaged);
  }
  EXPECT_GT(decoded, 0);  // flips of coordinates that leave rings closed
}

}  // namespace
}  // namespace mapweave::db
