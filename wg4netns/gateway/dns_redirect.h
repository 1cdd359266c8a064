#pragma once
// An address at which the namespace finds a DNS server, although nobody is there: port 53 of the "door" (N+3, fd00::3)
// and port 53 of the configuration's servers are exchanged in the packets. So port 53 stays free for the namespace's
// own use, TCP needs nothing more than UDP, and no query can end anywhere but in the tunnel.
//
// Replies must come back from the door only to who has asked there: the namespace may also talk to the server by its
// own address. A byte for each port and protocol of the namespace remembers which of the two it was last. Nothing ages,
// since a port that is used anew says anew what it is for.
//
// Of several servers one is in use; when it leaves queries unanswered for `patience`, the next query goes to the next
// one. That is when a resolver repeats its query.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/time.h"
#include "wg4netns/gateway/ip_view.h"

namespace wg4::gateway {

struct DnsDoorOptions {
  IpAddress door;
  std::vector<IpAddress> servers;  ///< of the door's family; the first max_servers are used; none = refuse
  /// Queries that leave from `alias` go out as from `own`: an engine that adds N+100/24 to the interface makes that the
  /// source of masqueraded packets to N+3, and no peer would take it.
  std::optional<IpAddress> alias;
  std::optional<IpAddress> own;
};

class DnsDoor {
 public:
  static constexpr std::size_t max_servers = 3;  ///< as many as a resolv.conf has
  static constexpr Duration patience = std::chrono::seconds(2);

  explicit DnsDoor(const DnsDoorOptions& options);

  /// Is the door or a server at this address? A first look that lets few others through.
  [[nodiscard]] bool may_concern(const std::uint8_t* address) const {
    const auto end = load_be<std::uint32_t>(address + size_ - sizeof(std::uint32_t));
    bool any = end == ends_[0];
    for (std::size_t i = 1; i <= server_count_; ++i) any |= end == ends_[i];
    return any;
  }

  enum class Outcome : std::uint8_t {
    pass,    ///< not for the door, or rewritten
    refuse,  ///< for the door, and nobody is there for it
    drop,    ///< the same, and not to be answered
  };
  /// A packet that leaves the namespace, and whose destination may_concern() this. `partial` as in replace_address().
  [[nodiscard]] Outcome outbound(ByteSpan packet, const IpView& ip, bool partial, Instant now);
  /// A packet that the tunnel brings, and whose source may_concern() this.
  void inbound(ByteSpan packet, const IpView& ip);

 private:
  static constexpr std::uint8_t via_alias = 0x80;  // in a flow's byte; the rest is the server's number, 0 = none
  static constexpr std::size_t max_fragments = 16;

  /// Replies that are under way in pieces, and of which the first was rewritten.
  struct Fragmented {
    std::uint32_t id = 0;
    std::uint8_t flow = 0;  // 0 = unused
  };

  [[nodiscard]] ByteView address(std::size_t number) const { return ByteView(addresses_[number]).first(size_); }
  [[nodiscard]] bool is_at(ByteView packet, std::size_t offset, ByteView wanted) const;
  [[nodiscard]] std::uint8_t server_at(ByteView packet, std::size_t offset) const;
  [[nodiscard]] std::uint8_t& flow(const IpView& ip, const std::uint8_t* port);
  [[nodiscard]] std::uint8_t server_for_query(Instant now);
  void rewrite_query(ByteSpan packet, const IpView& ip, std::uint8_t flow, bool partial);
  void rewrite_reply(ByteSpan packet, const IpView& ip, std::uint8_t flow);

  std::size_t size_;                                                       // of an address, bytes
  std::size_t server_count_;                                               // 1..server_count_ are servers
  std::array<std::array<std::uint8_t, 16>, max_servers + 1> addresses_{};  // the door, then the servers
  std::array<std::uint32_t, max_servers + 1> ends_{};                      // the last four bytes of each
  std::optional<IpAddress> alias_;
  std::optional<IpAddress> own_;
  std::uint8_t current_ = 1;                        // server
  std::optional<Instant> waiting_since_;            // of the first query without an answer
  std::array<std::vector<std::uint8_t>, 2> flows_;  // UDP, TCP: by port of the namespace
  std::array<Fragmented, max_fragments> fragmented_{};
  std::size_t next_fragmented_ = 0;
};

}  // namespace wg4::gateway
