// SPDX-License-Identifier: MIT
//
// How many pseudo-instances are what a person would call a building?
//
// `draw` shows a random sample of each way's instances on one sheet, numbered
// and outlined, and writes a list to be judged by eye: the last column of
// NAME_WAY.csv is to say building, part, several or not. `table` counts the
// verdicts of a folder of such lists. `shapes` compares instances with the
// closed shapes of a line drawing of the same sheet, as the Paris atlas has.
#include "synth/pseudo_instances.h"

#include "core/error.h"
#include "core/random.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace mapweave {
namespace {

namespace fs = std::filesystem;

constexpr int kTilePx = 72;  // of the sheet
constexpr int kZoom = 2;
constexpr int kColumns = 10;
constexpr double kSameShape = 0.5;

struct Options {
  std::string sheet;
  std::string name;
  std::string folder = ".";
  std::string lines;  // the line drawing
  double scale = 1.0;
  int count = 60;
  uint64_t seed = 1;
};

cv::Mat ReadSheet(const std::string& path, double scale) {
  cv::Mat rgb = cv::imread(path, cv::IMREAD_COLOR);
  if (rgb.empty()) {
    throw Error(ErrorCode::kBadInput, fmt::format("cannot read {}", path),
                "give a picture or a GeoTIFF with 8-bit colours");
  }
  if (scale != 1.0) cv::resize(rgb, rgb, {}, scale, scale, cv::INTER_AREA);
  cv::cvtColor(rgb, rgb, cv::COLOR_BGR2RGB);
  return rgb;
}

struct Found {
  std::vector<tracking::Instance> instances;
  double seconds = 0.0;
};

Found Find(const cv::Mat& rgb, const std::string& way) {
  synth::PseudoOptions options;
  options.way = synth::ParsePseudoWay(way);
  const auto started = std::chrono::steady_clock::now();
  Found found{synth::FindPseudoInstances(rgb, {}, options), 0.0};
  found.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started)
          .count();
  return found;
}

// The sheet around an instance, plain on top and outlined below, numbered.
void DrawTile(const cv::Mat& rgb, const tracking::Instance& instance,
              size_t number, cv::Mat tile) {
  const cv::Rect box = instance.mask.Bounds();
  const cv::Point middle = (box.tl() + box.br()) / 2;
  const cv::Rect window(
      std::clamp(middle.x - kTilePx / 2, 0, rgb.cols - kTilePx),
      std::clamp(middle.y - kTilePx / 2, 0, rgb.rows - kTilePx), kTilePx,
      kTilePx);
  cv::Mat large;
  cv::resize(rgb(window), large, {}, kZoom, kZoom, cv::INTER_CUBIC);
  cv::Mat mask = cv::Mat::zeros(window.size(), CV_8UC1);
  instance.mask.Paint(mask, 255, window.tl());
  cv::resize(mask, mask, large.size(), 0, 0, cv::INTER_NEAREST);
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(mask, contours, cv::RETR_EXTERNAL, cv::CHAIN_APPROX_NONE);
  cv::drawContours(large, contours, -1, cv::Scalar(255, 0, 255), 1);
  large.copyTo(tile(cv::Rect({0, 0}, large.size())));
  cv::putText(tile, std::to_string(number), {2, 12}, cv::FONT_HERSHEY_PLAIN,
              0.9, cv::Scalar(0, 90, 255), 1, cv::LINE_AA);
}

void DrawAll(const Options& options) {
  const cv::Mat rgb = ReadSheet(options.sheet, options.scale);
  fs::create_directories(options.folder);
  for (const std::string& way : synth::PseudoWayNames()) {
    const Found found = Find(rgb, way);
    std::vector<size_t> order(found.instances.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    Rng(options.seed).Shuffle(order);
    order.resize(std::min(order.size(), static_cast<size_t>(options.count)));
    const int side = kTilePx * kZoom + 4;
    const int rows = (static_cast<int>(order.size()) + kColumns - 1) / kColumns;
    cv::Mat picture(std::max(1, rows) * side, kColumns * side, CV_8UC3,
                    cv::Scalar::all(40));
    const std::string base =
        (fs::path(options.folder) / (options.name + "_" + way)).string();
    std::ofstream list(base + ".csv");
    list << "index,col,row,area_px,score,verdict\n";
    for (size_t i = 0; i < order.size(); ++i) {
      const tracking::Instance& instance = found.instances[order[i]];
      const cv::Rect box = instance.mask.Bounds();
      list << fmt::format("{},{},{},{},{:.2f},\n", i, box.x, box.y,
                          instance.mask.Area(), instance.score);
      DrawTile(
          rgb, instance, i,
          picture(cv::Rect(static_cast<int>(i) % kColumns * side,
                           static_cast<int>(i) / kColumns * side, side, side)));
    }
    cv::cvtColor(picture, picture, cv::COLOR_RGB2BGR);
    cv::imwrite(base + ".png", picture);
    fmt::print("{} {}: {} instances, {:.1f} s\n", options.name, way,
               found.instances.size(), found.seconds);
  }
}

void Table(const Options& options) {
  fmt::print(
      "| sheet, way | judged | building | part | several | not | precision |\n"
      "|---|---|---|---|---|---|---|\n");
  std::vector<fs::path> lists;
  for (const auto& entry : fs::directory_iterator(options.folder))
    if (entry.path().extension() == ".csv") lists.push_back(entry.path());
  std::ranges::sort(lists);
  for (const fs::path& path : lists) {
    std::ifstream in(path);
    std::string line;
    std::map<std::string, int> verdicts;
    int all = 0;
    std::getline(in, line);
    while (std::getline(in, line)) {
      ++verdicts[line.substr(line.rfind(',') + 1)];
      ++all;
    }
    if (verdicts.count("") != 0 || all == 0) {
      throw Error(ErrorCode::kBadInput,
                  fmt::format("{} is not judged to its end", path.string()),
                  "fill the last column: building, part, several or not");
    }
    fmt::print("| {} | {} | {} | {} | {} | {} | {:.2f} |\n",
               path.stem().string(), all, verdicts["building"],
               verdicts["part"], verdicts["several"], verdicts["not"],
               static_cast<double>(verdicts["building"]) / all);
  }
}

// Closed shapes: what the lines leave, 4-connected, without the largest.
void Shapes(const Options& options) {
  const cv::Mat rgb = ReadSheet(options.sheet, options.scale);
  cv::Mat lines = cv::imread(options.lines, cv::IMREAD_GRAYSCALE);
  if (lines.empty()) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("cannot read {}", options.lines), "");
  }
  cv::Mat labels;
  const int n = cv::connectedComponents(lines == 0, labels, 4);
  std::vector<int> sizes(static_cast<size_t>(n), 0);
  cv::Mat nearest(rgb.size(), CV_32SC1);
  const double step_x = static_cast<double>(lines.cols) / rgb.cols;
  const double step_y = static_cast<double>(lines.rows) / rgb.rows;
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const int k = labels.at<int>(static_cast<int>((y + 0.5) * step_y),
                                   static_cast<int>((x + 0.5) * step_x));
      nearest.at<int>(y, x) = k;
      ++sizes[static_cast<size_t>(k)];
    }
  }
  fmt::print(
      "| way | instances | within one closed shape, IoU 0.5 |\n"
      "|---|---|---|\n");
  for (const std::string& way : synth::PseudoWayNames()) {
    const Found found = Find(rgb, way);
    int same = 0;
    for (const tracking::Instance& instance : found.instances) {
      std::map<int, int64_t> shared;
      for (const tracking::Run& run : instance.mask.Runs())
        for (int x = run.begin; x < run.end; ++x)
          ++shared[nearest.at<int>(run.row, x)];
      same += std::ranges::any_of(shared, [&](const auto& shape) {
        return shape.first != 0 &&
               static_cast<double>(shape.second) >=
                   kSameShape * static_cast<double>(
                                    instance.mask.Area() +
                                    sizes[static_cast<size_t>(shape.first)] -
                                    shape.second);
      });
    }
    fmt::print("| {} | {} | {} |\n", way, found.instances.size(), same);
  }
}

}  // namespace
}  // namespace mapweave

int main(int argc, char** argv) {
  mapweave::Options options;
  CLI::App app("Precision of pseudo-instances");
  app.require_subcommand(1);
  CLI::App* draw = app.add_subcommand("draw", "Samples to be judged");
  CLI::App* table = app.add_subcommand("table", "Counts of the verdicts");
  CLI::App* shapes = app.add_subcommand("shapes", "Against a line drawing");
  for (CLI::App* command : {draw, shapes}) {
    command->add_option("sheet", options.sheet)->required();
    command->add_option("--scale", options.scale, "Resize the sheet by this")
        ->capture_default_str();
  }
  draw->add_option("--name", options.name, "Start of the files' names")
      ->required();
  draw->add_option("--count", options.count)->capture_default_str();
  draw->add_option("--seed", options.seed)->capture_default_str();
  draw->add_option("-o,--output", options.folder, "Folder")->required();
  table->add_option("folder", options.folder, "Of judged lists")->required();
  shapes->add_option("lines", options.lines, "Lines in white on black")
      ->required();
  CLI11_PARSE(app, argc, argv);
  try {
    if (draw->parsed()) mapweave::DrawAll(options);
    if (table->parsed()) mapweave::Table(options);
    if (shapes->parsed()) mapweave::Shapes(options);
  } catch (const mapweave::Error& error) {
    std::fprintf(stderr, "%s\n%s\n", error.what(), error.Hint().c_str());
    return static_cast<int>(error.Code());
  }
  return 0;
}
