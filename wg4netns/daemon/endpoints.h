#pragma once
// Peers whose endpoint is a host name: looked up at the start, retried as wg(8) does, and looked up again when a
// handshake stays unanswered, because the name may have moved. A reload may bring other names.

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"
#include "wg4netns/daemon/resolver.h"

namespace wg4 {

inline constexpr unsigned usual_name_retries = 15;  ///< as wg(8)

/// How long a name is asked for that has no address.
struct NameRetries {
  std::optional<unsigned> most;  ///< WG_ENDPOINT_RESOLUTION_RETRIES; nothing = for ever
  bool also_unknown = false;     ///< also one that does not exist: before there is a network, some resolvers say so
};

class Endpoints {
 public:
  /// Starts a resolver only if `config` has names.
  [[nodiscard]] static Result<Endpoints> create(const WgConfig& config, const NameRetries& retries,
                                                SandboxMode sandbox);
  /// From the environment variable's text: a number or "infinity"; without one it is `usual`.
  [[nodiscard]] static Result<std::optional<unsigned>> parse_retries(
      const char* text, std::optional<unsigned> usual = usual_name_retries);

  /// Waits until every name has an address, at most `patience`. Fails at once when a name is not to be asked for again;
  /// a look-up that merely takes longer goes on in the background.
  [[nodiscard]] Result<void> resolve_first(std::chrono::milliseconds patience);
  /// Adds the addresses known by now to the first configuration of the device.
  void fill_in(DeviceChange& change) const;
  [[nodiscard]] std::vector<Endpoint> resolved() const;

  /// Uses a resolver that another process starts, unless there is one of its own: for names that come later.
  void have(Resolver resolver);
  [[nodiscard]] bool has_own_resolver() const { return resolver_ && !others_resolver_; }
  /// Forgets all names but these, whose peers keep the addresses that they have by now. False if there is no resolver
  /// to look them up.
  [[nodiscard]] bool follow(const std::vector<std::pair<PublicKey, HostPort>>& names);

  /// Readable when answered() has something to do; -1 without names.
  [[nodiscard]] int fd() const { return resolver_ ? resolver_->fd() : -1; }
  /// Takes some of the resolver's answers; returns what they change. An answer without a question changes nothing.
  [[nodiscard]] DeviceChange answered(Instant now);
  /// No answer will come any more: fd() is not to be watched.
  [[nodiscard]] bool resolver_ended() const { return resolver_ && resolver_->has_ended(); }
  /// Forgets this peer's name, since the peer was given an address.
  void forget(const PublicKey& peer);
  /// A handshake with this peer was not answered.
  void unanswered(const PublicKey& peer);
  /// Asks again for names that are due.
  void expire(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  struct Name {
    PublicKey peer{};
    HostPort host;
    std::optional<Endpoint> endpoint;
    bool asked = false;  // an answer is outstanding
    bool forgotten = false;
    unsigned failures = 0;
    Instant retry_at = never;
  };

  explicit Endpoints(const NameRetries& retries) : retries_(retries) {}
  void ask(std::uint32_t id);
  [[nodiscard]] Name* asked_for(const Resolver::Answer& answer);
  [[nodiscard]] Result<void> take(Name& name, const Resolver::Answer& answer, Instant now);
  [[nodiscard]] bool all_resolved() const;

  std::optional<Resolver> resolver_;
  bool others_resolver_ = false;
  NameRetries retries_;
  std::vector<Name> names_;   // by question id
  bool told_of_end_ = false;  // of the resolver
};

}  // namespace wg4
