// SPDX-License-Identifier: MIT
//
// The series file.
#include "core/error.h"
#include "geo/file_access.h"
#include "pipelines/catalogue.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

class SeriesFile {
 public:
  explicit SeriesFile(const fs::path& path) : path_(path) {}

  std::vector<CatalogueEntry> Read() {
    toml::table document;
    try {
      document = toml::parse(geo::ReadText(path_), path_.string());
    } catch (const toml::parse_error& fault) {
      Refuse(fmt::format("line {}: {}", fault.source().begin.line,
                         fault.description()));
    }
    const SheetSettings defaults = Settings(document, {"edition"}, "");
    const toml::array* editions = document["edition"].as_array();
    if (editions == nullptr || editions->empty()) Refuse("no [[edition]]");
    for (const toml::node& node : *editions) {
      const toml::table* table = node.as_table();
      if (table == nullptr) Refuse("'edition' is not a table");
      AddEdition(*table, defaults);
    }
    return std::move(entries_);
  }

 private:
  [[noreturn]] void Refuse(const std::string& fault) const {
    throw Error(ErrorCode::kBadInput,
                fmt::format("'{}': {}", path_.string(), fault),
                "A series file has [[edition]] tables with date = \"1882\" and "
                "sheets = [\"a.tif\"]; see docs/series.md.");
  }

  std::string Text(const toml::node& node, std::string_view key) const {
    const auto text = node.value_exact<std::string>();
    if (!text) Refuse(fmt::format("'{}' is not a text in quotes", key));
    return *text;
  }

  // What `table` says of sheets. Its other keys must be among `others`.
  SheetSettings Settings(const toml::table& table,
                         std::initializer_list<std::string_view> others,
                         const std::string& place) const {
    SheetSettings settings;
    for (const auto& [key, value] : table) {
      const std::string_view name = key.str();
      if (std::find(others.begin(), others.end(), name) != others.end()) {
        continue;
      }
      if (!IsSettingKey(name)) {
        Refuse(fmt::format("unknown key '{}'{}", name, place));
      }
      if (name == "allow_ballpark") {
        settings.allow_ballpark = value.value_exact<bool>();
        if (!settings.allow_ballpark) {
          Refuse("'allow_ballpark' is neither true nor false");
        }
      } else {
        settings.Set(name, Text(value, name));
      }
    }
    return settings;
  }

  void AddEdition(const toml::table& table, const SheetSettings& defaults) {
    SheetSettings settings =
        Settings(table, {"label", "date", "sheets"}, " in [[edition]]");
    settings.FillFrom(defaults);
    CatalogueEntry edition;
    if (const toml::node* date = table.get("date")) {
      edition.edition_date = DateIn(path_, Text(*date, "date"));
      edition.edition = edition.edition_date->edtf;
    }
    if (const toml::node* label = table.get("label")) {
      edition.edition = Text(*label, "label");
    }
    if (edition.edition.empty()) {
      Refuse("an edition with neither date = \"...\" nor label = \"...\"");
    }
    const toml::array* sheets = table["sheets"].as_array();
    if (sheets == nullptr || sheets->empty()) {
      Refuse(fmt::format("edition '{}' has no sheets", edition.edition));
    }
    for (const toml::node& sheet : *sheets) {
      AddSheet(sheet, edition, settings);
    }
  }

  void AddSheet(const toml::node& node, CatalogueEntry entry,
                const SheetSettings& defaults) {
    const std::string place = fmt::format(" of a sheet of '{}'", entry.edition);
    std::string name;
    if (const toml::table* table = node.as_table()) {
      entry.settings = Settings(*table, {"path", "date"}, place);
      if (const toml::node* path = table->get("path")) {
        name = Text(*path, "path");
      }
      if (const toml::node* date = table->get("date")) {
        entry.date = DateIn(path_, Text(*date, "date"));
      }
    } else {
      name = node.value_exact<std::string>().value_or("");
    }
    if (name.empty()) Refuse("no path" + place);
    entry.path = geo::PathBeside(path_, name);
    entry.settings.FillFrom(defaults);
    entry.settings.MapPaths([this](const std::string& path) {
      return geo::PathBeside(path_, path).string();
    });
    entries_.push_back(std::move(entry));
  }

  fs::path path_;
  std::vector<CatalogueEntry> entries_;
};

}  // namespace

std::vector<CatalogueEntry> ReadSeriesToml(const fs::path& path) {
  return SeriesFile(path).Read();
}

}  // namespace mapweave::pipelines
