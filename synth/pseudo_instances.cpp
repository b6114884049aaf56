// SPDX-License-Identifier: MIT
#include "synth/pseudo_instances.h"

#include "core/error.h"
#include "synth/pseudo_candidates.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

namespace mapweave::synth {
namespace {

constexpr std::array<std::pair<PseudoWay, const char*>, 4> kWays = {{
    {PseudoWay::kPalette, "palette"},
    {PseudoWay::kFaces, "faces"},
    {PseudoWay::kFeatures, "features"},
    {PseudoWay::kAgreement, "agreement"},
}};

void Require(bool condition, const char* name, double value,
             const char* range) {
  if (condition) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("the pseudo-instance option {} is {}", name, value),
              fmt::format("set it to {}", range));
}

}  // namespace

const char* PseudoWayName(PseudoWay way) {
  for (const auto& [value, name] : kWays)
    if (value == way) return name;
  return "";
}

PseudoWay ParsePseudoWay(const std::string& name) {
  for (const auto& [value, text] : kWays)
    if (name == text) return value;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("there is no way \"{}\" to find pseudo-instances", name),
      fmt::format("use one of {}", fmt::join(PseudoWayNames(), ", ")));
}

std::vector<std::string> PseudoWayNames() {
  std::vector<std::string> names;
  for (const auto& [value, name] : kWays) names.emplace_back(name);
  return names;
}

void PseudoOptions::Validate() const {
  Require(min_area_px >= 9, "min_area_px", min_area_px, "at least 9");
  Require(max_area_px > min_area_px, "max_area_px", max_area_px,
          "more than min_area_px");
  Require(min_solidity >= 0.0 && min_solidity <= 1.0, "min_solidity",
          min_solidity, "0 to 1");
  Require(min_thickness_px >= 0.0, "min_thickness_px", min_thickness_px,
          "0 or more");
  Require(min_contrast >= 0.0 && min_contrast <= 100.0, "min_contrast",
          min_contrast, "0 to 100");
  Require(min_score >= 0.0 && min_score < 1.0, "min_score", min_score,
          "at least 0 and below 1");
}

std::vector<tracking::Instance> FindPseudoInstances(
    const cv::Mat& rgb, const cv::Mat& coverage, const PseudoOptions& options) {
  options.Validate();
  MAPWEAVE_CHECK(rgb.type() == CV_8UC3);
  MAPWEAVE_CHECK(coverage.empty() || coverage.size() == rgb.size());
  const SheetView view = MakeSheetView(rgb, coverage, options.seed);
  switch (options.way) {
    case PseudoWay::kPalette:
      return ResolveCandidates(PaletteCandidates(view, options));
    case PseudoWay::kFaces:
      return ResolveCandidates(FaceCandidates(view, options));
    case PseudoWay::kFeatures:
      return ResolveCandidates(FeatureCandidates(view, options));
    case PseudoWay::kAgreement: {
      std::vector<Candidate> faces = FaceCandidates(view, options);
      std::vector<Candidate> kin = KinOfFaces(view, faces, options);
      faces.insert(faces.end(), kin.begin(), kin.end());
      return ResolveCandidates(std::move(faces));
    }
  }
  return {};
}

}  // namespace mapweave::synth
