// SPDX-License-Identifier: MIT
#include "synth/video_look.h"

#include "synth/canvas.h"
#include "synth/toponyms.h"
#include "synth/typeface.h"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mapweave::synth {
namespace {

// Soft assignment of a colour to the palette's, in L*a*b* units.
constexpr double kSoftness = 7.0;
// A colour this close to the line from paper to ink is a mixture of them.
constexpr double kMixture = 9.0;
// Fills keep at least this share of their distance to paper and each other.
constexpr double kKeepApart = 0.5;
constexpr int kStamps = 48;
constexpr int kStampPx = 168;
constexpr int kNoisePx = 256;

cv::Vec3f RgbFromLab(const cv::Vec3f& lab) {
  cv::Mat pixel(1, 1, CV_32FC3, cv::Scalar(lab[0], lab[1], lab[2]));
  cv::cvtColor(pixel, pixel, cv::COLOR_Lab2RGB);
  return pixel.at<cv::Vec3f>(0, 0) * 255.0f;
}

// Standard normal times 16, always the same.
const cv::Mat& NoiseTile() {
  static const cv::Mat tile = [] {
    cv::Mat noise(kNoisePx, kNoisePx, CV_8SC1);
    Rng rng(0x6e6f697365ULL);
    for (int y = 0; y < kNoisePx; ++y)
      for (int x = 0; x < kNoisePx; ++x)
        noise.at<int8_t>(y, x) = cv::saturate_cast<int8_t>(rng.Normal() * 16.0);
    return noise;
  }();
  return tile;
}

void AddNoise(double sigma, Rng& rng, cv::Mat& rgb) {
  const cv::Mat& tile = NoiseTile();
  const int ox = static_cast<int>(rng.Int(0, kNoisePx - 1));
  const int oy = static_cast<int>(rng.Int(0, kNoisePx - 1));
  const int amount = static_cast<int>(std::lround(sigma * 16.0));
  for (int y = 0; y < rgb.rows; ++y) {
    auto* row = rgb.ptr<cv::Vec3b>(y);
    const auto* grey = tile.ptr<int8_t>((y + oy) % kNoisePx);
    const auto* tint = tile.ptr<int8_t>((y + oy + 101) % kNoisePx);
    for (int x = 0; x < rgb.cols; ++x) {
      const int g = grey[(x + ox) % kNoisePx];
      const int t = tint[(x + ox) % kNoisePx];
      const int shifts[] = {g + t / 3, g, g - t / 3};
      for (int c = 0; c < 3; ++c)
        row[x][c] =
            cv::saturate_cast<uint8_t>(row[x][c] + ((shifts[c] * amount) >> 8));
    }
  }
}

// Thicker or thinner by a part of a pixel.
void ChangeLines(double line, cv::Mat& rgb) {
  cv::Mat moved;
  const cv::Mat cross = cv::getStructuringElement(cv::MORPH_CROSS, {3, 3});
  if (line > 0.0) {
    cv::erode(rgb, moved, cross);
  } else {
    cv::dilate(rgb, moved, cross);
  }
  cv::addWeighted(rgb, 1.0 - std::abs(line), moved, std::abs(line), 0.0, rgb);
}

// Gain and offset per channel, with light that changes over the frame.
void ChangeLight(const FrameLook& look, Rng& rng, cv::Mat& rgb) {
  const double angle = rng.Uniform(0.0, 2.0 * std::numbers::pi);
  const double gx = std::cos(angle) * look.uneven / rgb.cols;
  const double gy = std::sin(angle) * look.uneven / rgb.rows;
  std::array<std::array<float, 256>, 3> table;
  for (size_t c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) {
      table[c][static_cast<size_t>(v)] = static_cast<float>(
          ((v - 128.0) * look.contrast + 128.0 + look.brightness) *
          static_cast<double>(look.cast[static_cast<int>(c)]));
    }
  }
  for (int y = 0; y < rgb.rows; ++y) {
    auto* row = rgb.ptr<cv::Vec3b>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const auto light = static_cast<float>(gx * (x - rgb.cols / 2.0) +
                                            gy * (y - rgb.rows / 2.0));
      for (int c = 0; c < 3; ++c)
        row[x][c] = cv::saturate_cast<uint8_t>(
            table[static_cast<size_t>(c)][row[x][c]] + light);
    }
  }
}

}  // namespace

ColourField::ColourField(const Palette& palette) : paper_(palette.paper) {
  cv::Vec3f ink_lab(100.0f, 0.0f, 0.0f);
  for (size_t k = 0; k < palette.Size(); ++k) {
    colours_.push_back(RgbFromLab(palette.colours[k]));
    if (palette.colours[k][0] < ink_lab[0]) ink_lab = palette.colours[k];
  }
  ink_ = RgbFromLab(ink_lab);
  const cv::Vec3f axis = ink_lab - palette.colours[paper_];
  const double length = std::max(1e-6, static_cast<double>(axis.dot(axis)));
  for (const cv::Vec3f& lab : palette.colours) {
    const cv::Vec3f from_paper = lab - palette.colours[paper_];
    const double t = std::clamp(
        static_cast<double>(from_paper.dot(axis)) / length, 0.0, 1.0);
    const cv::Vec3f foot =
        palette.colours[paper_] + axis * static_cast<float>(t);
    ink_share_.push_back(ColourDistance(lab, foot) < kMixture ? t : -1.0);
  }
  cells_.resize(kCells);
  cv::Mat middles(1, static_cast<int>(kCells), CV_8UC3);
  for (size_t i = 0; i < kCells; ++i) {
    const auto level = [&](size_t shift) {
      return static_cast<uint8_t>(((i >> shift) & 31U) * 8 + 4);
    };
    middles.at<cv::Vec3b>(static_cast<int>(i)) = {level(10), level(5),
                                                  level(0)};
  }
  const cv::Mat labs = LabFromRgb(middles);
  for (size_t i = 0; i < kCells; ++i) {
    const auto& lab = labs.at<cv::Vec3f>(static_cast<int>(i));
    std::vector<std::pair<double, uint8_t>> near;
    for (size_t k = 0; k < palette.Size(); ++k) {
      near.emplace_back(ColourDistance(lab, palette.colours[k]),
                        static_cast<uint8_t>(k));
    }
    std::ranges::sort(near);
    double sum = 0.0;
    for (size_t j = 0; j < std::min<size_t>(3, near.size()); ++j) {
      const double d = near[j].first - near[0].first;
      const double w = std::exp(-d * (near[j].first + near[0].first) /
                                (2.0 * kSoftness * kSoftness));
      cells_[i].colour[j] = near[j].second;
      cells_[i].weight[j] = static_cast<float>(w);
      sum += w;
    }
    for (float& w : cells_[i].weight) w /= static_cast<float>(sum);
  }
}

std::vector<cv::Vec3f> ColourField::DrawColours(const ColourField& other,
                                                Rng& rng) const {
  const auto blend = [](const cv::Vec3f& a, const cv::Vec3f& b, double t) {
    return a + (b - a) * static_cast<float>(t);
  };
  const cv::Vec3f paper = blend(Paper(), other.Paper(), rng.Uniform(0.4, 1.0));
  const cv::Vec3f ink = blend(Ink(), other.Ink(), rng.Uniform(0.2, 1.0));
  std::vector<cv::Vec3f> foreign;
  for (size_t k = 0; k < other.colours_.size(); ++k)
    if (other.ink_share_[k] < 0.0) foreign.push_back(other.colours_[k]);
  const double strangeness = rng.Uniform(0.0, 1.0);
  const int turn = rng.Chance(0.3) ? static_cast<int>(rng.Int(1, 2)) : 0;
  std::vector<cv::Vec3f> drawn;
  for (size_t k = 0; k < colours_.size(); ++k) {
    if (ink_share_[k] >= 0.0) {
      drawn.push_back(blend(paper, ink, ink_share_[k]));
      continue;
    }
    const cv::Vec3f kept = colours_[k] + (paper - Paper());
    cv::Vec3f colour = kept;
    if (!foreign.empty())
      colour = blend(kept, rng.Pick(foreign), strangeness * rng.Uniform());
    colour = {colour[turn], colour[(turn + 1) % 3], colour[(turn + 2) % 3]};
    const double apart = cv::norm(colour - paper);
    if (apart < kKeepApart * cv::norm(colours_[k] - Paper())) colour = kept;
    for (size_t j = 0; j < k; ++j) {
      if (ink_share_[j] < 0.0 &&
          cv::norm(colour - drawn[j]) <
              kKeepApart * cv::norm(colours_[k] - colours_[j])) {
        colour = kept;
      }
    }
    drawn.push_back(colour);
  }
  return drawn;
}

void ColourField::Apply(const std::vector<cv::Vec3f>& colours,
                        cv::Mat& rgb) const {
  std::vector<cv::Vec3f> moves;
  for (size_t k = 0; k < colours_.size(); ++k)
    moves.push_back(colours[k] - colours_[k]);
  for (int y = 0; y < rgb.rows; ++y) {
    auto* row = rgb.ptr<cv::Vec3b>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const size_t i = (static_cast<size_t>(row[x][0] >> 3) << 10) |
                       (static_cast<size_t>(row[x][1] >> 3) << 5) |
                       static_cast<size_t>(row[x][2] >> 3);
      const Cell& cell = cells_[i];
      cv::Vec3f move(0, 0, 0);
      for (size_t j = 0; j < 3; ++j)
        move += moves[cell.colour[j]] * cell.weight[j];
      for (int c = 0; c < 3; ++c)
        row[x][c] =
            cv::saturate_cast<uint8_t>(static_cast<float>(row[x][c]) + move[c]);
    }
  }
}

void RestyleBuildings(FillStyle style, const ColourField& field,
                      const cv::Mat& labels, Rng& rng, cv::Mat& rgb) {
  if (style == FillStyle::kAsDrawn) return;
  const auto mix = [&](double t) {
    return field.Paper() +
           (field.Ink() - field.Paper()) * static_cast<float>(t);
  };
  const cv::Vec3f ink = mix(rng.Uniform(0.75, 1.0));
  const cv::Vec3f light = mix(rng.Uniform(0.0, 0.15));
  const cv::Vec3f solid = mix(rng.Uniform(0.45, 1.0));
  const double angle = rng.Uniform(0.0, std::numbers::pi);
  const double spacing = rng.Uniform(2.6, 4.5);
  const double share = rng.Uniform(0.3, 0.5);
  for (int y = 1; y + 1 < labels.rows; ++y) {
    for (int x = 1; x + 1 < labels.cols; ++x) {
      const uint16_t k = labels.at<uint16_t>(y, x);
      if (k == 0) continue;
      const bool rim = labels.at<uint16_t>(y, x - 1) != k ||
                       labels.at<uint16_t>(y, x + 1) != k ||
                       labels.at<uint16_t>(y - 1, x) != k ||
                       labels.at<uint16_t>(y + 1, x) != k;
      const double phase =
          (x * std::cos(angle) + y * std::sin(angle)) / spacing;
      cv::Vec3f colour = light;
      if (style == FillStyle::kSolid) colour = solid;
      if (style == FillStyle::kHatched && phase - std::floor(phase) < share)
        colour = ink;
      if (rim) colour = ink;
      for (int c = 0; c < 3; ++c)
        rgb.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uint8_t>(colour[c]);
    }
  }
}

FrameLook DrawFrameLook(double amount, Rng& rng) {
  FrameLook look;
  if (rng.Chance(0.5 * amount)) look.line = rng.Uniform(-0.5, 0.7) * amount;
  if (rng.Chance(0.6)) look.blur_px = rng.Uniform(0.0, 0.9) * amount;
  look.contrast = 1.0 + rng.Uniform(-0.3, 0.15) * amount;
  look.brightness = rng.Uniform(-14.0, 14.0) * amount;
  for (int c = 0; c < 3; ++c)
    look.cast[c] = static_cast<float>(1.0 + rng.Uniform(-0.05, 0.05) * amount);
  look.uneven = rng.Uniform(0.0, 16.0) * amount;
  look.noise = 0.6 + rng.Uniform(0.0, 3.0) * amount;
  if (rng.Chance(0.6 * amount))
    look.jpeg_quality = static_cast<int>(rng.Int(55, 95));
  return look;
}

void ApplyLook(const FrameLook& look, Rng& rng, cv::Mat& rgb) {
  if (look.line != 0.0) ChangeLines(look.line, rgb);
  if (look.blur_px > 0.2) cv::GaussianBlur(rgb, rgb, {5, 5}, look.blur_px);
  ChangeLight(look, rng, rgb);
  AddNoise(look.noise, rng, rgb);
  if (look.jpeg_quality > 0) {
    std::vector<uint8_t> bytes;
    // The order of the channels swaps the weights of red and blue, no more.
    cv::imencode(".jpg", rgb, bytes,
                 {cv::IMWRITE_JPEG_QUALITY, look.jpeg_quality});
    cv::imdecode(bytes, cv::IMREAD_COLOR, &rgb);
  }
}

LetteringStock::LetteringStock(uint64_t seed) {
  for (int i = 0; i < kStamps; ++i) {
    Rng rng = Rng(seed).Fork(static_cast<uint64_t>(i));
    Canvas canvas({0, 0, kStampPx, kStampPx}, {255, 255, 255});
    TextStyle style;
    style.typeface = static_cast<Typeface>(rng.Int(0, kTypefaces - 1));
    style.height_px = std::exp(rng.Uniform(std::log(4.0), std::log(15.0)));
    style.spacing = rng.Chance(0.3) ? rng.Uniform(0.2, 1.2) : 0.05;
    style.condense = rng.Uniform(0.75, 1.1);
    style.wobble = rng.Chance(0.2) ? rng.Uniform(0.2, 1.0) : 0.0;
    std::string name =
        MakeName(static_cast<Language>(rng.Int(0, kLanguages - 1)),
                 static_cast<NameKind>(rng.Int(0, 5)), rng);
    if (rng.Chance(0.4)) name = Capitals(name);
    const double angle = rng.Chance(0.5)
                             ? rng.Uniform(-0.2, 0.2)
                             : rng.Uniform(0.0, 2.0 * std::numbers::pi);
    const double half = kStampPx * 0.45;
    const double middle = kStampPx / 2.0;
    canvas.Text(
        Decode(name),
        {{middle - half * std::cos(angle), middle - half * std::sin(angle)},
         {middle + half * std::cos(angle), middle + half * std::sin(angle)}},
        style, {0, 0, 0});
    cv::Mat grey;
    cv::cvtColor(canvas.Finish(), grey, cv::COLOR_RGB2GRAY);
    stamps_.push_back(255 - grey);
  }
}

void LetteringStock::Print(const cv::Vec3f& ink, Rng& rng, cv::Mat& rgb) const {
  const int words = static_cast<int>(rng.Int(1, 3));
  for (int i = 0; i < words; ++i) {
    const cv::Mat& stamp = rng.Pick(stamps_);
    const cv::Point at(
        static_cast<int>(rng.Int(0, rgb.cols - 1)) - kStampPx / 2,
        static_cast<int>(rng.Int(0, rgb.rows - 1)) - kStampPx / 2);
    const cv::Rect there =
        cv::Rect(at, stamp.size()) & cv::Rect({0, 0}, rgb.size());
    for (int y = there.y; y < there.br().y; ++y) {
      const uint8_t* alpha = stamp.ptr(y - at.y);
      auto* row = rgb.ptr<cv::Vec3b>(y);
      for (int x = there.x; x < there.br().x; ++x) {
        const float a = static_cast<float>(alpha[x - at.x]) / 255.0f;
        if (a <= 0.0f) continue;
        for (int c = 0; c < 3; ++c)
          row[x][c] = cv::saturate_cast<uint8_t>(
              static_cast<float>(row[x][c]) * (1.0f - a) + ink[c] * a);
      }
    }
  }
}

}  // namespace mapweave::synth
