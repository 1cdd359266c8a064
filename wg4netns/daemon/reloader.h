#pragma once
// SIGHUP: a tunnel in its sandbox can neither read files nor start programs, so a process that stays outside of it, and
// never has a key, runs `wireguard4netns reload` when it is told to. It is told the tunnel and the file before the
// tunnel receives anything from the network; later on it takes nothing but orders (messages.h). When a reload has
// brought the first endpoint that is a host name, it starts a resolver, too.

#include <optional>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/daemon/resolver.h"

namespace wg4 {

class Reloader {
 public:
  /// For the configuration at `path`, an absolute one. To be called before any secret is read.
  [[nodiscard]] static Result<Reloader> create(const std::string& path, SandboxMode sandbox);

  /// Names the tunnel, once and for all; nothing: there is none to reload. To be called before the sandbox is entered.
  [[nodiscard]] Result<void> settle(const std::optional<std::string>& tunnel) const;
  /// Orders a reload; the other process logs its outcome.
  void reload() const { order(ReloadOrder::What::reload); }
  /// The resolver that start_resolver() starts; to be taken once.
  [[nodiscard]] Resolver take_resolver() { return Resolver::at(std::move(names_)); }
  /// Orders a resolver; a second order does nothing.
  void start_resolver() const { order(ReloadOrder::What::start_resolver); }
  /// Readable when a reload has ended, well or not; or when the other process has.
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// Takes note of a reload that has ended; false if the other process has.
  [[nodiscard]] bool take_end() const;

 private:
  Reloader(Child child, UniqueFd socket, UniqueFd names)
      : child_(std::move(child)), socket_(std::move(socket)), names_(std::move(names)) {}

  void order(ReloadOrder::What what) const;

  Child child_;
  UniqueFd socket_;
  UniqueFd names_;  // for the resolver
};

}  // namespace wg4
