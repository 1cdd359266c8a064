#pragma once
// What the two programs say to each other over a SOCK_SEQPACKET pair. Pure: who sends it is in
// shared/wire/message_socket.h, and how it looks as bytes in shared/wire/wire.h.
//
//   host -> helper   Begin      with the descriptors of the two namespaces attached, or of a TUN that serves
//   helper -> host   TunReady   with the TUN descriptor(s) attached
//   helper -> host   Listening  if listeners were asked for, with them
//   host -> helper   PlanPart   in as many messages as it takes; the last one says so
//   helper -> host   Done
//   helper -> host   Failure    instead of any of its own messages; it then exits
//
// For an interface that serves already (a reload) TunReady has no descriptors.
//
// A helper that was asked to stay is then the agent for published ports:
//
//   host -> helper   Dial
//   helper -> host   Dialed     one for each Dial, in their order, with the socket attached
//
// No message has room for a key.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/link/link_plan.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/wire/kind.h"

namespace wg4::handoff {

inline constexpr int helper_socket = 3;  ///< where the helper finds its end; it has no arguments
inline constexpr std::size_t max_tun_fds = 64;
inline constexpr std::size_t max_begin_fds = 2;
inline constexpr std::size_t max_name_size = 4096;  // bytes; a path is not longer either (PATH_MAX)
inline constexpr std::size_t max_ifname_size = 15;  // bytes, as the kernel has it
inline constexpr std::size_t max_port_tables = 4;
inline constexpr std::size_t max_listeners = 250;
inline constexpr std::size_t max_warnings = 10;                               // so that Done fits
inline constexpr std::size_t max_changes = 5;                                 // likewise
inline constexpr std::size_t max_plan_size = std::size_t{256} * 1024 * 1024;  // bytes; what 64 MiB of text can ask for

/// Whether the plan is applied to the interface.
enum class Configure : std::uint8_t {
  automatic,  ///< all of it, unless the interface existed before: then its owner does it
  yes,        ///< MTU, addresses, routes; the interface is brought up
  no,         ///< nothing
  mtu,        ///< its MTU and queue length alone; it stays down
};

/// What the helper is to do. Attached are the network namespace that gets the interface, and the user namespace that
/// has the rights over it.
struct Begin {
  static constexpr wire::Kind message_kind = wire::Kind::begin;
  /// Instead of all that: a TUN's descriptor is attached, whose interface serves already and follows another plan. Only
  /// `sandbox` counts then.
  bool follows = false;
  std::string target{};  ///< what the user calls the two namespaces
  std::string ifname = "wg0";
  bool vnet_hdr = false;     ///< packets carry a virtio_net_hdr
  unsigned queues = 1;       ///< 1..max_tun_fds; as many descriptors come with TunReady
  bool await_owner = false;  ///< a TAP that is there is left to its owner until that has configured it
  Configure configure = Configure::automatic;
  SandboxMode sandbox = SandboxMode::automatic;
  bool agent = false;                     ///< stay, and dial for published ports
  bool port_tables = false;               ///< attach the tables of what the namespace listens on to Done
  std::vector<Endpoint> tcp_listeners{};  ///< in the namespace, for what it sends to itself; together max_listeners
  std::vector<Endpoint> udp_listeners{};

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.follows);
    visit.text(self.target, max_name_size);
    visit.text(self.ifname, max_name_size);  // the helper says what is wrong with one that is too long
    visit(self.vnet_hdr);
    visit.ranged(self.queues, 1, max_tun_fds);
    visit(self.await_owner);
    visit.choice(self.configure, Configure::mtu);
    visit.choice(self.sandbox, SandboxMode::off);
    visit(self.agent);
    visit(self.port_tables);
    visit.list(self.tcp_listeners, max_listeners);
    visit.list(self.udp_listeners, max_listeners);
  }
};

/// The TUN exists in the target namespace; its descriptors are attached to this message.
struct TunReady {
  static constexpr wire::Kind message_kind = wire::Kind::tun_ready;
  std::string ifname{};         ///< the real name, as the kernel gave it
  std::uint16_t tun_flags = 0;  ///< IFF_* that the device was made with (IFF_VNET_HDR, IFF_MULTI_QUEUE)
  bool existed = false;         ///< the interface was there before us: its owner configures it

  static constexpr void fields(auto& self, auto& visit) {
    visit.name(self.ifname, max_ifname_size);
    visit(self.tun_flags);
    visit(self.existed);
  }
};

/// Attached are the listeners that Begin asked for, as far as the namespace has their addresses.
struct Listening {
  static constexpr wire::Kind message_kind = wire::Kind::listening;
  static constexpr std::size_t max_size = 8;

  static constexpr void fields(auto& /*self*/, auto& /*visit*/) {}
};

/// A piece of a Plan's bytes.
struct PlanPart {
  static constexpr wire::Kind message_kind = wire::Kind::plan_part;
  std::vector<std::uint8_t> bytes{};
  bool last = false;

  static constexpr void fields(auto& self, auto& visit) {
    visit.bytes(self.bytes, max_plan_size);
    visit(self.last);
  }
};

/// Never sent whole.
struct Plan {
  static constexpr wire::Kind message_kind = wire::Kind::plan;
  static constexpr std::size_t max_size = max_plan_size;
  LinkPlan plan{};

  static constexpr void fields(auto& self, auto& visit) { LinkPlan::fields(self.plan, visit); }
};

/// The plan is in force. The namespace's tables of open ports are attached if they were asked for: tcp, udp and, where
/// there is IPv6, tcp6, udp6.
struct Done {
  static constexpr wire::Kind message_kind = wire::Kind::done;
  std::vector<std::string> warnings{};  ///< one sentence each
  std::vector<std::string> changes{};   ///< of an interface that serves: "MTU 1300", "routes set: ..."

  static constexpr void fields(auto& self, auto& visit) {
    visit.sentences(self.warnings, max_warnings);
    visit.sentences(self.changes, max_changes);
  }
};

/// The helper gave up; it leaves nothing behind.
struct Failure {
  static constexpr wire::Kind message_kind = wire::Kind::failure;
  Error error{};

  static constexpr void fields(auto& self, auto& visit) {
    visit.sentence(self.error.what);
    visit.error_number(self.error.number);
    visit.sentence(self.error.hint);
  }
};

/// A connection to something in the namespace is wanted.
struct Dial {
  static constexpr wire::Kind message_kind = wire::Kind::dial;
  static constexpr std::size_t max_size = 32;
  Protocol protocol = Protocol::tcp;
  IpAddress address{};
  std::uint16_t port = 0;

  static constexpr void fields(auto& self, auto& visit) {
    visit.choice(self.protocol, Protocol::udp);
    visit(self.address);
    visit(self.port);
  }
};

/// With 0 a non-blocking socket is attached, whose connection is under way (TCP) or made (UDP).
struct Dialed {
  static constexpr wire::Kind message_kind = wire::Kind::dialed;
  static constexpr std::size_t max_size = 8;
  int error = 0;  ///< errno

  static constexpr void fields(auto& self, auto& visit) { visit.error_number(self.error); }
};

/// Cuts a plan into parts that each fit a message; at least one, and only the final one is `last`.
[[nodiscard]] Result<std::vector<PlanPart>> split(const LinkPlan& plan);

/// Puts the parts together again.
class PlanReader {
 public:
  /// The plan, once the last part is there. More than max_plan_size, or what is no plan, is an error.
  [[nodiscard]] Result<std::optional<LinkPlan>> add(const PlanPart& part);

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace wg4::handoff
