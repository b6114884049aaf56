// SPDX-License-Identifier: MIT
#include "synth/surroundings.h"

#include "synth/shapes.h"
#include "tracking/mask.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace mapweave::synth {
namespace {

constexpr int kMaxSide = 4096;

// An image of the window, coarser where the window is large.
class Ground {
 public:
  Ground(const World& world, const Outlines& buildings)
      : scale_(std::min(1.0, static_cast<double>(kMaxSide) /
                                 std::max(world.options.width_px,
                                          world.options.height_px))),
        owner_(static_cast<int>(std::ceil(world.options.height_px * scale_)),
               static_cast<int>(std::ceil(world.options.width_px * scale_)),
               CV_32SC1, cv::Scalar(0)),
        core_(owner_.size(), CV_8UC1, cv::Scalar(0)) {
    for (size_t i = 0; i < buildings.outlines.size(); ++i) {
      MultiPolygon scaled = buildings.outlines[i];
      for (Polygon& polygon : scaled) {
        for (Point2d& p : polygon.shell) p = p * scale_;
        polygon.holes.clear();  // courts belong to the building's parcel
      }
      const auto mask = tracking::Mask::FromPolygons(scaled);
      mask.Paint(owner_, static_cast<int>(i) + 1);
      if (buildings.makes_blocks[i]) mask.Paint(core_, 255);
    }
  }

  double Scale() const { return scale_; }
  // CV_32SC1: number of the building, from 1, or 0.
  const cv::Mat& Owner() const { return owner_; }
  // CV_8UC1: 255 where a building stands that streets run around.
  const cv::Mat& Core() const { return core_; }

  Ring InWindow(const std::vector<cv::Point>& contour) const {
    Ring ring;
    for (const cv::Point& p : contour)
      ring.push_back({(p.x + 0.5) / scale_, (p.y + 0.5) / scale_});
    return ring;
  }

 private:
  double scale_;
  cv::Mat owner_;
  cv::Mat core_;
};

// For each pixel the label of the nearest labelled one, and how far off it is.
struct Nearest {
  cv::Mat label;     // CV_32SC1
  cv::Mat distance;  // CV_32FC1
};

Nearest NearestOf(const cv::Mat& labels) {
  Nearest out;
  cv::Mat seed;
  const cv::Mat blank = labels == 0;
  cv::distanceTransform(blank, out.distance, seed, cv::DIST_L2, cv::DIST_MASK_5,
                        cv::DIST_LABEL_PIXEL);
  double count = 0.0;
  cv::minMaxLoc(seed, nullptr, &count);
  std::vector<int32_t> label_of(static_cast<size_t>(count) + 1, 0);
  for (int y = 0; y < labels.rows; ++y)
    for (int x = 0; x < labels.cols; ++x)
      if (labels.at<int32_t>(y, x) != 0)
        label_of[static_cast<size_t>(seed.at<int32_t>(y, x))] =
            labels.at<int32_t>(y, x);
  out.label.create(labels.size(), CV_32SC1);
  for (int y = 0; y < labels.rows; ++y)
    for (int x = 0; x < labels.cols; ++x)
      out.label.at<int32_t>(y, x) =
          label_of[static_cast<size_t>(seed.at<int32_t>(y, x))];
  return out;
}

// Pixels whose right or lower neighbour has another label.
cv::Mat BordersOf(const cv::Mat& label) {
  cv::Mat borders(label.size(), CV_8UC1, cv::Scalar(0));
  for (int y = 0; y < label.rows; ++y) {
    for (int x = 0; x < label.cols; ++x) {
      const int32_t own = label.at<int32_t>(y, x);
      const bool differs =
          (x + 1 < label.cols && label.at<int32_t>(y, x + 1) != own) ||
          (y + 1 < label.rows && label.at<int32_t>(y + 1, x) != own);
      if (differs) borders.at<uint8_t>(y, x) = 255;
    }
  }
  return borders;
}

cv::Mat Disc(double radius) {
  const int side = 2 * std::max(1, static_cast<int>(std::lround(radius))) + 1;
  return cv::getStructuringElement(cv::MORPH_ELLIPSE, {side, side});
}

std::vector<std::vector<cv::Point>> ContoursOf(const cv::Mat& mask,
                                               double tolerance,
                                               double min_area,
                                               cv::Point offset = {}) {
  std::vector<std::vector<cv::Point>> found;
  cv::findContours(mask, found, cv::RETR_EXTERNAL, cv::CHAIN_APPROX_NONE,
                   offset);
  std::vector<std::vector<cv::Point>> kept;
  for (const auto& contour : found) {
    std::vector<cv::Point> simple;
    cv::approxPolyDP(contour, simple, tolerance, true);
    if (simple.size() >= 3 && cv::contourArea(simple) >= min_area)
      kept.push_back(std::move(simple));
  }
  return kept;
}

// Streets run along the borders between the lands of two clusters.
void LayStreets(const Ground& ground, const Nearest& cluster, int clusters,
                World& world) {
  const double b = world.options.building_px * ground.Scale();
  const cv::Rect image({}, cluster.label.size());
  for (int own = 1; own <= clusters; ++own) {
    const cv::Mat land = cluster.label == own;
    const cv::Rect box = cv::boundingRect(land);
    if (box.empty()) continue;
    std::vector<std::vector<cv::Point>> rings;
    cv::findContours(land(box), rings, cv::RETR_EXTERNAL, cv::CHAIN_APPROX_NONE,
                     box.tl());
    // The neighbour's label beside a point of the border, if it is larger, so
    // that each street is laid once.
    const auto beside = [&](cv::Point p) {
      int32_t found = 0;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const cv::Point q = p + cv::Point(dx, dy);
          if (image.contains(q))
            found = std::max(found, cluster.label.at<int32_t>(q));
        }
      }
      return found > own ? found : 0;
    };
    for (const auto& ring : rings) {
      for (size_t i = 0; i < ring.size();) {
        const int32_t other = beside(ring[i]);
        std::vector<cv::Point> line;
        double gap = 0.0;
        for (; i < ring.size() && beside(ring[i]) == other; ++i) {
          line.push_back(ring[i]);
          gap += static_cast<double>(cluster.distance.at<float>(ring[i]));
        }
        if (other == 0 || static_cast<double>(line.size()) < 3.0 * b) continue;
        gap *= 2.0 / static_cast<double>(line.size());
        if (gap > 4.0 * b) continue;  // open land
        std::vector<cv::Point> simple;
        cv::approxPolyDP(line, simple, 1.5, false);
        world.streets.push_back({ground.InWindow(simple),
                                 std::max(2.0, gap * 0.8) / ground.Scale()});
      }
    }
  }
}

// The land nearest to each building of the block that it stands in.
void LayParcels(const Ground& ground, const cv::Mat& block_of,
                const std::vector<size_t>& home, double reach, World& world) {
  const Nearest owner = NearestOf(ground.Owner());
  std::vector<cv::Rect> boxes(home.size());
  for (int y = 0; y < ground.Owner().rows; ++y) {
    for (int x = 0; x < ground.Owner().cols; ++x) {
      const int32_t id = ground.Owner().at<int32_t>(y, x);
      if (id == 0) continue;
      cv::Rect& box = boxes[static_cast<size_t>(id) - 1];
      box = box.empty() ? cv::Rect(x, y, 1, 1) : box | cv::Rect(x, y, 1, 1);
    }
  }
  const int grow = static_cast<int>(std::ceil(reach)) + 1;
  const cv::Rect image({}, ground.Owner().size());
  for (size_t i = 0; i < home.size(); ++i) {
    if (boxes[i].empty()) continue;
    const cv::Rect box =
        (boxes[i] + cv::Size(2 * grow, 2 * grow) - cv::Point(grow, grow)) &
        image;
    const cv::Mat own = (owner.label(box) == static_cast<int>(i) + 1) &
                        (block_of(box) == static_cast<int>(home[i]) + 1);
    for (const auto& contour : ContoursOf(own, 1.0, 6.0, box.tl()))
      world.blocks[home[i]].parcels.push_back(ground.InWindow(contour));
  }
}

void LayOpenLand(const Ground& ground, const cv::Mat& open, World& world,
                 Rng& rng) {
  const double b = world.options.building_px * ground.Scale();
  for (const auto& contour : ContoursOf(open, 1.5, 16.0 * b * b)) {
    WorldBlock block;
    block.outline = ground.InWindow(contour);
    static const std::vector<BlockUse> kUses = {
        BlockUse::kField, BlockUse::kGarden, BlockUse::kOrchard,
        BlockUse::kSquare};
    block.use = kUses[rng.Choice({0.5, 0.25, 0.1, 0.15})];
    block.owner = static_cast<int>(rng.Choice({0.62, 0.08, 0.1, 0.17, 0.03}));
    world.blocks.push_back(std::move(block));
  }
}

// The block around a pixel of the outline; a new one where there is none.
size_t HomeOf(const MultiPolygon& outline, const Ground& ground,
              const cv::Mat& block_of, World& world) {
  const cv::Rect image({}, block_of.size());
  for (const Polygon& polygon : outline) {
    for (const Point2d& p : polygon.shell) {
      const cv::Point at(static_cast<int>(std::floor(p.x * ground.Scale())),
                         static_cast<int>(std::floor(p.y * ground.Scale())));
      if (!image.contains(at)) continue;
      if (const int32_t block = block_of.at<int32_t>(at); block > 0)
        return static_cast<size_t>(block) - 1;
    }
  }
  const Box box =
      outline.empty() ? Box{-1, -1, 0, 0} : BoundsOf(outline[0].shell);
  world.blocks.emplace_back();
  world.blocks.back().outline = RectangleRing(
      {box.min_x - 1, box.min_y - 1, box.max_x + 1, box.max_y + 1});
  return world.blocks.size() - 1;
}

// Numbers the blocks as they are found; 0 where there is none.
cv::Mat LayBlocks(const Ground& ground, const cv::Mat& land, World& world,
                  Rng& rng) {
  cv::Mat block_of(land.size(), CV_32SC1, cv::Scalar(0));
  for (const auto& contour : ContoursOf(land, 1.0, 4.0)) {
    WorldBlock block;
    block.outline = ground.InWindow(contour);
    block.owner = static_cast<int>(rng.Choice({0.62, 0.08, 0.1, 0.17, 0.03}));
    world.blocks.push_back(std::move(block));
    cv::fillPoly(block_of, std::vector{contour},
                 cv::Scalar(static_cast<double>(world.blocks.size())));
  }
  return block_of;
}

}  // namespace

std::vector<size_t> LaySurroundings(World& world, const Outlines& buildings,
                                    Rng rng) {
  const Ground ground(world, buildings);
  const double b = world.options.building_px * ground.Scale();
  cv::Mat block_of(ground.Owner().size(), CV_32SC1, cv::Scalar(0));
  const double reach = b * rng.Uniform(0.8, 1.5);
  cv::Mat built;
  const bool is_bare = cv::countNonZero(ground.Core()) == 0;
  if (!is_bare) {
    // Clusters: outlines that less than a lane keeps apart.
    cv::morphologyEx(ground.Core(), built, cv::MORPH_CLOSE,
                     Disc(std::max(1.5, b * rng.Uniform(0.12, 0.2))));
    cv::Mat clusters;
    const int count = cv::connectedComponents(built, clusters, 8, CV_32S) - 1;
    const Nearest cluster = NearestOf(clusters);
    LayStreets(ground, cluster, count, world);
    const double street = std::max(1.5, b * rng.Uniform(0.2, 0.35));
    cv::Mat road;
    cv::dilate(BordersOf(cluster.label), road, Disc(street));
    const cv::Mat near = cluster.distance <= reach;
    const cv::Mat land = (near & ~road) | built | (ground.Owner() != 0);
    // Open land first: it may run around blocks, which then lie upon it.
    cv::Mat taken;
    cv::dilate(land, taken, Disc(2.0 * street));
    LayOpenLand(ground, ~taken & ~road, world, rng);
    block_of = LayBlocks(ground, land, world, rng);
  }
  std::vector<size_t> homes;
  for (const MultiPolygon& outline : buildings.outlines)
    homes.push_back(HomeOf(outline, ground, block_of, world));
  if (!is_bare) LayParcels(ground, block_of, homes, reach, world);
  return homes;
}

}  // namespace mapweave::synth
