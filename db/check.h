// SPDX-License-Identifier: MIT
//
// Upkeep of a project file: is it sound, and what is in it?
#pragma once

#include "db/store.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mapweave::db {

struct CheckReport {
  // One line per problem: what is wrong, in which table and row.
  std::vector<std::string> problems;
  // One line per test that was made.
  std::vector<std::string> checks;

  bool IsSound() const { return problems.empty(); }
};

// Tests the file as SQLite (integrity, foreign keys), as GeoPackage
// (application id, required tables, contents and their extents, R-trees,
// geometry blobs) and as a project (editions, order of dates). At most 20
// problems per test are listed. Throws Error{kDatabase} only if the file cannot
// be opened at all.
CheckReport CheckStore(const std::filesystem::path& path);

struct StoreStats {
  int64_t sheets = 0;
  int64_t editions = 0;
  int64_t buildings = 0;
  int64_t observations = 0;
  int64_t states = 0;
  int64_t runs = 0;
  int64_t reviews = 0;
  // Of all observations.
  double area_m2 = 0.0;
  struct PerEdition {
    std::string edition;
    int64_t observations = 0;
    double area_m2 = 0.0;
  };
  std::vector<PerEdition> per_edition;     // oldest first
  std::map<std::string, int64_t> lineage;  // by kind; kinds that occur
  int64_t file_bytes = 0;
};

StoreStats ReadStats(const Store& store);

}  // namespace mapweave::db
