// SPDX-License-Identifier: MIT
#include "synth/lettering.h"

#include "synth/shapes.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

constexpr double kSmallestPx = 4.0;

// Letters stand upright for the reader.
double Upright(double angle) {
  constexpr double kPi = std::numbers::pi;
  while (angle > kPi / 2) angle -= kPi;
  while (angle < -kPi / 2) angle += kPi;
  return angle;
}

double DirectionOf(const Ring& outline) {
  const Point2d d = outline[1] - outline[0];
  return std::atan2(d.y, d.x);
}

double LengthOf(const std::vector<Point2d>& line) {
  double sum = 0.0;
  for (size_t i = 0; i + 1 < line.size(); ++i)
    sum += Norm(line[i + 1] - line[i]);
  return sum;
}

class Writer {
 public:
  Writer(const LetteringOptions& options, Rng rng)
      : style_(options.style),
        placement_(options.placement),
        scale_(options.placement.Scale()),
        amount_(options.amount),
        rng_(rng) {}

  void NameStreets(const std::vector<WorldStreet>& streets) {
    static const std::vector<std::string> kKinds = {
        "Rue de ", "Rue ", "Str. ", "Via ", "Boulevard ", "Quai ", "Calle "};
    const std::string& kind = rng_.Pick(kKinds);
    const double spacing = rng_.Uniform(0.0, 0.5);
    for (const WorldStreet& street : streets) {
      const auto line = Placed(street.centreline);
      if (line.size() < 2 || !rng_.Chance(0.55 * amount_)) continue;
      const double height =
          std::min(style_.letter_px,
                   std::max(kSmallestPx, street.width_px * scale_ * 0.8));
      const double apart = std::max(200.0, height * 60.0);
      const int places =
          1 + static_cast<int>(std::min(11.0, LengthOf(line) / apart));
      for (int k = 0; k < places; ++k) {
        const auto i = static_cast<size_t>(
            rng_.Int(0, static_cast<int64_t>(line.size()) - 2));
        const Point2d d = line[i + 1] - line[i];
        const double angle = Upright(std::atan2(d.y, d.x));
        Add(kind + Title(Word(2, 3)),
            line[i] + d * rng_.Uniform() + Perp(Unit(angle)) * (height * 0.4),
            height, angle, spacing, style_.font);
      }
    }
  }

  void NameBlocks(const std::vector<WorldBlock>& blocks) {
    const double h = style_.letter_px;
    for (const WorldBlock& block : blocks) {
      const double angle =
          rng_.Chance(0.6) ? Upright(DirectionOf(Placed(block.outline))) : 0.0;
      const bool named = block.use != BlockUse::kDwellings || rng_.Chance(0.15);
      if (!named || !rng_.Chance(0.55 * amount_)) continue;
      const int lines = static_cast<int>(rng_.Int(1, 3));
      for (int k = 0; k < lines; ++k) {
        Add(Capitals(Word(2, 4)),
            placement_.Apply(MeanPoint(block.outline)) +
                Perp(Unit(angle)) * (h * 1.5 * (k - 1)),
            h * rng_.Uniform(0.7, 1.1), angle, rng_.Uniform(0.0, 0.4),
            style_.font);
      }
    }
  }

  void NumberParcels(const std::vector<WorldBlock>& blocks) {
    if (!rng_.Chance(0.3)) return;
    for (const WorldBlock& block : blocks) {
      const double angle = Upright(DirectionOf(Placed(block.outline)));
      for (const Ring& parcel : block.parcels) {
        if (!rng_.Chance(0.6 * amount_)) continue;
        Add(std::to_string(rng_.Int(1, 240)),
            placement_.Apply(MeanPoint(parcel)),
            std::max(kSmallestPx, style_.letter_px * 0.65), angle, 0.0,
            cv::FONT_HERSHEY_SIMPLEX);
      }
    }
  }

  void NumberHouses(const World& world, size_t edition) {
    const double building_px = world.options.building_px * scale_;
    if (building_px < 12.0 || !rng_.Chance(0.25)) return;
    const double height = std::clamp(building_px * 0.28, kSmallestPx, 9.0);
    for (const WorldBuilding& building : world.buildings) {
      if (building.footprint[edition].empty() || !rng_.Chance(0.6)) continue;
      const Ring shell = Placed(building.footprint[edition][0].shell);
      Add(std::to_string(rng_.Int(1, 99)),
          MeanPoint(shell) + Point2d{0.0, height / 2}, height,
          Upright(DirectionOf(shell)), 0.0, cv::FONT_HERSHEY_SIMPLEX);
    }
  }

  // Wells, crosses, heights and trigonometric points.
  void MarkPoints(cv::Size sheet) {
    static const std::vector<std::string> kMarks = {"+", "x", "o",  "*",
                                                    ".", "A", "12", "7.4"};
    if (!rng_.Chance(0.35)) return;
    const double area = sheet.area();
    const int marks = static_cast<int>(amount_ * area * rng_.Uniform() / 2500);
    const std::string& usual = rng_.Pick(kMarks);
    for (int k = 0; k < std::min(marks, 2000); ++k) {
      const Point2d at{rng_.Uniform(0.0, sheet.width),
                       rng_.Uniform(0.0, sheet.height)};
      Add(rng_.Chance(0.7) ? usual : rng_.Pick(kMarks), at,
          rng_.Uniform(3.0, 6.0), 0.0, 0.0, cv::FONT_HERSHEY_SIMPLEX);
    }
  }

  // Names of districts in large spaced capitals across everything.
  void NameDistricts(cv::Size sheet) {
    const double area = sheet.area();
    const int districts =
        static_cast<int>(amount_ * (area / 500000.0 + rng_.Uniform(0.0, 1.3)));
    for (int k = 0; k < std::min(districts, 60); ++k) {
      const Point2d at{rng_.Uniform(0.0, sheet.width),
                       rng_.Uniform(0.0, sheet.height)};
      Add(Capitals(Word(2, 4)), at, style_.letter_px * rng_.Uniform(1.4, 3.2),
          rng_.Normal(0.0, 0.3), rng_.Uniform(0.2, 2.5), style_.font);
    }
  }

  std::vector<Lettering> Take() { return std::move(out_); }

 private:
  std::vector<Point2d> Placed(std::vector<Point2d> points) const {
    for (Point2d& p : points) p = placement_.Apply(p);
    return points;
  }

  std::string Word(int least, int most) {
    return MakeWord(rng_, static_cast<int>(rng_.Int(least, most)));
  }

  void Add(std::string text, Point2d at, double height, double angle,
           double spacing, int font) {
    Lettering l;
    l.style = {font, height, angle, spacing, 1.0, style_.bold};
    l.reach_px = Canvas::TextWidth(text, l.style) / 2 + height;
    l.text = std::move(text);
    l.at = at;
    out_.push_back(std::move(l));
  }

  const HandStyle& style_;
  const Placement& placement_;
  double scale_;
  double amount_;
  Rng rng_;
  std::vector<Lettering> out_;
};

}  // namespace

std::string MakeWord(Rng& rng, int syllables) {
  static const std::vector<std::string> kParts = {
      "ma",  "rin", "to",  "la", "ber", "na",  "so",  "vil", "de", "char",
      "les", "mon", "sai", "ba", "kur", "an",  "hof", "lin", "os", "tra",
      "pe",  "gu",  "ro",  "ni", "el",  "dou", "tan", "mi",  "qu", "fer"};
  std::string word;
  for (int i = 0; i < syllables; ++i) word += rng.Pick(kParts);
  return word;
}

std::string Capitals(std::string word) {
  for (char& c : word)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return word;
}

std::string Title(std::string word) {
  if (!word.empty()) {
    word[0] =
        static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  }
  return word;
}

std::vector<Lettering> MakeLettering(const World& world, size_t edition,
                                     const LetteringOptions& options, Rng rng) {
  if (options.amount <= 0.0) return {};
  Writer writer(options, rng);
  const cv::Size sheet = SheetSize(world, options.placement);
  writer.NameStreets(world.streets);
  writer.NameBlocks(world.blocks);
  writer.NumberParcels(world.blocks);
  writer.NumberHouses(world, edition);
  writer.MarkPoints(sheet);
  writer.NameDistricts(sheet);
  return writer.Take();
}

}  // namespace mapweave::synth
