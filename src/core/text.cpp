// SPDX-License-Identifier: MIT
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace mapweave {

std::string ToLower(std::string text) {
  // Not std::tolower, which depends on the locale.
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string FileNamePart(std::string label) {
  for (char& c : label) {
    const bool is_plain =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
        (c >= '0' && c <= '9') ||
        std::string_view("._-").find(c) != std::string_view::npos;
    if (!is_plain) c = '_';
  }
  return label;
}

std::vector<std::string> UniqueFileNames(const std::vector<std::string>& labels,
                                         const std::string& prefix) {
  std::vector<std::string> names;
  for (const std::string& label : labels) {
    std::string name = FileNamePart(label);
    if (name.empty() || name.front() == '.') name = prefix + name;
    std::string unique = name;
    for (int i = 2;
         std::find(names.begin(), names.end(), unique) != names.end(); ++i) {
      unique = fmt::format("{}-{}", name, i);
    }
    names.push_back(unique);
  }
  return names;
}

std::string EscapedHtml(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace mapweave
