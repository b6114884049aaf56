// SPDX-License-Identifier: MIT
#include "bench/pretraining/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace mapweave::pretraining {
namespace {

struct Column {
  const char* key;
  const char* title;
};
constexpr std::array<Column, 9> kColumns = {
    {{"ap_unlimited", "AP"},
     {"ap50_unlimited", "AP50"},
     {"ap", "AP, 100"},
     {"ap50", "AP50, 100"},
     {"detection_f1", "detection F1"},
     {"link_f1", "link F1"},
     {"track_f1", "track F1"},
     {"abroad_ap_unlimited", "AP, other towns"},
     {"abroad_link_f1", "link F1, other towns"}}};

// "All" is more than any number.
int Rank(int labels) { return labels == kAllLabels ? 1 << 30 : labels; }

std::string LabelText(int labels) {
  return labels == kAllLabels ? "all" : std::to_string(labels);
}

struct Moments {
  double mean = 0.0;
  double deviation = 0.0;  // of a sample; 0 for one value
  size_t count = 0;
};

Moments MomentsOf(const std::vector<double>& values) {
  Moments m;
  m.count = values.size();
  for (const double v : values) m.mean += v / static_cast<double>(m.count);
  double squares = 0.0;
  for (const double v : values) squares += (v - m.mean) * (v - m.mean);
  if (m.count > 1)
    m.deviation = std::sqrt(squares / static_cast<double>(m.count - 1));
  return m;
}

std::string Text(const Moments& m, const char* form) {
  if (m.count == 0) return "";
  const std::string mean = fmt::format(fmt::runtime(form), m.mean);
  return m.count == 1 ? mean : fmt::format("{} ± {:.3f}", mean, m.deviation);
}

// Names in the order in which the plan brought them.
std::vector<std::string> NamesOf(const std::vector<Finding>& findings) {
  std::vector<std::string> names;
  for (const Finding& finding : findings) {
    const std::string name = finding.cell.Name();
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

std::vector<int> LabelsOf(const std::vector<Finding>& findings) {
  std::set<std::pair<int, int>> sorted;
  for (const Finding& finding : findings)
    sorted.insert({Rank(finding.cell.labels), finding.cell.labels});
  std::vector<int> labels;
  for (const auto& [rank, count] : sorted) labels.push_back(count);
  return labels;
}

// By seed.
std::map<uint64_t, double> Values(const std::vector<Finding>& findings,
                                  int labels, const std::string& name,
                                  const char* key) {
  std::map<uint64_t, double> values;
  for (const Finding& finding : findings) {
    if (finding.cell.labels == labels && finding.cell.Name() == name)
      values[finding.cell.seed] = finding.measures.at(key).get<double>();
  }
  return values;
}

Moments Mean(const std::map<uint64_t, double>& values) {
  std::vector<double> plain;
  for (const auto& [seed, value] : values) plain.push_back(value);
  return MomentsOf(plain);
}

// Over the seeds that both have.
Moments Gain(const std::map<uint64_t, double>& values,
             const std::map<uint64_t, double>& reference) {
  std::vector<double> gains;
  for (const auto& [seed, value] : values) {
    const auto other = reference.find(seed);
    if (other != reference.end()) gains.push_back(value - other->second);
  }
  return MomentsOf(gains);
}

std::string GainTable(const std::vector<Finding>& findings,
                      const std::string& reference) {
  std::string text = fmt::format(
      "\n| labelled clips | way | seeds | AP − {0} | link F1 − {0} | track F1 "
      "− "
      "{0} |\n|---|---|---|---|---|---|\n",
      reference);
  bool any = false;
  for (const int labels : LabelsOf(findings)) {
    for (const std::string& name : NamesOf(findings)) {
      if (name == reference) continue;
      std::string row;
      size_t seeds = 0;
      for (const char* key : {"ap_unlimited", "link_f1", "track_f1"}) {
        const Moments gain = Gain(Values(findings, labels, name, key),
                                  Values(findings, labels, reference, key));
        seeds = gain.count;
        row += fmt::format(" {} |", Text(gain, "{:+.3f}"));
      }
      if (seeds == 0) continue;
      any = true;
      text += fmt::format("| {} | {} | {} |{}\n", LabelText(labels), name,
                          seeds, row);
    }
  }
  return any ? text : "";
}

}  // namespace

std::string ToCsv(const std::vector<Finding>& findings) {
  std::string text = "labels,way,seed";
  for (const Column& column : kColumns) text += fmt::format(",{}", column.key);
  text += '\n';
  for (const Finding& finding : findings) {
    text += fmt::format("{},\"{}\",{}", LabelText(finding.cell.labels),
                        finding.cell.Name(), finding.cell.seed);
    for (const Column& column : kColumns)
      text +=
          fmt::format(",{:.4f}", finding.measures.at(column.key).get<double>());
    text += '\n';
  }
  return text;
}

std::string ToMarkdown(const std::vector<Finding>& findings) {
  std::string text = "| labelled clips | way | seeds |";
  std::string rule = "|---|---|---|";
  for (const Column& column : kColumns) {
    text += fmt::format(" {} |", column.title);
    rule += "---|";
  }
  text += '\n' + rule + '\n';
  for (const int labels : LabelsOf(findings)) {
    for (const std::string& name : NamesOf(findings)) {
      std::string row;
      size_t seeds = 0;
      for (const Column& column : kColumns) {
        const Moments m = Mean(Values(findings, labels, name, column.key));
        seeds = m.count;
        row += fmt::format(" {} |", Text(m, "{:.3f}"));
      }
      if (seeds == 0) continue;
      text += fmt::format("| {} | {} | {} |{}\n", LabelText(labels), name,
                          seeds, row);
    }
  }
  return text + GainTable(findings, "scratch") +
         GainTable(findings, "scratch-long");
}

LineChart ToChart(const std::vector<Finding>& findings, int all_labels) {
  LineChart chart{"Pretraining", "labelled clips", {}};
  for (const auto& [key, title] :
       {Column{"ap_unlimited", "AP"}, Column{"link_f1", "link F1"}}) {
    ChartPanel panel{title, {}};
    for (const std::string& name : NamesOf(findings)) {
      ChartLine line{name, {}};
      for (const int labels : LabelsOf(findings)) {
        const Moments m = Mean(Values(findings, labels, name, key));
        const double x = labels == kAllLabels ? all_labels : labels;
        if (m.count > 0) line.points.push_back({x, m.mean});
      }
      panel.lines.push_back(std::move(line));
    }
    chart.panels.push_back(std::move(panel));
  }
  return chart;
}

}  // namespace mapweave::pretraining
