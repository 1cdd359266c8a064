#pragma once
// SIGHUP: a tunnel in its sandbox can neither read files nor start programs, so a process that stays outside of it, and
// never has a key, runs `wireguard4netns reload` when it is told to. All that it is told is the tunnel's name.

#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"

namespace wg4 {

class Reloader {
 public:
  /// For the configuration at `path`, an absolute one. To be called before any secret is read.
  [[nodiscard]] static Result<Reloader> create(const std::string& path);

  /// Asks for it; what comes of it is logged over there.
  void reload(const std::string& tunnel) const;
  /// Readable when one has ended, well or not; or when nobody is there any more to do it.
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// Takes note of one that has ended; false if there is nobody any more.
  [[nodiscard]] bool take_end() const;

 private:
  Reloader(Child child, UniqueFd socket) : child_(std::move(child)), socket_(std::move(socket)) {}

  Child child_;
  UniqueFd socket_;
};

}  // namespace wg4
