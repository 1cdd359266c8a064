#pragma once
// What the namespace expects of the router at the other end of its interface: it reports packets that are too big,
// lowers the MSS of TCP connections, and makes DNS servers reachable at a virtual address. Pure: packets in, packets
// out.
//
// It costs some comparisons per super-packet, and nothing in a tunnel that has no gateway.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/time.h"
#include "wg4netns/gateway/dns_redirect.h"
#include "wg4netns/gateway/ip_view.h"
#include "wg4netns/gateway/replies.h"

namespace wg4 {

struct GatewayOptions {
  std::uint16_t mtu = 0;  ///< of the tunnel, bytes; the interface's may have become larger
  IpAddress guest;        ///< N+100; unspecified = there is none
  std::optional<IpAddress> tunnel_v4;
  IpAddress dns_v4;                ///< N+3; unspecified = there is none
  IpAddress dns_v6;                ///< fd00::3; the same
  std::vector<IpAddress> servers;  ///< behind dns_v4 and dns_v6, of either family, in order of preference
};

class Gateway {
 public:
  explicit Gateway(const GatewayOptions& options);

  enum class Verdict : std::uint8_t { pass, drop, answer };
  /// `frame` is one read of the TUN: virtio header and packet, which may be changed. After `answer`, answer() is to be
  /// sent to the namespace, and the packet is dropped.
  [[nodiscard]] Verdict outbound(ByteSpan frame, Instant now);
  [[nodiscard]] ByteView answer() const { return ByteView(answer_).first(answer_size_); }

  /// `packet` is whole, comes from a peer and goes to the namespace.
  void inbound(ByteSpan packet);

 private:
  static constexpr unsigned max_answers = 500;  // at once, and per second
  static constexpr Duration answer_interval = Duration(std::chrono::seconds(1)) / max_answers;

  [[nodiscard]] gateway::DnsRedirect& dns(bool v4) { return v4 ? dns_v4_ : dns_v6_; }
  [[nodiscard]] Verdict refuse(ByteView packet, const gateway::IpView& ip, Instant now);
  [[nodiscard]] Verdict say_too_big(ByteView packet, Instant now);
  [[nodiscard]] bool may_answer(Instant now);

  std::uint16_t mtu_;
  gateway::DnsRedirect dns_v4_;
  gateway::DnsRedirect dns_v6_;
  unsigned answers_left_ = max_answers;
  Instant refilled_{};
  std::size_t answer_size_ = 0;
  std::array<std::uint8_t, gateway::max_reply> answer_;
};

}  // namespace wg4
