// SPDX-License-Identifier: MIT
#include "cli/sheet_arguments.h"

namespace mapweave::cli {

void SheetArguments::AddTo(CLI::App* command) {
  command
      ->add_option("sheets", inputs_,
                   "Georeferenced maps, folders of them, or catalogues: "
                   "series file (.toml), table (.csv), STAC (.json), project "
                   "(.gpkg)")
      ->required();
  command
      ->add_option("--editions", editions_,
                   "One survey date per sheet, in their order: 1882,1898; "
                   "EDTF such as 1882~, 188X, 1881/1883, ../1880")
      ->delimiter(',');
  const char* group = "Georeference (VALUE for all sheets, or SHEET=VALUE)";
  const auto add_setting = [&](const std::string& key,
                               const std::string& help) {
    // One value each time, so that the sheets' names may follow.
    command->add_option("--" + key, settings_[key], help)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("VALUE")
        ->group(group);
  };
  add_setting("crs",
              "CRS of the sheets, where the files state none or a wrong one");
  add_setting("gcps",
              "Control points instead of the file's own georeference: QGIS "
              ".points, IIIF annotation, or table (CSV)");
  add_setting("annotation",
              "Which annotation of a page with several: number or id");
  add_setting("transformation",
              "Fit through control points: gcp-poly1, gcp-poly2, gcp-poly3 or "
              "tps; chosen by cross-validation if not given");
  add_setting("cutline",
              "Vector file with the outline of the legible map; the rest of "
              "the sheet is left out; or none: nothing is");
  command
      ->add_flag("--allow-ballpark", allow_ballpark_,
                 "Accept a CRS transformation of unknown accuracy")
      ->group(group);
}

pipelines::Series SheetArguments::Load() const {
  pipelines::SeriesOptions options;
  options.editions = editions_;
  for (const auto& [key, values] : settings_) {
    for (const std::string& value : values) {
      options.settings.push_back({key, value});
    }
  }
  if (allow_ballpark_) options.settings.push_back({"allow_ballpark", "true"});
  return pipelines::LoadSeries({inputs_.begin(), inputs_.end()}, options);
}

}  // namespace mapweave::cli
