#pragma once
// Address translation for DNS: the namespace finds a DNS server at a virtual address (N+3, fd00::3), which no host has.
// Packets to port 53 there are rewritten to one of the configuration's servers, and the replies back. So no process has
// to listen on port 53, TCP works like UDP, and queries leave by the tunnel alone.
//
// The namespace may also query a server at its real address: the reply to that must not be rewritten. One byte per port
// and protocol of the namespace records which of the two addresses was queried last. It needs no timeout, since each
// new use of a port sets it again.
//
// Of several servers one is in use; when it has left queries unanswered for `patience`, the next query, which is
// usually the resolver's repetition, goes to the next server.

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

struct DnsRedirectOptions {
  IpAddress virtual_server;        ///< N+3 or fd00::3
  std::vector<IpAddress> servers;  ///< of the same family; the first max_servers are used; none = refuse queries
  /// The source of queries is changed from `alias` to `own`: if an engine adds N+100/24 to the interface, masqueraded
  /// packets to N+3 have that source, and no peer would accept it.
  std::optional<IpAddress> alias;
  std::optional<IpAddress> own;
};

class DnsRedirect {
 public:
  static constexpr std::size_t max_servers = 3;  ///< as many as a resolv.conf has
  static constexpr Duration patience = std::chrono::seconds(2);

  explicit DnsRedirect(const DnsRedirectOptions& options);

  /// May this be the virtual server's address, or a server's? A quick test, without false negatives.
  [[nodiscard]] bool may_concern(const std::uint8_t* address) const {
    const auto end = load_be<std::uint32_t>(address + size_ - sizeof(std::uint32_t));
    bool any = end == ends_[0];
    for (std::size_t i = 1; i <= server_count_; ++i) any |= end == ends_[i];
    return any;
  }

  enum class Outcome : std::uint8_t {
    pass,    ///< not for the virtual server, or rewritten
    refuse,  ///< for the virtual server, but no query that a server gets
    drop,    ///< like refuse, but not to be answered
  };
  /// A packet from the namespace, if its destination may_concern() this. `partial` as in replace_address().
  [[nodiscard]] Outcome outbound(ByteSpan packet, const IpView& ip, bool partial, Instant now);
  /// A packet from a peer, if its source may_concern() this.
  void inbound(ByteSpan packet, const IpView& ip);

 private:
  static constexpr std::uint8_t via_alias = 0x80;  // in a flow's byte; the rest is the server's number, 0 = none
  static constexpr std::size_t max_fragments = 16;

  /// Fragmented replies of which the first fragment was rewritten.
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
  std::array<std::array<std::uint8_t, 16>, max_servers + 1> addresses_{};  // the virtual server, then the servers
  std::array<std::uint32_t, max_servers + 1> ends_{};                      // the last four bytes of each
  std::optional<IpAddress> alias_;
  std::optional<IpAddress> own_;
  std::uint8_t current_ = 1;                        // server
  std::optional<Instant> waiting_since_;            // since the first unanswered query
  std::array<std::vector<std::uint8_t>, 2> flows_;  // UDP, TCP: a flow's byte, by port of the namespace
  std::array<Fragmented, max_fragments> fragmented_{};
  std::size_t next_fragmented_ = 0;
};

}  // namespace wg4::gateway
