#pragma once
// What a keeper and its clients say to each other (keeper.h). Pure.
//
// With the client that makes the tunnel (NewKeeper in keeper_client.h), over a socket pair, in this order; the keeper
// may answer Failure at any step:
//
//   keeper -> maker   UserNamespaceMade
//   maker -> keeper   IdsMapped
//   keeper -> maker   NamespacesMade   with what a tunnel is attached to
//   maker -> keeper   MakeView         once the tunnel has read which servers resolve names
//   keeper -> maker   ViewMade
//   maker -> keeper   Serve            with the tunnel's pidfd, once it works; from here on the maker is a client
//
// Clients are greeted when they connect: a keeper that is being killed takes connections until the kernel closes its
// socket, but greets nobody. Each waits for the answer to one message before it sends the next:
//
//             Done      the greeting
//   Join      Joined, with the namespaces; or Failure
//   Inside    Done: the process whose pidfd is attached is counted
//   Names     Done, or with done = false if that is so already; or Failure
//   Order     what it says there
//   ForwardedPort   Done: the client keeps that port, until it closes the connection

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "netns-helper/container/id_mapping.h"
#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "shared/wire/kind.h"

namespace wg4::keeper {

inline constexpr std::uint32_t version = 3;  ///< of what keepers do; clients of another one cannot join
inline constexpr std::size_t max_name = 256;
inline constexpr std::size_t max_path = 4096;
inline constexpr std::size_t max_options = 128;
inline constexpr std::size_t max_option = 1024;
inline constexpr std::size_t max_servers = 64;
inline constexpr std::size_t max_text = std::size_t{16} * 1024;  ///< bytes, of a file for the namespace
inline constexpr std::size_t max_failure = 8192;                 ///< bytes, of what has failed and of its hint
inline constexpr std::size_t max_processes = 256;                ///< told; there may be more

struct UserNamespaceMade {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_user_namespace;
  bool made = true;
  static constexpr void fields(auto& self, auto& visit) { visit(self.made); }
};

/// How the user's ids look inside.
struct IdsMapped {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_ids;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  container::Rung rung = container::Rung::direct;
  bool sub_ids = false;

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.uid);
    visit(self.gid);
    visit.choice(self.rung, container::Rung::helper_uid_only);
    visit(self.sub_ids);
  }
  friend bool operator==(const IdsMapped&, const IdsMapped&) = default;
};

/// Attached: the keeper's pidfd, its user namespace, its network namespace.
struct NamespacesMade {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_namespaces;
  static constexpr std::size_t fds = 3;
  std::uint32_t pid = 0;  ///< the keeper's, as the maker sees it

  static constexpr void fields(auto& self, auto& visit) { visit(self.pid); }
};

/// What commands are to see of names.
struct MakeView {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_view;
  std::vector<IpAddress> servers{};
  std::vector<std::string> search{};
  std::vector<std::string> hosts{};  ///< lines for /etc/hosts
  std::string hosts_text{};          ///< instead of all of /etc/hosts, unless empty

  static constexpr void fields(auto& self, auto& visit) {
    visit.list(self.servers, max_servers);
    visit.texts(self.search, max_servers, max_name);
    visit.texts(self.hosts, max_options, max_option);
    visit.text(self.hosts_text, max_text);
  }
};

struct ViewMade {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_view_made;
  std::vector<std::string> open{};  ///< paths of the host's services that stay reachable

  static constexpr void fields(auto& self, auto& visit) { visit.texts(self.open, max_options, max_path); }
};

/// Attached: the tunnel's pidfd.
struct Serve {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_serve;
  std::uint32_t keeper = 0;  ///< PIDs, as the maker sees them
  std::uint32_t tunnel = 0;
  std::string config{};                ///< absolute path
  std::vector<std::string> options{};  ///< as they were given: "--dns=10.0.0.1"
  std::vector<std::string> addresses{};
  std::vector<IpAddress> peers{};   ///< one address behind each peer: a packet to it begins a session
  std::vector<std::string> ways{};  ///< out, beside the tunnel; for people

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.keeper);
    visit(self.tunnel);
    visit.text(self.config, max_path);
    visit.texts(self.options, max_options, max_option);
    visit.texts(self.addresses, max_servers, max_name);
    visit.list(self.peers, max_servers);
    visit.texts(self.ways, max_options, max_option);
  }
  friend bool operator==(const Serve&, const Serve&) = default;
};

struct Failure {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_failure;
  Error error{};

  static constexpr void fields(auto& self, auto& visit) {
    visit.text(self.error.what, max_failure);  // of several lines, if it tells what was tried
    visit.error_number(self.error.number);
    visit.text(self.error.hint, max_failure);
  }
};

struct Join {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_join;
  std::uint32_t version = keeper::version;
  std::string config{};                ///< that it must run with; empty = any
  std::vector<std::string> options{};  ///< that it must run with

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.version);
    visit.text(self.config, max_path);
    visit.texts(self.options, max_options, max_option);
  }
};

/// Attached: namespaces of user, mounts and network; the tunnel's pidfd; the keeper's; with `own_pids` the namespace of
/// processes; with `contained` those of IPC, host name and cgroups, and the rules (container::read_rules()).
struct Joined {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_joined;
  static constexpr std::size_t usual_fds = 5;
  static constexpr std::size_t container_fds = 4;
  static constexpr std::size_t max_fds = usual_fds + 1 + container_fds;
  IdsMapped ids{};
  bool own_pids = false;
  bool contained = false;
  std::string directory{};  ///< inside a container: where a command starts whose working directory is not there
  std::vector<std::string> addresses{};
  std::vector<IpAddress> peers{};
  std::uint16_t forwarded_port = 0;  ///< by the provider; 0 = none

  static constexpr void fields(auto& self, auto& visit) {
    IdsMapped::fields(self.ids, visit);
    visit(self.own_pids);
    visit(self.contained);
    visit.text(self.directory, max_path);
    visit.texts(self.addresses, max_servers, max_name);
    visit.list(self.peers, max_servers);
    visit(self.forwarded_port);
  }

  /// How many descriptors come along.
  [[nodiscard]] std::size_t fds() const { return usual_fds + (own_pids ? 1 : 0) + (contained ? container_fds : 0); }
};

/// Attached: the pidfd of a process inside.
struct Inside {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_process_inside;
  std::uint32_t pid = 0;
  static constexpr void fields(auto& self, auto& visit) { visit(self.pid); }
};

/// The configuration has been read again.
struct Names {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_names;
  std::vector<IpAddress> servers{};
  std::vector<std::string> search{};
  std::vector<std::string> addresses{};  ///< as of Serve
  std::vector<IpAddress> peers{};

  static constexpr void fields(auto& self, auto& visit) {
    visit.list(self.servers, max_servers);
    visit.texts(self.search, max_servers, max_name);
    visit.texts(self.addresses, max_servers, max_name);
    visit.list(self.peers, max_servers);
  }
  friend bool operator==(const Names&, const Names&) = default;
};

/// Attached: the pidfd of the process that says so. The keeper awaits its end before it ends itself.
struct ForwardedPort {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_forwarded_port;
  std::uint16_t port = 0;  ///< 0 = none at the moment
  static constexpr void fields(auto& self, auto& visit) { visit(self.port); }
};

struct Done {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_done;
  bool done = true;
  static constexpr void fields(auto& self, auto& visit) { visit(self.done); }
};

/// The keeper goes on.
struct Settled {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_settled;
  bool kept = false;  ///< by Order::What::keep, and not for a process inside
  static constexpr void fields(auto& self, auto& visit) { visit(self.kept); }
};

struct Order {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_order;
  enum class What : std::uint8_t {
    settle,        ///< Settled, or the keeper ends: a process that was inside has ended; is anything left?
    keep,          ///< Done: from here on the tunnel stays when nobody is inside
    end,           ///< Failure if processes are inside, or the keeper ends
    end_by_force,  ///< processes inside are ended, and the keeper
    ask,           ///< State
    await_end,     ///< Done, later, when the tunnel has ended by an order; Failure when its process ends by itself
  } what = What::ask;

  static constexpr void fields(auto& self, auto& visit) { visit.choice(self.what, What::await_end); }
};

struct State {
  static constexpr wire::Kind message_kind = wire::Kind::keeper_state;
  std::uint32_t keeper = 0;  ///< PIDs, as the host sees them
  std::uint32_t tunnel = 0;
  bool tunnel_runs = false;
  bool kept = false;
  bool own_pids = false;
  IdsMapped ids{};
  std::string config{};
  std::vector<std::string> options{};
  std::vector<std::string> addresses{};
  std::vector<std::string> open{};
  std::vector<std::string> ways{};
  std::uint16_t forwarded_port = 0;
  std::uint64_t net = 0;              ///< inode of the network namespace
  std::vector<std::string> inside{};  ///< PIDs of processes inside; with `own_pids`, as these see them

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.keeper);
    visit(self.tunnel);
    visit(self.tunnel_runs);
    visit(self.kept);
    visit(self.own_pids);
    IdsMapped::fields(self.ids, visit);
    visit.text(self.config, max_path);
    visit.texts(self.options, max_options, max_option);
    visit.texts(self.addresses, max_servers, max_name);
    visit.texts(self.open, max_options, max_path);
    visit.texts(self.ways, max_options, max_option);
    visit(self.forwarded_port);
    visit(self.net);
    visit.texts(self.inside, max_processes, max_name);
  }
};

}  // namespace wg4::keeper
