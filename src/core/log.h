// SPDX-License-Identifier: MIT
//
// Logging to stderr. A line that is logged while a progress bar is drawn
// clears the bar first and lets it be drawn again, so neither tears the other.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace mapweave {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Parses "debug", "info", "warning", "error" or "off"; throws Error{kUsage}.
LogLevel ParseLogLevel(const std::string& text);

void SetLogLevel(LogLevel level);
void Log(LogLevel level, const std::string& message);

template <typename... Args>
void LogDebug(fmt::format_string<Args...> text, Args&&... args) {
  Log(LogLevel::kDebug, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void LogInfo(fmt::format_string<Args...> text, Args&&... args) {
  Log(LogLevel::kInfo, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void LogWarning(fmt::format_string<Args...> text, Args&&... args) {
  Log(LogLevel::kWarning, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void LogError(fmt::format_string<Args...> text, Args&&... args) {
  Log(LogLevel::kError, fmt::format(text, std::forward<Args>(args)...));
}

// Writes on stderr outside the log's line format; used by the progress bar.
// `transient` text is a bar: it is erased before the next write.
void WriteStderr(const std::string& text, bool transient);

}  // namespace mapweave
