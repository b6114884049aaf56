// SPDX-License-Identifier: MIT
#include "program.h"

#include "core/atomic_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mapweave::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kLimitSeconds = 300.0;
constexpr uid_t kNobody = 65534;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// In the child; only what may be called between fork and exec.
[[noreturn]] void Exec(char* const* argv, const char* out, const char* err,
                       bool as_nobody) {
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  const int out_fd = open(out, flags, 0644);
  const int err_fd = open(err, flags, 0644);
  const int in_fd = open("/dev/null", O_RDONLY);
  dup2(in_fd, STDIN_FILENO);
  dup2(out_fd, STDOUT_FILENO);
  dup2(err_fd, STDERR_FILENO);
  if (as_nobody && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) _exit(126);
  execvp(argv[0], argv);
  _exit(127);
}

}  // namespace

Program::Program(const std::string& program,
                 const std::vector<std::string>& arguments, bool as_nobody) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string out = folder_.File("out");
  const std::string err = folder_.File("err");
  started_ = Now();
  pid_ = fork();
  if (pid_ == 0) Exec(argv.data(), out.c_str(), err.c_str(), as_nobody);
}

Program::~Program() {
  if (pid_ > 0 && !ended_) {
    Signal(SIGKILL);
    Wait();
  }
}

void Program::Signal(int signal) const {
  if (!ended_) kill(pid_, signal);
}

std::string Program::ErrorText() const {
  std::error_code ignored;
  const std::string path = folder_.File("err");
  return fs::exists(path, ignored) ? ReadFile(path) : "";
}

bool Program::Poll() {
  if (ended_) return true;
  int status = 0;
  rusage usage = {};
  if (wait4(pid_, &status, WNOHANG, &usage) != pid_) return false;
  ended_ = true;
  outcome_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  outcome_.peak_kb = usage.ru_maxrss;
  outcome_.seconds = Now() - started_;
  outcome_.out = ReadFile(folder_.File("out"));
  outcome_.err = ReadFile(folder_.File("err"));
  return true;
}

bool Program::AwaitErrorText(const std::string& text) {
  while (ErrorText().find(text) == std::string::npos) {
    if (Poll()) return outcome_.err.find(text) != std::string::npos;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

const Outcome& Program::Wait() {
  while (!Poll()) {
    if (Now() - started_ > kLimitSeconds) Signal(SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return outcome_;
}

Outcome Mapweave(const std::vector<std::string>& arguments) {
  return Program(MAPWEAVE_PROGRAM, arguments).Wait();
}

Outcome RunTool(const std::string& tool,
                const std::vector<std::string>& arguments) {
  return Program(tool, arguments).Wait();
}

Json JsonOf(const Outcome& outcome) {
  Json document = Json::parse(outcome.out, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << "stdout: " << outcome.out;
  return document;
}

std::vector<std::string> FilesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace mapweave::cli
