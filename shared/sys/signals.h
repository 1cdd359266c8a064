#pragma once

#include <sys/signalfd.h>

#include <csignal>
#include <initializer_list>
#include <optional>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Signals as a descriptor: they are blocked in the process and read in the loop, so that no code runs in a handler.
class SignalFd {
 public:
  [[nodiscard]] static Result<SignalFd> create(std::initializer_list<int> signals);
  [[nodiscard]] static Result<SignalFd> create(const sigset_t& signals);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next pending signal's number.
  [[nodiscard]] std::optional<int> read();
  /// The next pending signal, with who sent it and why.
  [[nodiscard]] std::optional<signalfd_siginfo> read_info();

 private:
  explicit SignalFd(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// What a program inherits through exec(2): the signals that this process blocks, and those that it ignores.
class SignalState {
 public:
  [[nodiscard]] static SignalState current();

  void restore_mask() const;
  /// Signals that were not ignored get their default action, as exec(2) does with handlers.
  void restore_actions() const;

 private:
  sigset_t blocked_{};
  sigset_t ignored_{};
};

}  // namespace wg4
