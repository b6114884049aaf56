// SPDX-License-Identifier: MIT
#include "core/atomic_file.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace mapweave {

namespace fs = std::filesystem;

void CheckWritable(const fs::path& path, Overwrite overwrite) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' is a folder", path.string()),
                "Name a file to write.");
  }
  if (overwrite == Overwrite::kRefuse && fs::exists(path, ignored)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("'{}' exists already", path.string()),
                "Choose another name or add --overwrite.");
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}': the folder '{}' does not exist",
                            path.string(), folder.string()),
                "Make the folder first.");
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}': {}", path.string(),
                            std::strerror(errno)),
                "Choose a folder that you may write to.");
  }
}

void MakeFolder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot make the folder '{}': {}", folder.string(),
                            failure.message()),
                "Choose another place for the output.");
  }
}

AtomicFile::AtomicFile(fs::path path, Overwrite overwrite)
    : path_(std::move(path)) {
  CheckWritable(path_, overwrite);
  // The extension stays last: GDAL and OpenCV choose a format by it.
  temp_path_ = path_;
  temp_path_.replace_filename(fmt::format(".{}.{}.tmp{}", path_.stem().string(),
                                          getpid(),
                                          path_.extension().string()));
}

AtomicFile::~AtomicFile() {
  if (!committed_) {
    std::error_code ignored;
    fs::remove(temp_path_, ignored);
  }
}

void AtomicFile::Commit() {
  const int fd = open(temp_path_.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int sync_errno = errno;
  if (fd >= 0) close(fd);
  if (!synced) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}': {}", path_.string(),
                            std::strerror(sync_errno)),
                "Is the disk full?");
  }
  std::error_code failure;
  fs::rename(temp_path_, path_, failure);
  if (failure) {
    throw Error(ErrorCode::kFailure,
                fmt::format("cannot write '{}': {}", path_.string(),
                            failure.message()));
  }
  committed_ = true;
}

void WriteFileAtomically(const fs::path& path, const std::string& bytes,
                         Overwrite overwrite) {
  AtomicFile file(path, overwrite);
  {
    std::ofstream out(file.TempPath(), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.flush();
    if (!out) {
      throw Error(ErrorCode::kFailure,
                  fmt::format("cannot write '{}': {}", path.string(),
                              std::strerror(errno)),
                  "Is the disk full?");
    }
  }
  file.Commit();
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  if (in) bytes << in.rdbuf();
  if (!in) {
    throw Error(ErrorCode::kBadInput,
                fmt::format("cannot read '{}': {}", path.string(),
                            std::strerror(errno)),
                "Check the path and its permissions.");
  }
  return bytes.str();
}

}  // namespace mapweave
