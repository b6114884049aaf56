// SPDX-License-Identifier: MIT
#include "pipelines/ssl.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/line_chart.h"
#include "core/random.h"
#include "db/store.h"
#include "pipelines/digest.h"
#include "pipelines/image_inputs.h"
#include "pipelines/ssl_records.h"
#include "synth/render.h"
#include "synth/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numbers>

namespace mapweave::pipelines {
namespace {

// Streams of a set's seed, apart from those of other generated sets.
constexpr uint64_t kTownStream = 0x74696c652d746f77ULL;
constexpr uint64_t kCutStream = 0x74696c652d637574ULL;
// Keeps probe tiles apart from those that were trained on.
constexpr uint64_t kTestSeed = 0x73736c2d74657374ULL;
constexpr int64_t kSteps = 4;

// A panel for each measure, in the order of their names.
std::string CurvesSvg(const ssl::PretrainReport& report,
                      const std::string& method) {
  std::map<std::string, std::vector<Point2d>> curves;
  for (const ssl::Measure& measure : report.measures) {
    curves[measure.name].push_back(
        {static_cast<double>(measure.step), measure.value});
  }
  LineChart chart{method, "step", {}};
  for (const auto& [name, points] : curves) {
    chart.panels.push_back({name, {{name, points}}});
  }
  return ToSvg(chart);
}

std::string Sized(const cv::Mat& image) {
  return fmt::format("{} x {} px", image.cols, image.rows);
}

// What the tiles were cut from, for the record.
Json DataOf(const SslPretrainOptions& options) {
  Json data = {{"tiles", options.tiles.count},
               {"tile_px", options.tiles.side_px},
               {"seed", options.tiles.seed}};
  if (options.sheets.empty()) {
    data["source"] = "simulated towns";
    data["factor"] =
        TileFactorNames()[static_cast<size_t>(options.tiles.label)];
  } else {
    data["source"] = options.sheets;
    data["downsample"] = options.reading.downsample;
  }
  return data;
}

void SavePretraining(const SslPretrainOptions& options,
                     const SslPretrainReport& report) {
  db::Store store = OpenResults(options.project);
  db::Transaction transaction = store.Begin();
  Json config = report.result.config;
  config["data"] = DataOf(options);
  db::ModelRow model;
  model.sha256 = report.checkpoint_sha256;
  model.name = options.training.encoder;
  model.path = report.checkpoint;
  model.method = options.training.method;
  model.config = config.dump();
  store.SaveModel(model);
  db::ExperimentRow row;
  row.experiment = "pretrain " + report.checkpoint_sha256.substr(0, 12);
  row.method = options.training.method;
  row.hyper_parameters = model.config;
  row.model_sha256 = model.sha256;
  SaveMeasures(store, row, report.result.measures);
  transaction.Commit();
  store.Close();
}

// The probed weights as a row of `model`: of a file its digest, of random ones
// that of what makes them.
db::ModelRow ProbedModel(const SslProbeOptions& options,
                         const ssl::ProbeReport& report) {
  db::ModelRow model;
  model.name = report.encoder;
  model.path = options.probe.checkpoint;
  if (model.path.empty()) {
    const Json made = {{"encoder", report.encoder},
                       {"weights", "random"},
                       {"image_px", options.tiles.side_px},
                       {"seed", options.probe.seed}};
    model.config = made.dump();
    model.sha256 = Sha256(model.config);
    return model;
  }
  model.sha256 = Sha256OfFile(model.path);
  const Json training = ssl::DescribeEncoder(model.path).training;
  model.config = training.dump();
  if (training.is_object() && training.contains("method") &&
      training["method"].is_string()) {
    model.method = training["method"].get<std::string>();
  }
  return model;
}

void SaveProbe(const SslProbeOptions& options, const ssl::ProbeReport& report) {
  // Raised when the tiles of a seed change.
  constexpr int64_t kTileVersion = 1;
  const std::string& factor =
      TileFactorNames()[static_cast<size_t>(options.tiles.label)];
  const std::string name = fmt::format(
      "probe {}, {} tiles of {} px, seed {}", factor, options.tiles.count,
      options.tiles.side_px, options.tiles.seed);
  db::Store store = OpenResults(options.project);
  db::Transaction transaction = store.Begin();
  const db::ModelRow model = ProbedModel(options, report);
  SaveModelOnce(store, model);
  db::ExperimentRow row;
  row.experiment = fmt::format("{}, {}", name, model.sha256.substr(0, 12));
  row.method = "probe";
  row.hyper_parameters = Json{
      {"factor", factor},
      {"encoder", report.encoder},
      {"tiles", report.train_images},
      {"test_tiles", report.test_images},
      {"tile_px", options.tiles.side_px},
      {"seed",
       options.tiles.seed}}.dump();
  row.model_sha256 = model.sha256;
  SaveMeasures(store, row,
               {{0, "linear_accuracy", report.linear_accuracy},
                {0, "knn_accuracy", report.knn_accuracy}});
  if (report.rankme > 0.0)
    SaveMeasures(store, row, {{0, "rankme", report.rankme}});
  std::vector<db::EvaluationRow> rows;
  for (size_t i = 0; i < report.answers.size(); ++i) {
    const ssl::ProbeAnswer& answer = report.answers[i];
    const auto add = [&](const char* metric, int64_t value) {
      rows.push_back({model.sha256, name, kTileVersion, static_cast<int64_t>(i),
                      metric, static_cast<double>(value)});
    };
    add("correct", answer.linear == answer.label ? 1 : 0);
    add("predicted", answer.linear);
    add("knn_correct", answer.knn == answer.label ? 1 : 0);
    add("knn_predicted", answer.knn);
  }
  store.SaveEvaluations(rows);
  transaction.Commit();
  store.Close();
}

}  // namespace

const std::vector<std::string>& TileFactorNames() {
  static const std::vector<std::string> names = {"hand", "density", "scale",
                                                 "year"};
  return names;
}

TileFactor ParseTileFactor(const std::string& text) {
  const std::vector<std::string>& names = TileFactorNames();
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) {
    throw Error(ErrorCode::kUsage, "unknown factor \"" + text + "\"",
                fmt::format("use one of {}", fmt::join(names, ", ")));
  }
  return static_cast<TileFactor>(found - names.begin());
}

void MapTileOptions::Validate() const {
  if (count < 2 || count > 1'000'000) {
    throw Error(ErrorCode::kUsage, "tiles: count must be 2 to 1000000");
  }
  if (side_px < 32 || side_px > 512) {
    throw Error(ErrorCode::kUsage, "tiles: the side must be 32 to 512 px");
  }
}

MapTiles::MapTiles(const MapTileOptions& options) : options_(options) {
  options_.Validate();
}

ssl::ImageSample MapTiles::Get(int64_t index) const {
  const ssl::FactorTile tile =
      supply_.Draw(ssl::TileRequest{options_.seed, options_.side_px}, index);
  const std::string& name =
      TileFactorNames()[static_cast<size_t>(options_.label)];
  ssl::ImageSample sample;
  sample.rgb = tile.rgb;
  sample.label = static_cast<int64_t>(tile.factors.at(name));
  return sample;
}

std::vector<ssl::TileSupply::Factor> MapTileSupply::Factors() const {
  return {{"hand", std::ssize(synth::HandNames())},
          {"density", kSteps},
          {"scale", kSteps},
          {"year", kSteps},
          {"hatch_angle", 0}};
}

ssl::FactorTile MapTileSupply::Draw(const ssl::TileRequest& request,
                                    int64_t index) const {
  MapTileOptions options;
  options.side_px = request.side_px;
  options.Validate();
  const std::vector<std::string> hands = synth::HandNames();
  Rng rng = Rng(request.seed, kTownStream).Fork(static_cast<uint64_t>(index));
  const int64_t hand = rng.Int(0, std::ssize(hands) - 1);
  const int64_t density = rng.Int(0, kSteps - 1);
  const int64_t scale = rng.Int(0, kSteps - 1);
  const int64_t year = rng.Int(0, kSteps - 1);
  synth::WorldOptions world;
  world.seed = rng.Next();
  world.width_px = world.height_px = request.side_px;
  world.plan = rng.Pick(std::vector<synth::PlanFamily>{
      synth::PlanFamily::kGrid, synth::PlanFamily::kOrganic,
      synth::PlanFamily::kDenseCore});
  world.density = 0.1 + 0.27 * static_cast<double>(density);
  world.building_px = 6.0 + 4.0 * static_cast<double>(scale);
  world.angle_rad = rng.Uniform(0.0, std::numbers::pi);
  // The town runs on beyond the tile.
  world.margin_px = -2.0 * world.building_px;
  world.water = 0.1;
  synth::RenderOptions render;
  render.hand = hands[static_cast<size_t>(hand)];
  render.seed = rng.Next();
  render.lettering = rng.Uniform(0.0, 0.6);
  ssl::FactorTile tile;
  tile.rgb = synth::RenderEdition(synth::MakeWorld(world),
                                  static_cast<int>(year), render)
                 .rgb;
  tile.factors = {
      {"hand", static_cast<double>(hand)},
      {"density", static_cast<double>(density)},
      {"scale", static_cast<double>(scale)},
      {"year", static_cast<double>(year)},
      {"hatch_angle",
       std::fmod(world.angle_rad * 180.0 / std::numbers::pi, 90.0)}};
  return tile;
}

SheetTiles::SheetTiles(std::vector<synth::MapSheet> sheets,
                       const MapTileOptions& options)
    : sheets_(std::move(sheets)), options_(options) {
  options_.Validate();
  std::map<std::string, bool> fits;  // by name: a sheet can be many windows
  for (const synth::MapSheet& sheet : sheets_) {
    const bool large = sheet.rgb.cols >= options_.side_px &&
                       sheet.rgb.rows >= options_.side_px;
    weights_.push_back(large ? static_cast<double>(sheet.rgb.total()) : 0.0);
    bool& any = fits[sheet.name];
    any = any || large;
  }
  for (const synth::MapSheet& sheet : sheets_) {
    if (fits.at(sheet.name)) continue;
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}' has {}, too few for a tile of {}", sheet.name,
                            Sized(sheet.rgb), options_.side_px),
                "Leave it out, or use a smaller --tile-px or --downsample.");
  }
  if (sheets_.empty()) {
    throw Error(ErrorCode::kBadInput, "there is no paper to cut tiles from",
                "Give images that are not blank.");
  }
}

ssl::ImageSample SheetTiles::Get(int64_t index) const {
  constexpr int kAttempts = 20;
  constexpr double kPaper = 0.9;  // least share of the tile
  Rng rng = Rng(options_.seed, kCutStream).Fork(static_cast<uint64_t>(index));
  const int side = options_.side_px;
  ssl::ImageSample sample;
  for (int i = 0; i < kAttempts; ++i) {
    const synth::MapSheet& sheet = sheets_[rng.Choice(weights_)];
    const cv::Rect window(static_cast<int>(rng.Int(0, sheet.rgb.cols - side)),
                          static_cast<int>(rng.Int(0, sheet.rgb.rows - side)),
                          side, side);
    sample.rgb = sheet.rgb(window).clone();
    if (sheet.coverage.empty() ||
        cv::countNonZero(sheet.coverage(window)) >= kPaper * side * side) {
      break;
    }
  }
  return sample;
}

SslPretrainReport PretrainEncoder(const SslPretrainOptions& options,
                                  RunContext& context) {
  if (!options.project.empty()) OpenResults(options.project).Close();
  SslPretrainReport report;
  report.checkpoint = options.training.output;
  if (options.sheets.empty()) {
    report.result =
        ssl::Pretrain(MapTiles(options.tiles), options.training, context);
  } else {
    const SheetTiles tiles(
        ReadImageInputs(options.sheets, options.reading, context),
        options.tiles);
    report.result = ssl::Pretrain(tiles, options.training, context);
  }
  report.checkpoint_sha256 = Sha256OfFile(report.checkpoint);
  if (!options.curves.empty()) {
    WriteFileAtomically(options.curves,
                        CurvesSvg(report.result, options.training.method),
                        Overwrite::kAllow);
  }
  if (!options.project.empty()) SavePretraining(options, report);
  return report;
}

ssl::ProbeReport ProbeOnTiles(const SslProbeOptions& options) {
  if (options.tiles.seed == kTestSeed) {
    throw Error(ErrorCode::kUsage, "this seed is kept for testing",
                "Choose another --seed.");
  }
  MapTileOptions test = options.tiles;
  test.seed = kTestSeed;
  test.count = options.test_count;
  const ssl::ProbeReport report =
      ssl::Probe(MapTiles(options.tiles), MapTiles(test), options.probe);
  if (!options.project.empty()) SaveProbe(options, report);
  return report;
}

ssl::MaskAdvice AdviseMaskOnTiles(const SslMaskOptions& options,
                                  RunContext& context) {
  if (options.sheets.empty()) {
    return ssl::AdviseMask(MapTiles(options.tiles), options.masks, context);
  }
  const SheetTiles tiles(
      ReadImageInputs(options.sheets, options.reading, context), options.tiles);
  return ssl::AdviseMask(tiles, options.masks, context);
}

void WriteFigures(const ssl::ExperimentReport& report,
                  const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                folder + ": cannot be made: " + failure.message());
  }
  for (const ssl::ExperimentFigure& figure : report.figures) {
    WriteFileAtomically(
        std::filesystem::path(folder) / (report.name + "-" + figure.file),
        figure.svg, Overwrite::kAllow);
  }
}

Json ToJson(const SslPretrainReport& report) {
  Json document = {{"checkpoint", report.checkpoint},
                   {"checkpoint_sha256", report.checkpoint_sha256},
                   {"images", report.result.images},
                   {"steps", report.result.steps},
                   {"seconds", report.result.seconds},
                   {"loss", report.result.loss},
                   {"config", report.result.config},
                   {"measures", Json::array()}};
  for (const ssl::Measure& measure : report.result.measures) {
    document["measures"].push_back({{"step", measure.step},
                                    {"measure", measure.name},
                                    {"value", measure.value}});
  }
  return document;
}

Json ToJson(const ssl::ProbeReport& report) {
  return {{"encoder", report.encoder},
          {"width", report.width},
          {"train_images", report.train_images},
          {"test_images", report.test_images},
          {"knn_accuracy", report.knn_accuracy},
          {"linear_accuracy", report.linear_accuracy},
          {"rankme", report.rankme}};
}

Json ToJson(const ssl::MaskAdvice& advice) {
  Json document = {{"tiles", advice.tiles},
                   {"tile_px", advice.tile_px},
                   {"masks", Json::array()}};
  if (advice.alignment_without) {
    document["alignment_without"] = *advice.alignment_without;
  }
  for (const ssl::RankedMask& ranked : advice.ranked) {
    Json mask = {{"patch_px", ranked.mask.patch_px},
                 {"ratio", ranked.mask.ratio},
                 {"change", ranked.change}};
    if (ranked.alignment) mask["alignment"] = *ranked.alignment;
    document["masks"].push_back(mask);
  }
  return document;
}

Json ToJson(const ssl::ExperimentReport& report) {
  Json document = {
      {"experiment", report.name},   {"paper", report.paper},
      {"verdict", report.Verdict()}, {"settings", report.settings},
      {"seconds", report.seconds},   {"columns", report.table.columns},
      {"rows", report.table.rows},   {"criteria", Json::array()}};
  for (const ssl::Criterion& criterion : report.criteria) {
    const bool least = criterion.sense == ssl::Criterion::Sense::kAtLeast;
    document["criteria"].push_back(
        {{"claim", criterion.claim},
         {"measured", criterion.measured},
         {least ? "at_least" : "at_most", criterion.threshold},
         {"holds", criterion.Holds()}});
  }
  return document;
}

}  // namespace mapweave::pipelines
