// SPDX-License-Identifier: MIT
//
// The filters of query and export as a user writes them, turned into what the
// store understands.
#pragma once

#include "db/query.h"
#include "db/store.h"

#include <optional>
#include <string>
#include <vector>

namespace mapweave::pipelines {

struct FilterText {
  std::string layer = "building_state";
  std::string at;
  std::vector<std::string> between;  // none or two
  bool possible = false;
  std::vector<double> bbox;  // none or four, project CRS
  std::string within;        // vector file
  std::string kind;
  std::string track;
  std::string edition;
  std::vector<double> near;  // none, x y, or x y radius; project CRS
  std::optional<double> min_area_m2;
  std::string where;
};

// Throws Error{kUsage} for dates and boxes that make no sense, Error{kBadInput}
// for a file of --within that cannot be read.
db::QueryFilter ParseFilter(const FilterText& text, const db::Store& store);

}  // namespace mapweave::pipelines
