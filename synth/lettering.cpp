// SPDX-License-Identifier: MIT
#include "synth/lettering.h"

#include "synth/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

constexpr double kSmallestPx = 4.0;
constexpr uint64_t kLanguageStream = 0x6c616e6775616765ULL;

// Letters stand upright for the reader.
double Upright(double angle) {
  constexpr double kPi = std::numbers::pi;
  while (angle > kPi / 2) angle -= kPi;
  while (angle < -kPi / 2) angle += kPi;
  return angle;
}

double AngleOf(Point2d d) { return std::atan2(d.y, d.x); }

double DirectionOf(const Ring& outline) {
  return AngleOf(outline[1] - outline[0]);
}

double LengthOf(const std::vector<Point2d>& line) {
  double sum = 0.0;
  for (size_t i = 0; i + 1 < line.size(); ++i)
    sum += Norm(line[i + 1] - line[i]);
  return sum;
}

// The part of a line within `reach` of its vertex `i`, read from left to
// right.
std::vector<Point2d> Stretch(const std::vector<Point2d>& line, size_t i,
                             double reach) {
  size_t from = i;
  size_t to = i;
  for (double s = 0.0; from > 0 && s < reach; --from)
    s += Norm(line[from] - line[from - 1]);
  for (double s = 0.0; to + 1 < line.size() && s < reach; ++to)
    s += Norm(line[to + 1] - line[to]);
  std::vector<Point2d> part(line.begin() + static_cast<std::ptrdiff_t>(from),
                            line.begin() + static_cast<std::ptrdiff_t>(to) + 1);
  if (part.back().x < part.front().x) std::reverse(part.begin(), part.end());
  return part;
}

TextStyle TextStyleOf(LetterRole role, const HandStyle& style) {
  const LetterStyle& l = style.letters[static_cast<size_t>(role)];
  TextStyle text;
  text.typeface = l.typeface;
  text.height_px = std::max(kSmallestPx, style.letter_px * l.size);
  text.spacing = l.spacing;
  text.condense = l.condense;
  text.slant = l.slant;
  text.wobble = style.letter_wobble;
  return text;
}

// Moves a base line so that `height` stands centred on it.
std::vector<Point2d> Lowered(std::vector<Point2d> path, double height) {
  return ParallelLine(path, height * 0.5);
}

class Writer {
 public:
  Writer(const World& world, const LetteringOptions& options, Rng rng)
      : style_(options.style),
        placement_(options.placement),
        scale_(options.placement.Scale()),
        amount_(options.amount),
        language_(LanguageOf(world)),
        sheet_(SheetSize(world, options.placement)),
        rng_(rng) {}

  void NameStreets(const std::vector<WorldStreet>& streets) {
    // Some maps repeat the name, some write each word apart along the street.
    const bool apart = rng_.Chance(0.25);
    for (const WorldStreet& street : streets) {
      const auto line = Placed(street.centreline);
      if (line.size() < 2 || !rng_.Chance(0.6 * amount_)) continue;
      TextStyle text = TextStyleOf(LetterRole::kStreet, style_);
      text.height_px = std::clamp(street.width_px * scale_ * 0.75, kSmallestPx,
                                  text.height_px);
      const double each = std::max(200.0, text.height_px * 40.0);
      const int places =
          1 + static_cast<int>(std::min(11.0, LengthOf(line) / each));
      const std::string name = MakeName(language_, NameKind::kStreet, rng_);
      for (int k = 0; k < places; ++k) {
        const auto i = static_cast<size_t>(
            rng_.Int(0, static_cast<int64_t>(line.size()) - 1));
        TextStyle here = text;
        if (apart) here.spacing += rng_.Uniform(0.2, 1.2);
        AlongLine(name, line, i, LetterRole::kStreet, here);
      }
    }
  }

  void NameBlocks(const std::vector<WorldBlock>& blocks) {
    for (const WorldBlock& block : blocks) {
      const double angle =
          rng_.Chance(0.4) ? Upright(DirectionOf(Placed(block.outline)))
          : rng_.Chance(0.2)
              ? Upright(rng_.Uniform(-std::numbers::pi, std::numbers::pi))
              : 0.0;
      const bool named = block.use != BlockUse::kDwellings || rng_.Chance(0.15);
      if (!named || !rng_.Chance(0.6 * amount_)) continue;
      const bool country = block.use == BlockUse::kField;
      const LetterRole role =
          country ? LetterRole::kField : LetterRole::kPublic;
      const NameKind kind = country ? NameKind::kField : NameKind::kPublic;
      const double h = TextStyleOf(role, style_).height_px;
      const int lines =
          country || rng_.Chance(0.5) ? 1 : static_cast<int>(rng_.Int(1, 3));
      const Point2d middle = placement_.Apply(MeanPoint(block.outline));
      for (int k = 0; k < lines; ++k) {
        const Point2d at = middle + Perp(Unit(angle)) * (h * 1.5 * (k - 0.5));
        Add(LetterStraight(MakeName(language_, kind, rng_), at, angle, role,
                           style_));
      }
    }
  }

  void NameBuildings(const World& world, size_t edition) {
    for (const WorldBuilding& building : world.buildings) {
      if (!building.is_public || building.footprint[edition].empty()) continue;
      if (!rng_.Chance(0.35 * amount_)) continue;
      const Ring shell = Placed(building.footprint[edition][0].shell);
      const Box box = BoundsOf(shell);
      const bool beside = rng_.Chance(0.4);
      const double h = TextStyleOf(LetterRole::kPublic, style_).height_px;
      const Point2d at{MeanPoint(shell).x,
                       beside ? box.max_y + h * 1.4 : MeanPoint(shell).y};
      const double angle =
          !beside && rng_.Chance(0.4) ? Upright(DirectionOf(shell)) : 0.0;
      Add(LetterStraight(MakeName(language_, NameKind::kPublic, rng_), at,
                         angle, LetterRole::kPublic, style_));
    }
  }

  void NameWaters(const std::vector<WorldWater>& waters) {
    for (const WorldWater& water : waters) {
      if (!rng_.Chance(0.7 * amount_)) continue;
      const std::string name = MakeName(language_, NameKind::kWater, rng_);
      TextStyle text = TextStyleOf(LetterRole::kWater, style_);
      if (water.centreline.size() < 2) {
        Add(LetterStraight(name, placement_.Apply(MeanPoint(water.outline)),
                           0.0, LetterRole::kWater, style_));
        continue;
      }
      const auto line = Placed(water.centreline);
      text.height_px = std::clamp(water.width_px * scale_ * 0.45, kSmallestPx,
                                  std::min(20.0, text.height_px * 1.3));
      const int places = 1 + static_cast<int>(LengthOf(line) / 700.0);
      for (int k = 0; k < std::min(places, 20); ++k) {
        const auto i = static_cast<size_t>(
            rng_.Int(0, static_cast<int64_t>(line.size()) - 1));
        AlongLine(name, line, i, LetterRole::kWater, text);
      }
    }
  }

  void NumberParcels(const std::vector<WorldBlock>& blocks) {
    if (!rng_.Chance(0.35)) return;
    const bool level = rng_.Chance(0.4);
    for (const WorldBlock& block : blocks) {
      const double angle =
          level ? 0.0 : Upright(DirectionOf(Placed(block.outline)));
      for (const Ring& parcel : block.parcels) {
        if (!rng_.Chance(0.6 * amount_)) continue;
        Add(LetterStraight(std::to_string(rng_.Int(1, 1240)),
                           placement_.Apply(MeanPoint(parcel)), angle,
                           LetterRole::kNumber, style_));
      }
    }
  }

  void NumberHouses(const World& world, size_t edition) {
    const double building_px = world.options.building_px * scale_;
    if (building_px < 11.0 || !rng_.Chance(0.25)) return;
    for (const WorldBuilding& building : world.buildings) {
      if (building.footprint[edition].empty() || !rng_.Chance(0.6)) continue;
      const Ring shell = Placed(building.footprint[edition][0].shell);
      Lettering number = LetterStraight(
          std::to_string(rng_.Int(1, 99)), MeanPoint(shell),
          Upright(DirectionOf(shell)), LetterRole::kNumber, style_);
      number.style.height_px = std::clamp(building_px * 0.3, kSmallestPx, 10.0);
      Add(std::move(number));
    }
  }

  // Heights, wells, crosses and trigonometric points.
  void MarkPoints() {
    static const std::vector<std::string> kMarks = {"+", "x", "o",  "*", "·",
                                                    "A", "B", "Br", "°"};
    if (!rng_.Chance(0.4)) return;
    const int marks =
        static_cast<int>(amount_ * sheet_.area() * rng_.Uniform() / 2800);
    const bool heights = rng_.Chance(0.4);
    const std::string usual = rng_.Pick(kMarks);
    const int base = static_cast<int>(rng_.Int(2, 700));
    for (int k = 0; k < std::min(marks, 2000); ++k) {
      std::string mark = rng_.Chance(0.8) ? usual : rng_.Pick(kMarks);
      if (heights) {
        mark = std::to_string(base + rng_.Int(0, 30));
        if (rng_.Chance(0.6)) mark += "." + std::to_string(rng_.Int(0, 9));
      }
      Lettering l =
          LetterStraight(mark, Anywhere(), 0.0, LetterRole::kNumber, style_);
      l.style.height_px = std::clamp(l.style.height_px * 0.8, 3.5, 8.0);
      Add(std::move(l));
    }
  }

  // Names of districts in large spaced letters across everything, some on an
  // arc, and names of the country.
  void NameDistricts() {
    const int districts = static_cast<int>(
        amount_ * (sheet_.area() / 400000.0 + rng_.Uniform(0.0, 1.5)));
    for (int k = 0; k < std::min(districts, 60); ++k) {
      const bool country = rng_.Chance(0.3);
      const LetterRole role =
          country ? LetterRole::kField : LetterRole::kDistrict;
      Lettering l = LetterStraight(
          MakeName(language_, country ? NameKind::kField : NameKind::kDistrict,
                   rng_),
          Anywhere(), rng_.Chance(0.5) ? 0.0 : rng_.Normal(0.0, 0.4), role,
          style_);
      if (rng_.Chance(0.4)) Bend(rng_.Normal(0.0, 0.7), l);
      Add(std::move(l));
    }
  }

  std::vector<Lettering> Take() { return std::move(out_); }

 private:
  std::vector<Point2d> Placed(std::vector<Point2d> points) const {
    for (Point2d& p : points) p = placement_.Apply(p);
    return points;
  }

  Point2d Anywhere() {
    const double x = rng_.Uniform(0.0, sheet_.width);
    return {x, rng_.Uniform(0.0, sheet_.height)};
  }

  void AlongLine(const std::string& name, const std::vector<Point2d>& line,
                 size_t i, LetterRole role, const TextStyle& text) {
    Lettering l = LetterStraight(name, line[i], 0.0, role, style_);
    l.style = text;
    const double width = Canvas::TextWidth(l.text, l.style);
    l.path = Lowered(Stretch(line, i, width * 0.55), text.height_px);
    if (l.path.size() < 2) return;
    Add(std::move(l));
  }

  // On an arc of `turn` radians.
  static void Bend(double turn, Lettering& l) {
    if (std::abs(turn) < 0.05) return;
    const Point2d u = Unit(AngleOf(l.path[1] - l.path[0]));
    const double radius = Canvas::TextWidth(l.text, l.style) / turn;
    const Point2d centre = l.middle + Perp(u) * radius;
    l.path.clear();
    constexpr int kSteps = 16;
    for (int i = 0; i <= kSteps; ++i) {
      const double angle = turn * (static_cast<double>(i) / kSteps - 0.5);
      l.path.push_back(centre + u * (radius * std::sin(angle)) -
                       Perp(u) * (radius * std::cos(angle)));
    }
  }

  void Add(Lettering l) {
    l.reach_px = Canvas::TextWidth(l.text, l.style) + l.style.height_px * 2;
    out_.push_back(std::move(l));
  }

  const HandStyle& style_;
  const Placement& placement_;
  double scale_;
  double amount_;
  Language language_;
  cv::Size sheet_;
  Rng rng_;
  std::vector<Lettering> out_;
};

}  // namespace

Language LanguageOf(const World& world) {
  Rng rng(world.options.seed, kLanguageStream);
  return static_cast<Language>(rng.Int(0, kLanguages - 1));
}

Lettering LetterStraight(const std::string& utf8, Point2d middle, double angle,
                         LetterRole role, const HandStyle& style) {
  const bool capitals = style.letters[static_cast<size_t>(role)].capitals;
  Lettering l;
  l.text = Decode(capitals ? Capitals(utf8) : utf8);
  l.style = TextStyleOf(role, style);
  l.colour = role == LetterRole::kWater ? style.water_letter : style.letter;
  l.middle = middle;
  const Point2d base = middle + Perp(Unit(angle)) * (l.style.height_px * 0.5);
  const Point2d reach = Unit(angle) * 0.5;
  l.path = {base - reach, base + reach};
  return l;
}

std::vector<Lettering> MakeLettering(const World& world, size_t edition,
                                     const LetteringOptions& options, Rng rng) {
  if (options.amount <= 0.0) return {};
  Writer writer(world, options, rng);
  writer.NameStreets(world.streets);
  writer.NameBlocks(world.blocks);
  writer.NameBuildings(world, edition);
  writer.NameWaters(world.waters);
  writer.NumberParcels(world.blocks);
  writer.NumberHouses(world, edition);
  writer.MarkPoints();
  writer.NameDistricts();
  return writer.Take();
}

}  // namespace mapweave::synth
