// SPDX-License-Identifier: MIT
#include "pipelines/series_workspace.h"

#include "core/error.h"
#include "core/log.h"
#include "pipelines/align.h"
#include "pipelines/ingest.h"
#include "pipelines/series.h"

#include <string>
#include <unistd.h>

namespace mapweave::pipelines {
namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern =
        (fs::temp_directory_path() / "mapweave-series-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw Error(ErrorCode::kFailure,
                  fs::temp_directory_path().string() +
                      ": no temporary folder can be made there",
                  "Set TMPDIR to a folder that can be written.");
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& Path() const { return path_; }

 private:
  fs::path path_;
};

Project MakeProject(const std::vector<fs::path>& inputs, int threads,
                    RunContext& context) {
  const TemporaryFolder folder;
  db::Store store =
      Ingest(LoadSeries(inputs, {}), IngestOptions{},
             folder.Path() / "series.gpkg", Overwrite::kRefuse, context);
  AlignOptions align;
  align.threads = threads;
  Align(store, align, context);
  return LoadProject(store);
}

}  // namespace

Project OpenSeries(const std::vector<fs::path>& inputs, int threads,
                   RunContext& context) {
  const bool is_project =
      inputs.size() == 1 && inputs.front().extension() == ".gpkg";
  Project project = is_project ? LoadProject(db::Store::Open(
                                     inputs.front(), db::OpenMode::kReadOnly))
                               : MakeProject(inputs, threads, context);
  for (const ProjectEdition& edition : project.editions) {
    if (edition.aligned || project.editions.size() == 1) continue;
    LogWarning(
        "edition {} is not aligned: its buildings are taken to lie where its "
        "georeference puts them",
        edition.label);
  }
  return project;
}

}  // namespace mapweave::pipelines
