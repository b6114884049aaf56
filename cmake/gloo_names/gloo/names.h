// SPDX-License-Identifier: MIT
//
// The names of Gloo that c10d's header for it mentions, for a LibTorch that is
// installed without Gloo's own headers, as Debian's is. They are enough to
// declare c10d::ProcessGroupGloo, whose code lies in LibTorch. Nothing here is
// made, used or destroyed outside of LibTorch: destructors are declared and not
// defined, so that code which did so would not link.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace gloo {

class Context;

namespace rendezvous {

class Store {
 public:
  static constexpr std::chrono::milliseconds kDefaultTimeout =
      std::chrono::seconds(30);

  virtual ~Store();
  virtual void set(const std::string& key, const std::vector<char>& data) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys,
                    const std::chrono::milliseconds& timeout) = 0;
};

}  // namespace rendezvous

namespace transport {

class Device;

class UnboundBuffer {
 public:
  virtual ~UnboundBuffer();
};

}  // namespace transport

}  // namespace gloo
