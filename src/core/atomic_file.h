// SPDX-License-Identifier: MIT
//
// Files that appear whole or not at all: written beside the target, synced,
// then renamed over it.
#pragma once

#include <filesystem>
#include <string>

namespace mapweave {

enum class Overwrite { kRefuse, kAllow };

// Throws Error{kUsage} if `path` exists and `overwrite` is kRefuse, and
// Error{kFailure} if its folder is missing or cannot be written.
void CheckWritable(const std::filesystem::path& path, Overwrite overwrite);

// Makes the folder, and those that it lies in, unless it is there. Throws
// Error{kFailure} naming it.
void MakeFolder(const std::filesystem::path& folder);

// Hands out a temporary path in the target's folder, for writers that need a
// file name; the file is removed unless committed.
class AtomicFile {
 public:
  // Same errors as CheckWritable.
  AtomicFile(std::filesystem::path path, Overwrite overwrite);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& TempPath() const { return temp_path_; }
  // Syncs the temporary file and renames it. Throws Error{kFailure}.
  void Commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temp_path_;
  bool committed_ = false;
};

// Writes `bytes` through an AtomicFile.
void WriteFileAtomically(const std::filesystem::path& path,
                         const std::string& bytes, Overwrite overwrite);

// Whole content of a file; throws Error{kBadInput}.
std::string ReadFile(const std::filesystem::path& path);

}  // namespace mapweave
