// SPDX-License-Identifier: MIT
#include "core/log.h"

#include "core/error.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <unistd.h>

namespace mapweave {
namespace {

// The one writer of stderr: knows whether a bar stands on the current line.
class Terminal {
 public:
  void Write(const std::string& text, bool transient) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (bar_open_) std::fputs("\r\x1b[2K", stderr);
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
    bar_open_ = transient && !text.empty();
  }

 private:
  std::mutex mutex_;
  bool bar_open_ = false;
};

Terminal& TheTerminal() {
  static Terminal terminal;
  return terminal;
}

class TerminalSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    TheTerminal().Write(fmt::to_string(formatted), false);
  }
  void flush_() override {}
};

spdlog::logger& Logger() {
  static std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "mapweave", std::make_shared<TerminalSink>());
    made->set_pattern("%H:%M:%S %l: %v");
    made->set_level(spdlog::level::info);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

LogLevel ParseLogLevel(const std::string& text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  if (text == "off") return LogLevel::kOff;
  throw Error(ErrorCode::kUsage, "unknown log level '" + text + "'",
              "Use debug, info, warning, error or off.");
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

void Log(LogLevel level, const std::string& message) {
  Logger().log(ToSpdlog(level), "{}", message);
}

void WriteStderr(const std::string& text, bool transient) {
  TheTerminal().Write(text, transient);
}

}  // namespace mapweave
