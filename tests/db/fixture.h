// SPDX-License-Identifier: MIT
//
// A project of six buildings on three editions, small enough to know every
// answer by hand.
//
//   Editions: 1860 (some day of that year), 1880-05, 1900.
//
//   A  (0,0)-(10,10)      1860 1880 1900   always there; enlarged by 1900 to
//                                          (0,0)-(20,10)
//   B  (100,0)-(110,10)   1860 1880        gone by 1900
//   C  (200,0)-(210,10)        1880        built by 1880, gone by 1900
//   D  (300,0)-(330,10)   1860             split into E and F by 1880
//   E  (300,0)-(314,10)        1880 1900
//   F  (316,0)-(330,10)        1880 1900
#pragma once

#include "core/error.h"
#include "db/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace mapweave::db {

class TempDir {
 public:
  TempDir() {
    // In memory where there is such a folder: waiting for the disk at each
    // commit would be most of these tests' time.
    const std::filesystem::path memory = "/dev/shm";
    const bool in_memory = access(memory.c_str(), W_OK) == 0;
    std::string name =
        ((in_memory ? memory : std::filesystem::temp_directory_path()) /
         "mapweave_db_XXXXXX")
            .string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no folder " << name;
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline SpatialReference SwissSrs() {
  return {"EPSG", 2056, "CH1903+ / LV95",
          "PROJCS[\"CH1903+ / LV95\",GEOGCS[\"CH1903+\",DATUM[\"CH1903+\","
          "SPHEROID[\"Bessel 1841\",6377397.155,299.1528128,AUTHORITY[\"EPSG\","
          "\"7004\"]],AUTHORITY[\"EPSG\",\"6150\"]],PRIMEM[\"Greenwich\",0,"
          "AUTHORITY[\"EPSG\",\"8901\"]],UNIT[\"degree\",0.0174532925199433,"
          "AUTHORITY[\"EPSG\",\"9122\"]],AUTHORITY[\"EPSG\",\"4150\"]],"
          "PROJECTION[\"Hotine_Oblique_Mercator_Azimuth_Center\"],"
          "PARAMETER[\"latitude_of_center\",46.9524055555556],"
          "PARAMETER[\"longitude_of_center\",7.43958333333333],"
          "PARAMETER[\"azimuth\",90],PARAMETER[\"rectified_grid_angle\",90],"
          "PARAMETER[\"scale_factor\",1],PARAMETER[\"false_easting\",2600000],"
          "PARAMETER[\"false_northing\",1200000],UNIT[\"metre\",1,"
          "AUTHORITY[\"EPSG\",\"9001\"]],AXIS[\"Easting\",EAST],"
          "AXIS[\"Northing\",NORTH],AUTHORITY[\"EPSG\",\"2056\"]]"};
}

inline MultiPolygon Rectangle(double min_x, double min_y, double max_x,
                              double max_y) {
  return {
      {{{min_x, min_y}, {max_x, min_y}, {max_x, max_y}, {min_x, max_y}}, {}}};
}

inline EditionRow Edition(const std::string& label, int ordinal) {
  EditionRow row;
  row.edition = label;
  row.date = ParseDateRange(label);
  row.ordinal = ordinal;
  return row;
}

inline RunRow MakeRun(const std::string& run_id) {
  RunRow run;
  run.run_id = run_id;
  run.version = "0.1.0";
  run.device = "cpu";
  run.started_at = "2024-01-02T03:04:05.678Z";
  return run;
}

inline BuildingRow Building(const std::string& track, const std::string& first,
                            const std::string& last) {
  BuildingRow row;
  row.track_id = track;
  row.built_by = ParseDateRange(first).to;
  row.gone_after = ParseDateRange(last).from;
  row.first_edition = first;
  row.last_edition = last;
  row.confidence = 0.9;
  return row;
}

inline ObservationRow Observation(const std::string& track,
                                  const std::string& edition,
                                  MultiPolygon geometry, double area_m2) {
  ObservationRow row;
  row.track_id = track;
  row.edition = edition;
  row.score = 0.8;
  row.presence = 0.95;
  row.area_m2 = area_m2;
  row.geometry = std::move(geometry);
  return row;
}

inline BuildingStateRow State(const std::string& track,
                              const std::string& edition, MultiPolygon geometry,
                              double area_m2) {
  BuildingStateRow row;
  row.track_id = track;
  row.edition = edition;
  row.start_date = ParseDateRange(edition).from;
  row.area_m2 = area_m2;
  row.geometry = std::move(geometry);
  return row;
}

inline LineageRow Link(std::optional<std::string> from,
                       std::optional<std::string> to,
                       const std::string& from_edition,
                       const std::string& to_edition, const std::string& kind) {
  LineageRow row;
  row.from_track = std::move(from);
  row.to_track = std::move(to);
  row.from_edition = from_edition;
  row.to_edition = to_edition;
  row.kind = kind;
  row.probability = 0.75;
  return row;
}

inline RunResult TinyResult() {
  RunResult result;
  result.buildings = {
      Building("A", "1860", "1900"),       Building("B", "1860", "1880-05"),
      Building("C", "1880-05", "1880-05"), Building("D", "1860", "1860"),
      Building("E", "1880-05", "1900"),    Building("F", "1880-05", "1900")};
  // Gone by the survey that no longer shows them; built after the one before.
  result.buildings[1].gone_by = Date{1900, 12, 31};
  result.buildings[2].built_after = Date{1860, 1, 1};
  result.buildings[2].gone_by = Date{1900, 12, 31};
  result.buildings[3].gone_by = Date{1880, 5, 31};
  result.buildings[4].built_after = Date{1860, 1, 1};
  result.buildings[5].built_after = Date{1860, 1, 1};

  const MultiPolygon a = Rectangle(0, 0, 10, 10);
  const MultiPolygon a_large = Rectangle(0, 0, 20, 10);
  const MultiPolygon b = Rectangle(100, 0, 110, 10);
  const MultiPolygon c = Rectangle(200, 0, 210, 10);
  const MultiPolygon d = Rectangle(300, 0, 330, 10);
  const MultiPolygon e = Rectangle(300, 0, 314, 10);
  const MultiPolygon f = Rectangle(316, 0, 330, 10);
  result.observations = {Observation("A", "1860", a, 100),
                         Observation("A", "1880-05", a, 100),
                         Observation("A", "1900", a_large, 200),
                         Observation("B", "1860", b, 100),
                         Observation("B", "1880-05", b, 100),
                         Observation("C", "1880-05", c, 100),
                         Observation("D", "1860", d, 300),
                         Observation("E", "1880-05", e, 140),
                         Observation("E", "1900", e, 140),
                         Observation("F", "1880-05", f, 140),
                         Observation("F", "1900", f, 140)};
  result.states = {
      State("A", "1860", a, 100),   State("A", "1900", a_large, 200),
      State("B", "1860", b, 100),   State("C", "1880-05", c, 100),
      State("D", "1860", d, 300),   State("E", "1880-05", e, 140),
      State("F", "1880-05", f, 140)};
  result.states[0].end_date = Date{1899, 12, 31};
  result.states[1].kind = "enlarge";
  result.states[2].end_date = Date{1880, 5, 1};
  result.lineage = {Link("A", "A", "1860", "1880-05", "persist"),
                    Link("A", "A", "1880-05", "1900", "enlarge"),
                    Link("B", std::nullopt, "1880-05", "1900", "disappear"),
                    Link(std::nullopt, "C", "1860", "1880-05", "appear"),
                    Link("C", std::nullopt, "1880-05", "1900", "disappear"),
                    Link("D", "E", "1860", "1880-05", "split"),
                    Link("D", "F", "1860", "1880-05", "split")};
  return result;
}

inline Store TinyProject(const std::filesystem::path& path) {
  Store store = Store::Create(path, SwissSrs(), Overwrite::kRefuse);
  store.SaveEdition(Edition("1860", 0));
  store.SaveEdition(Edition("1880-05", 1));
  store.SaveEdition(Edition("1900", 2));
  store.SaveRun(MakeRun("run-1"));
  store.WriteResult("run-1", TinyResult());
  return store;
}

// The error that `action` throws; a failure if it throws none.
template <typename Action>
Error ErrorOf(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::kBug, "nothing was thrown");
}

}  // namespace mapweave::db
