// SPDX-License-Identifier: MIT
//
// Text as it is compared and as it becomes names of files.
#pragma once

#include <string>
#include <vector>

namespace mapweave {

// A to Z as small letters; other bytes, UTF-8 among them, stay.
std::string ToLower(std::string text);

// A label as a part of a file's name that no file system, shell or address
// needs to escape: A-Z, a-z, 0-9, '.', '_' and '-' stay, each other byte
// becomes '_'.
std::string FileNamePart(std::string label);

// FileNamePart of each label; those that have become the same are told apart
// by "-2", "-3" and so on, in their order. `prefix` goes before what would be
// empty or begin with a dot.
std::vector<std::string> UniqueFileNames(const std::vector<std::string>& labels,
                                         const std::string& prefix);

// Text as it stands between tags and within quoted attributes of a page.
std::string EscapedHtml(const std::string& text);

}  // namespace mapweave
