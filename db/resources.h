// SPDX-License-Identifier: MIT
//
// The texts that are part of the program: SQL migrations and the QGIS style.
#pragma once

#include <span>
#include <string_view>

namespace mapweave::db {

// Brings a file from version - 1 to version.
struct Migration {
  int version = 0;
  std::string_view name;
  std::string_view sql;
};

// In ascending order of version, without gaps, from 1.
std::span<const Migration> Migrations();

// For layer building_state: a fill, and the temporal controller switched on
// with start_date and end_date.
std::string_view BuildingStateQml();

}  // namespace mapweave::db
