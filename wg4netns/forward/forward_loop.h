#pragma once
// Published ports, theory of operation. Their packets do not pass through the tunnel: the agent in the namespace (a
// wg4netns-helper that keeps running) opens sockets there and passes them to the host, and this loop connects them to
// sockets on the host.
//
//   client ──► listener on the host ──► TcpRelay, UdpRelay ══ two sockets ══► service in the namespace
//                                          │      ▲
//              API socket ──► ApiServer    └ Dial ┴ Dialed + SCM_RIGHTS ── agent
//
// It is one loop in a process of its own (forwarder.h), which shares nothing with the tunnel. All descriptors are
// counted (fd_budget.h), so that no flood of connections takes those that the API needs. Waiting is bounded: API
// clients have a time limit, UDP flows an idle timeout. When the agent has gone, all ports are closed, and existing
// connections go on.
//
// Ways out (ways.h) are the same in the other direction, in another process of this kind: the helper has made the
// listeners, in the namespace, and this process connects in its own network, to what is allowed and nothing else.
//
//   client in the namespace ──► listener in there ──► TcpRelay, UdpRelay ══ two sockets ══► service of the host

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/api_codec.h"
#include "wg4netns/forward/api_server.h"
#include "wg4netns/forward/auto_ports.h"
#include "wg4netns/forward/dialer.h"
#include "wg4netns/forward/fd_budget.h"
#include "wg4netns/forward/host_dialer.h"
#include "wg4netns/forward/port_table.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/forward/rule_table.h"
#include "wg4netns/forward/target.h"
#include "wg4netns/forward/tcp_relay.h"
#include "wg4netns/forward/token.h"
#include "wg4netns/forward/udp_relay.h"
#include "wg4netns/forward/ways.h"

namespace wg4::forward {

struct Settings {
  std::string api_socket;       ///< path; empty = none. Descriptors::api listens there
  std::vector<Rule> published;  ///< the rules at the start
  IpAddress guest;              ///< dialed for rules and API requests that name no address in the namespace
  AutoSettings automatic;       ///< needs PortTables
  Ways ways{};                  ///< needs Descriptors::inside
  UdpRelay::Limits udp;

  [[nodiscard]] bool wanted() const { return !api_socket.empty() || !published.empty() || follows(); }
  [[nodiscard]] bool follows() const { return !automatic.excluded.empty(); }
};

class ForwardLoop {
 public:
  /// The descriptors that the loop works with.
  struct Descriptors {
    UniqueFd agent{};  ///< socket to the agent in the namespace; invalid if only ways out are wanted
    PortTables tables{};
    UniqueFd api{};                  ///< the API's listening socket; may be invalid
    std::vector<UniqueFd> inside{};  ///< listeners in the namespace, for ways out
  };
  /// All ports listen when this returns. The loop ends when `stop` becomes readable.
  [[nodiscard]] static Result<std::unique_ptr<ForwardLoop>> create(const Settings& settings, Descriptors descriptors,
                                                                   int stop);

  ForwardLoop(const ForwardLoop&) = delete;
  ForwardLoop& operator=(const ForwardLoop&) = delete;
  ~ForwardLoop() = default;

  void run();

 private:
  ForwardLoop(Loop loop, const Settings& settings, Descriptors descriptors, std::size_t fd_limit);

  [[nodiscard]] Result<void> start(const Settings& settings, UniqueFd api, std::vector<UniqueFd> inside, int stop);
  [[nodiscard]] Result<RuleId> add(const Rule& rule);
  [[nodiscard]] Result<void> publish(const Rule& rule);
  [[nodiscard]] bool remove(RuleId id);
  [[nodiscard]] std::string answer(std::string_view request);
  [[nodiscard]] Result<void> lead_out(UniqueFd listener);
  [[nodiscard]] Result<void> open(RuleId id, Protocol protocol, UniqueFd listener, Dialer& dialer, Target target);
  void take_dialed(std::vector<Dialer::Answer> answers);
  void lose_agent();
  [[nodiscard]] std::optional<std::chrono::nanoseconds> follow(std::chrono::nanoseconds now);
  void publish_same_port(AutoPorts::Port port, Reach reach);
  [[nodiscard]] int wait_ms(bool more_to_do, std::optional<std::chrono::nanoseconds> deadline) const;

  Loop loop_;
  FdBudget budget_;
  AgentDialer agent_;
  HostDialer host_;
  RuleTable rules_;
  TcpRelay tcp_;
  UdpRelay udp_;
  std::optional<ApiServer> api_;
  std::optional<AutoPorts> auto_;
  IpAddress guest_;
  Ways ways_;
};

}  // namespace wg4::forward
