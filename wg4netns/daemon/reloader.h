#pragma once
// SIGHUP: a tunnel in its sandbox can neither read files nor start programs, so a process that stays outside of it, and
// never has a key, runs `wireguard4netns reload` when it is told to. Which tunnel that is, and which file, it knows
// before the tunnel hears anything from strangers; later on it takes nothing but an order (messages.h). When a
// reload has brought the first endpoint that is a host name, it starts a resolver, too.

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

  /// Names the tunnel, for good; nothing: there is none to reload. To be called before that is confined.
  [[nodiscard]] Result<void> settle(const std::optional<std::string>& tunnel) const;
  /// Asks for it; what comes of it is logged over there.
  void reload() const { order(ReloadOrder::What::reload); }
  /// The resolver that start_resolver() starts; to be taken once.
  [[nodiscard]] Resolver take_resolver() { return Resolver::at(std::move(names_)); }
  /// The first time.
  void start_resolver() const { order(ReloadOrder::What::start_resolver); }
  /// Readable when one has ended, well or not; or when nobody is there any more to do it.
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// Takes note of one that has ended; false if there is nobody any more.
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
