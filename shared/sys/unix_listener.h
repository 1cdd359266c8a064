#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/unique_file.h"

namespace wg4 {

/// A non-blocking UNIX stream socket that listens at a path, which the destructor removes. Only this user can connect.
class UnixListener {
 public:
  /// Which files at the path are replaced.
  enum class Replaces : std::uint8_t {
    stale,  ///< the socket of a program that has ended; a running one is an error that names it
    all,    ///< any file
  };

  /// `what` is for errors: "--metrics unix:/some/path". At most `backlog` connections wait, or net.core.somaxconn if
  /// that is less.
  [[nodiscard]] static Result<UnixListener> create(const std::string& path, const std::string& what,
                                                   Replaces replaces = Replaces::stale, int backlog = 64);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Hands over the file, which its new owner removes.
  [[nodiscard]] UniqueFile take_file() { return std::move(file_); }
  [[nodiscard]] UniqueFd take_fd() { return std::move(fd_); }

 private:
  UnixListener(UniqueFd fd, UniqueFile file) : fd_(std::move(fd)), file_(std::move(file)) {}

  UniqueFd fd_;
  UniqueFile file_;
};

}  // namespace wg4
