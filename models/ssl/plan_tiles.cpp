// SPDX-License-Identifier: MIT
#include "models/ssl/plan_tiles.h"

#include "core/error.h"
#include "core/random.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace mapweave::ssl {
namespace {

constexpr uint64_t kPlanStream = 0x706c616e2d74696cULL;
constexpr int64_t kHatches = 4;
constexpr int64_t kHands = 2;
constexpr int64_t kPlanSteps = 4;
// Everything is drawn so many times larger and then averaged.
constexpr int kOver = 4;

// Lines across buildings; lengths in pixels of the tile.
struct HatchStyle {
  double period = 0.0;
  double ink = 0.0;  // share of the period
  bool outline = true;
};

HatchStyle StyleOf(int64_t hand) {
  if (hand == 0) return {4.0, 0.40, true};
  return {7.0, 0.50, false};
}

// A town's directions and its plots' size.
struct PlanFrame {
  double angle = 0.0;  // of the streets, radians
  double cell = 0.0;   // side of a plot
  cv::Point2d origin;

  cv::Point2d ToTile(double u, double v) const {
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    return {origin.x + c * u - s * v, origin.y + s * u + c * v};
  }
};

// In the units of the enlarged picture, rounded to its pixels.
cv::Point Enlarged(const cv::Point2d& p) {
  return {static_cast<int>(std::lround(p.x * kOver)),
          static_cast<int>(std::lround(p.y * kOver))};
}

// A rectangle on the plot (column, row), or an L; corners in the tile.
std::vector<cv::Point> Building(const PlanFrame& frame, double column,
                                double row, Rng& rng) {
  const double left = column + rng.Uniform(0.03, 0.14);
  const double right = column + rng.Uniform(0.86, 0.97);
  const double top = row + rng.Uniform(0.03, 0.14);
  const double bottom = row + rng.Uniform(0.86, 0.97);
  std::vector<cv::Point2d> ring = {
      {left, top}, {right, top}, {right, bottom}, {left, bottom}};
  if (rng.Chance(0.3)) {
    const double x = left + rng.Uniform(0.5, 0.7) * (right - left);
    const double y = top + rng.Uniform(0.5, 0.7) * (bottom - top);
    ring = {{left, top}, {right, top}, {right, y},
            {x, y},      {x, bottom},  {left, bottom}};
  }
  std::vector<cv::Point> corners;
  for (const cv::Point2d& p : ring) {
    corners.push_back(
        Enlarged(frame.ToTile(p.x * frame.cell, p.y * frame.cell)));
  }
  return corners;
}

// Single channels of the enlarged picture: how much ink, and where buildings
// stand; CV_8UC1, 0 or 255.
struct PlanLayers {
  cv::Mat ink;
  cv::Mat built;
};

int PenWidth(double px) {
  return std::max(1, static_cast<int>(std::lround(px * kOver)));
}

// Between two rows of plots, from one end of the tile to the other.
void DrawStreet(const PlanFrame& frame, double v, double reach, int64_t year,
                double pen_px, PlanLayers& layers) {
  if (year == 0) return;
  const cv::Scalar ink(255);
  const int pen = PenWidth(pen_px);
  const double half = 1.6;
  const auto line = [&](double u0, double v0, double u1, double v1) {
    cv::line(layers.ink, Enlarged(frame.ToTile(u0, v0)),
             Enlarged(frame.ToTile(u1, v1)), ink, pen);
  };
  if (year == 1) {
    line(-reach, v, reach, v);
    return;
  }
  line(-reach, v - half, reach, v - half);
  line(-reach, v + half, reach, v + half);
  if (year == 2) return;
  for (double u = -reach; u < reach; u += 3.0) line(u, v - half, u, v + half);
}

// Ink where the building is and a line of the hatch passes.
void Hatch(const cv::Mat& building, const HatchStyle& style, double angle,
           double phase, cv::Mat& ink) {
  // Across the lines, in periods.
  const double dx = -std::sin(angle) / (style.period * kOver);
  const double dy = std::cos(angle) / (style.period * kOver);
  for (int y = 0; y < ink.rows; ++y) {
    const uint8_t* inside = building.ptr<uint8_t>(y);
    uint8_t* out = ink.ptr<uint8_t>(y);
    for (int x = 0; x < ink.cols; ++x) {
      if (inside[x] == 0) continue;
      const double t = phase + dx * x + dy * y;
      if (t - std::floor(t) < style.ink) out[x] = 255;
    }
  }
}

void Letters(double side, double pen_px, Rng& rng, cv::Mat& ink) {
  static const std::string kAlphabet = "ABCDEFGHIKLMNOPRSTUVW";
  std::string word;
  for (int64_t i = rng.Int(1, 3); i > 0; --i) {
    word += kAlphabet[static_cast<size_t>(
        rng.Int(0, static_cast<int64_t>(kAlphabet.size()) - 1))];
  }
  const cv::Point2d start(rng.Uniform(-0.1, 0.7) * side,
                          rng.Uniform(0.2, 1.0) * side);
  cv::putText(ink, word, Enlarged(start), cv::FONT_HERSHEY_SIMPLEX,
              rng.Uniform(0.25, 0.4) * kOver, cv::Scalar(255),
              PenWidth(pen_px));
}

cv::Vec3f Colour(double low, double high, Rng& rng) {
  cv::Vec3f colour;
  for (int c = 0; c < 3; ++c) {
    colour[c] = static_cast<float>(rng.Uniform(low, high));
  }
  return colour;
}

// Ink and tinted buildings on aged paper. `coverage` of ink and of buildings in
// [0, 1], CV_32FC1 of the tile's size.
cv::Mat Coloured(const cv::Mat& ink, const cv::Mat& built, Rng& rng) {
  const cv::Vec3f dark = Colour(0.0, 0.35, rng);
  const cv::Vec3f light = Colour(0.7, 1.0, rng);
  const cv::Vec3f tint = light + (Colour(0.0, 1.0, rng) - light) *
                                     static_cast<float>(rng.Uniform(0.0, 0.35));
  cv::Mat stains(4, 4, CV_32FC1);
  for (float& value : cv::Mat_<float>(stains)) {
    value = static_cast<float>(rng.Normal(0.0, 0.06));
  }
  cv::resize(stains, stains, ink.size(), 0, 0, cv::INTER_CUBIC);
  const double grain = rng.Uniform(0.0, 0.04);
  cv::Mat picture(ink.size(), CV_32FC3);
  for (int y = 0; y < ink.rows; ++y) {
    for (int x = 0; x < ink.cols; ++x) {
      const float wash = built.at<float>(y, x);
      const float line = ink.at<float>(y, x);
      cv::Vec3f colour = light + (tint - light) * wash;
      colour += (dark - colour) * line;
      const auto noise = static_cast<float>(rng.Normal(0.0, grain));
      for (int c = 0; c < 3; ++c) colour[c] += stains.at<float>(y, x) + noise;
      picture.at<cv::Vec3f>(y, x) = colour;
    }
  }
  const double blur = rng.Uniform(0.0, 0.6);
  if (blur > 0.2) {
    cv::GaussianBlur(picture, picture, cv::Size(3, 3), blur);
  }
  cv::Mat rgb;
  picture.convertTo(rgb, CV_8UC3, 255.0);
  return rgb;
}

cv::Mat Averaged(const cv::Mat& layer, int side) {
  cv::Mat small;
  cv::resize(layer, small, cv::Size(side, side), 0, 0, cv::INTER_AREA);
  small.convertTo(small, CV_32FC1, 1.0 / 255.0);
  return small;
}

}  // namespace

std::vector<TileSupply::Factor> PlanTiles::Factors() const {
  return {{"hatch", kHatches},   {"hand", kHands},     {"density", kPlanSteps},
          {"scale", kPlanSteps}, {"year", kPlanSteps}, {"hatch_angle", 0}};
}

FactorTile PlanTiles::Draw(const TileRequest& request, int64_t index) const {
  const int side = request.side_px;
  if (side < 24 || side > 512) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("tiles: the side is {} px, must be 24 to 512", side));
  }
  Rng rng = Rng(request.seed, kPlanStream).Fork(static_cast<uint64_t>(index));
  const int64_t hatch = rng.Int(0, kHatches - 1);
  const int64_t hand = rng.Int(0, kHands - 1);
  const int64_t density = rng.Int(0, kPlanSteps - 1);
  const int64_t scale = rng.Int(0, kPlanSteps - 1);
  const int64_t year = rng.Int(0, kPlanSteps - 1);
  const double degrees = std::fmod(
      45.0 * static_cast<double>(hatch) + rng.Uniform(-12.0, 12.0) + 180.0,
      180.0);
  const double radians = degrees * std::numbers::pi / 180.0;

  PlanFrame frame;
  frame.angle = rng.Uniform(0.0, 2.0 * std::numbers::pi);
  frame.cell = 11.0 * std::pow(20.0 / 11.0, static_cast<double>(scale) / 3.0);
  frame.origin = {rng.Uniform(0.35, 0.65) * side,
                  rng.Uniform(0.35, 0.65) * side};
  HatchStyle style = StyleOf(hand);
  style.period *= rng.Uniform(0.9, 1.1);
  style.ink *= rng.Uniform(0.9, 1.1);
  const double built_share = 0.5 + 0.15 * static_cast<double>(density);
  const double pen_px = rng.Uniform(0.6, 1.0);

  PlanLayers layers{cv::Mat::zeros(side * kOver, side * kOver, CV_8UC1),
                    cv::Mat::zeros(side * kOver, side * kOver, CV_8UC1)};
  // Plots lie in pairs of rows between streets.
  constexpr double kStreet = 4.4;
  const int64_t reach = static_cast<int64_t>(std::ceil(side / frame.cell)) + 1;
  for (int64_t row = -reach; row <= reach; ++row) {
    const auto pair = static_cast<double>(row >= 0 ? row / 2 : (row - 1) / 2);
    const double top = static_cast<double>(row) * frame.cell + kStreet * pair;
    if (row % 2 == 0) {
      DrawStreet(frame, top - kStreet / 2.0, 1.5 * side, year, 0.7 * pen_px,
                 layers);
    }
    for (int64_t column = -reach; column <= reach; ++column) {
      const bool built = rng.Chance(built_share);
      // In the middle of the tile something stands, or nothing would be
      // hatched on some.
      if (!built && !(row == 0 && column == 0)) continue;
      const std::vector<cv::Point> ring =
          Building(frame, static_cast<double>(column), top / frame.cell, rng);
      cv::Mat building = cv::Mat::zeros(layers.built.size(), CV_8UC1);
      cv::fillPoly(building, std::vector<std::vector<cv::Point>>{ring},
                   cv::Scalar(255));
      layers.built |= building;
      if (style.outline) {
        cv::polylines(layers.ink, ring, true, cv::Scalar(255),
                      PenWidth(pen_px));
      }
    }
  }
  Hatch(layers.built, style, radians, rng.Uniform(), layers.ink);
  if (rng.Chance(0.3)) Letters(side, pen_px, rng, layers.ink);

  FactorTile tile;
  tile.rgb =
      Coloured(Averaged(layers.ink, side), Averaged(layers.built, side), rng);
  tile.factors = {{"hatch", static_cast<double>(hatch)},
                  {"hand", static_cast<double>(hand)},
                  {"density", static_cast<double>(density)},
                  {"scale", static_cast<double>(scale)},
                  {"year", static_cast<double>(year)},
                  {"hatch_angle", degrees}};
  return tile;
}

}  // namespace mapweave::ssl
