#pragma once
// Links, addresses and routes of the network namespace that the socket was opened in: rtnetlink(7) through libmnl, in
// this process. No program is run for this: after joining a nested user namespace, exec would lose the rights.
//
// Errors have the errno of the kernel's answer, and its error text if there is one (NETLINK_EXT_ACK).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

struct mnl_socket;
struct nlmsghdr;

namespace wg4 {

/// Properties that only TUN and TAP devices have.
struct TunTraits {
  bool tap = false;
  bool persistent = false;
  bool multi_queue = false;
};

struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::string kind;       ///< "tun", "veth", "bridge", ...; empty for hardware and lo
  std::uint32_t mtu = 0;  ///< bytes
  bool up = false;
  bool carrier = false;          ///< for a TUN or TAP: some process has a queue of it open
  std::optional<TunTraits> tun;  ///< if the kernel reports them (Linux 4.20)
};

struct LinkChange {
  std::optional<std::uint32_t> mtu = std::nullopt;           ///< bytes
  std::optional<std::uint32_t> queue_length = std::nullopt;  ///< packets
};

struct RouteOptions {
  std::uint32_t table = 0;                                   ///< 0 = main
  std::optional<IpAddress> preferred_source = std::nullopt;  ///< of the routes' own family
  std::uint32_t mtu = 0;                                     ///< bytes; 0 = the link's
  std::optional<IpAddress> gateway = std::nullopt;           ///< next hop of default routes, in any network
};

/// A route of a link, in any table, that add_routes() may have made.
struct OwnRoute {
  Prefix destination;
  std::uint32_t table = 0;
  friend auto operator<=>(const OwnRoute&, const OwnRoute&) = default;
};

/// A route by which packets leave, in any table.
struct WayOut {
  Prefix destination;
  std::uint32_t link = 0;  ///< index; 0 = none, or several
};

/// A route that could not be added because another interface has the same one.
struct RouteConflict {
  Prefix route;
  std::string owner;  ///< name of that interface; empty if the route has several, or none
};

/// An address or a route of a link, as a message of the kernel.
using LinkEntry = std::vector<std::uint8_t>;

class Netlink {
 public:
  /// Works on the network namespace in which this thread is now, also after the thread has left it.
  [[nodiscard]] static Result<Netlink> open();

  /// Nothing if there is no such interface.
  [[nodiscard]] Result<std::optional<Link>> link(const std::string& name);
  [[nodiscard]] Result<std::vector<Link>> links();
  [[nodiscard]] Result<void> delete_link(const Link& link);
  [[nodiscard]] Result<void> change_link(const Link& link, const LinkChange& change);
  /// Linux before 6.2 does not rename an interface that is up: EBUSY.
  [[nodiscard]] Result<void> rename_link(const Link& link, const std::string& name);
  [[nodiscard]] Result<void> bring_up(const Link& link);
  [[nodiscard]] Result<void> bring_down(const Link& link);
  /// Prevents an automatic link-local IPv6 address, and so router solicitations. EAFNOSUPPORT without IPv6.
  [[nodiscard]] Result<void> suppress_link_local(const Link& link);

  /// Adds an address; IPv6 without duplicate address detection. No error if the link has it already. If IPv6 is off:
  /// EACCES (by sysctl), EOPNOTSUPP or EAFNOSUPPORT (no IPv6 in the kernel).
  [[nodiscard]] Result<void> add_address(const Link& link, const Prefix& address);

  /// All addresses of the link, without those that the kernel added by itself.
  [[nodiscard]] Result<std::vector<Prefix>> addresses(const Link& link);
  /// No error if the link does not have the address.
  [[nodiscard]] Result<void> remove_address(const Link& link, const Prefix& address);

  /// Adds routes directly to the link, marked "proto static", many per system call. No error for a route that the link
  /// has already. Routes that another interface has are not changed, and returned. Errors without IPv6 are those of
  /// add_address().
  [[nodiscard]] Result<std::vector<RouteConflict>> add_routes(const Link& link, std::span<const Prefix> routes,
                                                              const RouteOptions& options = {});

  /// All addresses of the network are this namespace's own then, as those of 127.0.0.0/8 are. No error if they are.
  [[nodiscard]] Result<void> add_local_network(const Link& loopback, const Prefix& network);

  /// The addresses of `link`, then its routes, those with gateways last; without those that the kernel added by itself.
  [[nodiscard]] Result<std::vector<LinkEntry>> entries(const Link& link);
  /// Adds an entry of another link to `link`. No error if it has that already.
  [[nodiscard]] Result<void> add_entry(const Link& link, LinkEntry entry);
  /// The link's routes that are marked "proto static".
  [[nodiscard]] Result<std::vector<OwnRoute>> own_routes(const Link& link);
  /// No error for a route that does not exist.
  [[nodiscard]] Result<void> remove_routes(const Link& link, std::span<const OwnRoute> routes);

  /// All routes of this network namespace but those to its own addresses, to groups, and to nowhere.
  [[nodiscard]] Result<std::vector<WayOut>> ways_out();

  /// Is there an IPv4 default route through `link`, in the main table?
  [[nodiscard]] Result<bool> has_default_route(const Link& link);

  /// The MTU of the route to `endpoint` in bytes: of the route itself or the path if known, else of its interface.
  /// ENETUNREACH (or the route's own error) if there is no route.
  [[nodiscard]] Result<std::uint32_t> route_mtu(const Endpoint& endpoint);

 private:
  struct SocketCloser {
    void operator()(mnl_socket* socket) const;
  };
  using Socket = std::unique_ptr<mnl_socket, SocketCloser>;
  using OnMessage = std::function<void(const nlmsghdr*)>;
  /// The kernel's error for one message of a batch.
  struct Refusal {
    std::uint32_t sequence = 0;
    int number = 0;    // errno
    std::string text;  // extended ack; may be empty
  };

  explicit Netlink(Socket socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Result<void> set_up(const Link& link, bool up);
  [[nodiscard]] Result<void> send_one(nlmsghdr* message, const std::string& what);
  [[nodiscard]] Result<void> send_one(nlmsghdr* message, const std::string& what, const OnMessage& on_message);
  [[nodiscard]] Result<std::vector<Refusal>> converse(ByteView messages, std::uint32_t last,
                                                      const OnMessage& on_message);
  [[nodiscard]] Result<std::vector<Prefix>> add_route_batch(const Link& link, std::span<const Prefix> routes,
                                                            const RouteOptions& options);
  [[nodiscard]] Result<std::vector<RouteConflict>> owned_by_others(const Link& link, std::span<const Prefix> routes,
                                                                   std::uint32_t table);
  [[nodiscard]] Result<std::optional<Link>> get_link(nlmsghdr* message, const std::string& what);
  [[nodiscard]] Result<std::optional<Link>> link_at(std::uint32_t index);

  Socket socket_;
  std::uint32_t sequence_ = 0;  // of the latest message sent
};

}  // namespace wg4
