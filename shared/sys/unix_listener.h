#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/unique_file.h"

namespace wg4 {

/// A UNIX stream socket that listens at a path, which is removed at the end. Only this user can connect. It does not
/// block.
class UnixListener {
 public:
  /// What is replaced at a path.
  enum class Replaces : std::uint8_t {
    the_dead,  ///< what a program that has died left there; one that lives is an error that names it
    all,       ///< whatever is there
  };

  /// Errors call it `what`: "--metrics unix:/some/path". So many connections wait at most as `backlog` says, or
  /// net.core.somaxconn if that is less.
  [[nodiscard]] static Result<UnixListener> create(const std::string& path, const std::string& what,
                                                   Replaces replaces = Replaces::the_dead, int backlog = 64);

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The file, for somebody else to remove.
  [[nodiscard]] UniqueFile take_file() { return std::move(file_); }
  [[nodiscard]] UniqueFd take_fd() { return std::move(fd_); }

 private:
  UnixListener(UniqueFd fd, UniqueFile file) : fd_(std::move(fd)), file_(std::move(file)) {}

  UniqueFd fd_;
  UniqueFile file_;
};

}  // namespace wg4
