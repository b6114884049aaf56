// SPDX-License-Identifier: MIT
//
// The direction of includes: each folder knows only what is below it. Include
// roots are the repository and src/, so the compiler alone cannot say this.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

// Folder of a source → first parts of the quoted includes that it may use.
const std::map<std::string, std::set<std::string>>& AllowedIncludes() {
  static const std::map<std::string, std::set<std::string>> allowed = {
      {"src/core", {"core"}},
      {"src/geo", {"core", "geo"}},
      {"src/tracking", {"core", "tracking"}},
      {"synth", {"core", "tracking", "synth"}},
      {"models", {"core", "tracking", "models"}},
      {"db", {"core", "geo", "tracking", "db"}},
      {"pipelines",
       {"core", "geo", "tracking", "synth", "models", "db", "pipelines"}},
      {"src/cli", {"core", "db", "pipelines", "cli"}},
  };
  return allowed;
}

// Third-party headers and the folders that may name them.
const std::map<std::string, std::set<std::string>>& Confined() {
  static const std::map<std::string, std::set<std::string>> confined = {
      {"torch/", {"models"}},    {"ATen/", {"models"}}, {"gdal", {"src/geo"}},
      {"ft2build", {"synth"}},   {"ogr_", {"src/geo"}}, {"cpl_", {"src/geo"}},
      {"proj", {"src/geo"}},     {"sqlite3", {"db"}},   {"CLI/", {"src/cli"}},
      {"spdlog/", {"src/core"}},
  };
  return confined;
}

template <typename Visit>
void ForEachInclude(const std::string& folder, Visit visit) {
  const fs::path root = fs::path(MAPWEAVE_SOURCE_DIR) / folder;
  const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream in(entry.path());
    std::string line;
    while (std::getline(in, line)) {
      std::smatch match;
      if (std::regex_search(line, match, pattern)) {
        visit(entry.path().string(), match[1] == "\"", match[2].str());
      }
    }
  }
}

TEST(Architecture, FoldersIncludeOnlyWhatIsBelowThem) {
  int seen = 0;
  for (const auto& [folder, allowed] : AllowedIncludes()) {
    ForEachInclude(folder, [&](const std::string& file, bool quoted,
                               const std::string& name) {
      if (!quoted) return;
      ++seen;
      const std::string first = name.substr(0, name.find('/'));
      EXPECT_TRUE(allowed.count(first) == 1)
          << file << " includes \"" << name << "\"";
    });
  }
  EXPECT_GT(seen, 50) << "the test looks at the wrong folders";
}

TEST(Architecture, ThirdPartyHeadersStayInTheirFolder) {
  for (const auto& [folder, unused] : AllowedIncludes()) {
    ForEachInclude(folder, [&, f = folder](const std::string& file, bool quoted,
                                           const std::string& name) {
      if (quoted) return;
      for (const auto& [prefix, folders] : Confined()) {
        if (name.rfind(prefix, 0) == 0) {
          EXPECT_TRUE(folders.count(f) == 1)
              << file << " includes <" << name << ">";
        }
      }
    });
  }
}

}  // namespace
