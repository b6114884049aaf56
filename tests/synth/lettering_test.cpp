// SPDX-License-Identifier: MIT
#include "synth/lettering.h"

#include "synth/coverage.h"
#include "synth/typeface.h"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace mapweave::synth {
namespace {

double AreaOf(const CoverageMask& mask) {
  double sum = 0.0;
  mask.ForEach([&](int, int, float share) { sum += share; });
  return sum;
}

TEST(CoverageMask, CoversWhatThePolygonCovers) {
  CoverageMask mask(cv::Rect(10, 20, 6, 5));
  // 11.25 to 13.5 by 21.5 to 23: whole, half and quarter pixels.
  mask.Add({{11.25, 21.5}, {13.5, 21.5}, {13.5, 23.0}, {11.25, 23.0}});
  std::map<std::pair<int, int>, float> shares;
  mask.ForEach([&](int x, int y, float share) { shares[{x, y}] = share; });
  EXPECT_EQ(shares.size(), 6u);
  EXPECT_NEAR((shares[{11, 21}]), 0.375f, 1e-5);
  EXPECT_NEAR((shares[{12, 21}]), 0.5f, 1e-5);
  EXPECT_NEAR((shares[{13, 21}]), 0.25f, 1e-5);
  EXPECT_NEAR((shares[{11, 22}]), 0.75f, 1e-5);
  EXPECT_NEAR((shares[{12, 22}]), 1.0f, 1e-5);
  EXPECT_NEAR((shares[{13, 22}]), 0.5f, 1e-5);
}

TEST(CoverageMask, KeepsTheAreaOfSlantedRingsAndHoles) {
  CoverageMask mask(cv::Rect(0, 0, 40, 40));
  mask.Add({{20, 2}, {37.3, 21}, {19.1, 38}, {3.7, 18.2}});
  mask.Add({{15, 15}, {15, 20}, {20, 20}, {20, 15}});  // the other way round
  const double outer =
      std::abs(SignedArea({{20, 2}, {37.3, 21}, {19.1, 38}, {3.7, 18.2}}));
  EXPECT_NEAR(AreaOf(mask), outer - 25.0, 0.05);
}

TEST(CoverageMask, CutsAtItsRegion) {
  CoverageMask mask(cv::Rect(0, 0, 4, 4));
  mask.Add({{-10, -10}, {30, -10}, {30, 30}, {-10, 30}});
  EXPECT_NEAR(AreaOf(mask), 16.0, 1e-3);
}

TEST(Typeface, HasTheLettersOfTheLanguagesOfMaps) {
  for (int t = 0; t < kTypefaces; ++t) {
    const auto typeface = static_cast<Typeface>(t);
    // A capital is one high, and letters differ.
    std::set<double> widths;
    for (char32_t c : U"HilmWéß7") {
      if (c == 0) continue;
      const Glyph& glyph = GlyphOf(typeface, c);
      EXPECT_FALSE(glyph.rings.empty()) << t;
      widths.insert(glyph.advance);
    }
    EXPECT_GE(widths.size(), 5u) << t;
    double top = 0.0;
    for (const Ring& ring : GlyphOf(typeface, U'H').rings)
      for (const Point2d& p : ring) top = std::max(top, -p.y);
    EXPECT_NEAR(top, 1.0, 0.1) << t;
    EXPECT_TRUE(GlyphOf(typeface, U' ').rings.empty()) << t;
    EXPECT_GT(GlyphOf(typeface, U' ').advance, 0.05) << t;
  }
}

TEST(Typeface, ReadsUtf8AndLatin1) {
  EXPECT_EQ(Decode("Hôtel d’œuvre"), U"Hôtel d’œuvre");
  EXPECT_EQ(Decode("H\xF4tel"), U"Hôtel");
  EXPECT_EQ(Decode("\xC3"), U"\u00C3");
}

TEST(Toponyms, WritesCapitalsWithAccents) {
  EXPECT_EQ(Capitals("Église de Nœux 7ß"), "ÉGLISE DE NŒUX 7ß");
}

TEST(Toponyms, HasNoStarAndNoLetterThatTheTypefacesLack) {
  Rng rng(4);
  const Glyph& missing = GlyphOf(Typeface::kRoman, U'\u1234');
  for (int language = 0; language < kLanguages; ++language) {
    std::set<std::string> names;
    for (int i = 0; i < 300; ++i) {
      const std::string name = MakeName(static_cast<Language>(language),
                                        static_cast<NameKind>(i % 6), rng);
      names.insert(name);
      EXPECT_EQ(name.find('*'), std::string::npos) << name;
      for (char32_t c : Decode(name))
        EXPECT_NE(&GlyphOf(Typeface::kRoman, c), &missing) << name;
    }
    EXPECT_GT(names.size(), 80u);
  }
}

TEST(Text, IsAsWideAsItsLettersAndStandsOnThePath) {
  TextStyle style;
  style.height_px = 20.0;
  style.spacing = 0.5;
  const double h = GlyphOf(style.typeface, U'H').advance;
  EXPECT_NEAR(Canvas::TextWidth(U"HH", style), 20.0 * (2 * h + 0.5), 1e-9);

  Canvas canvas({0, 0, 200, 100}, {255, 255, 255});
  canvas.Text(U"HH", {{99, 60}, {101, 60}}, style, {0, 0, 0});
  cv::Mat grey;
  cv::cvtColor(canvas.Finish(), grey, cv::COLOR_RGB2GRAY);
  const cv::Rect ink = cv::boundingRect(grey < 128);
  EXPECT_NEAR(ink.y, 40, 1);
  EXPECT_NEAR(ink.y + ink.height, 60, 1);
  EXPECT_NEAR(ink.x + ink.width / 2.0, 100.0, 2.0);
}

TEST(Text, FollowsABentPath) {
  TextStyle style;
  style.typeface = Typeface::kSlab;
  style.height_px = 10.0;
  style.spacing = 1.0;
  std::vector<Point2d> circle;
  for (int i = 0; i <= 90; ++i) {
    const double a = 3.14159265 * (1.0 + i / 90.0);
    circle.push_back({100 + 60 * std::cos(a), 100 + 60 * std::sin(a)});
  }
  Canvas canvas({0, 0, 200, 200}, {255, 255, 255});
  canvas.Text(U"BOULEVARD", circle, style, {0, 0, 0});
  cv::Mat grey;
  cv::cvtColor(canvas.Finish(), grey, cv::COLOR_RGB2GRAY);
  int inked = 0;
  for (int y = 0; y < grey.rows; ++y) {
    for (int x = 0; x < grey.cols; ++x) {
      if (grey.at<uint8_t>(y, x) > 128) continue;
      ++inked;
      const double r = std::hypot(x + 0.5 - 100, y + 0.5 - 100);
      EXPECT_GT(r, 58.0);
      EXPECT_LT(r, 73.0);
    }
  }
  EXPECT_GT(inked, 200);
}

}  // namespace
}  // namespace mapweave::synth
