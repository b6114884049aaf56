// SPDX-License-Identifier: MIT
#include "pipelines/train_curves.h"

#include "core/atomic_file.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/line_chart.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <vector>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

// Points of a smoothed curve.
constexpr size_t kPoints = 100;

// A table of numbers.
class Table {
 public:
  explicit Table(const fs::path& path) {
    const std::vector<CsvRow> rows = ParseCsv(ReadFile(path), path.string());
    if (!rows.empty()) names_ = rows.front().fields;
    for (size_t i = 1; i < rows.size(); ++i) {
      // A killed run may have left half a row.
      if (rows[i].fields.size() != names_.size()) continue;
      std::vector<double> values;
      for (const std::string& text : rows[i].fields) {
        values.push_back(std::strtod(text.c_str(), nullptr));
      }
      rows_.push_back(std::move(values));
    }
    if (names_.empty() || names_.front() != "step") {
      throw Error(ErrorCode::kBadInput,
                  path.string() + ": is no table of a training run",
                  "name another file with --curves");
    }
  }

  const std::vector<std::string>& Names() const { return names_; }

  // The column over the steps; empty if there is none of that name.
  ChartLine Column(const std::string& name) const {
    ChartLine line{name, {}};
    const auto at = std::ranges::find(names_, name);
    if (at == names_.end()) return line;
    const auto column = static_cast<size_t>(at - names_.begin());
    for (const std::vector<double>& row : rows_) {
      line.points.push_back({row[0], row[column]});
    }
    return line;
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<double>> rows_;
};

// Means of neighbours; the noise of single batches hides the course.
ChartLine Smoothed(ChartLine line) {
  const size_t group = std::max<size_t>(1, line.points.size() / kPoints);
  std::vector<Point2d> means;
  for (size_t i = 0; i + group <= line.points.size(); i += group) {
    Point2d sum;
    for (size_t k = i; k < i + group; ++k) {
      sum.x += line.points[k].x;
      sum.y += line.points[k].y;
    }
    const auto count = static_cast<double>(group);
    means.push_back({sum.x / count, sum.y / count});
  }
  line.points = std::move(means);
  return line;
}

ChartPanel Panel(const std::string& title, const Table& table,
                 std::initializer_list<const char*> columns) {
  ChartPanel panel{title, {}};
  for (const char* name : columns) {
    panel.lines.push_back(Smoothed(table.Column(name)));
  }
  return panel;
}

}  // namespace

fs::path ValidationTable(const fs::path& curves_csv) {
  return fs::path(curves_csv).replace_extension(".validation.csv");
}

fs::path CurvesPicture(const fs::path& curves_csv) {
  return fs::path(curves_csv).replace_extension(".svg");
}

void DrawCurves(const fs::path& curves_csv) {
  const Table steps(curves_csv);
  LineChart chart;
  chart.title = curves_csv.stem().string();
  chart.x_label = "step";
  chart.panels.push_back(Panel("loss", steps, {"loss"}));
  ChartPanel terms{"parts of the loss, unweighted", {}};
  const auto& names = steps.Names();
  const auto begin = std::ranges::find(names, "loss");
  const auto end = std::ranges::find(names, "gradient_norm");
  for (auto name = begin; name < end; ++name) {
    if (name != begin) {
      terms.lines.push_back(Smoothed(steps.Column(*name)));
    }
  }
  chart.panels.push_back(std::move(terms));
  chart.panels.push_back(
      Panel("norm of the gradient", steps, {"gradient_norm"}));
  if (fs::exists(ValidationTable(curves_csv))) {
    const Table validations(ValidationTable(curves_csv));
    ChartPanel panel{"validation", {}};
    for (const char* name :
         {"detection_f1", "link_f1", "track_f1", "ap_unlimited"}) {
      panel.lines.push_back(validations.Column(name));
    }
    chart.panels.push_back(std::move(panel));
  }
  WriteFileAtomically(CurvesPicture(curves_csv), ToSvg(chart),
                      Overwrite::kAllow);
}

}  // namespace mapweave::pipelines
