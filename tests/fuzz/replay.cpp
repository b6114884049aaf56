// SPDX-License-Identifier: MIT
//
// Stands in for libFuzzer: feeds every file of the folders (or files) named on
// the command line to a fuzzer once, in the order of their names.
#include "core/atomic_file.h"
#include "fuzz.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FilesUnder(const fs::path& place) {
  if (fs::is_regular_file(place)) return {place};
  std::vector<fs::path> files;
  if (!fs::is_directory(place)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& file : FilesUnder(argv[i])) {
      const std::string text = mapweave::ReadFile(file);
      // Seen last if the process dies on it.
      std::printf("%s\n", file.c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
      // A reader must not lean on a byte after the end, nor on whole input.
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size() / 2);
      ++count;
    }
  }
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
