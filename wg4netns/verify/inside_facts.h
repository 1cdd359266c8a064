#pragma once
// What a process sees that has entered a tunnel as a command does. It says each thing in a message as it finds it
// (look_inside.h); the last one is Rights. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/wire/kind.h"

namespace wg4::verify {

inline constexpr std::size_t max_name = 256;
inline constexpr std::size_t max_path = 4096;
inline constexpr std::size_t max_text = std::size_t{16} * 1024;  ///< bytes, of a file's beginning

struct Interface {
  static constexpr wire::Kind message_kind = wire::Kind::verify_interface;
  std::string name{};
  std::string kind{};  ///< "tun", "veth"; empty for lo
  bool up = false;

  static constexpr void fields(auto& self, auto& visit) {
    visit.text(self.name, max_name);
    visit.text(self.kind, max_name);
    visit(self.up);
  }
};

/// One by which packets leave.
struct Route {
  static constexpr wire::Kind message_kind = wire::Kind::verify_route;
  Prefix destination{};
  std::string interface{};  ///< empty: none, or several

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.destination);
    visit.text(self.interface, max_name);
  }
};

/// A file by which names are resolved.
struct NameFile {
  static constexpr wire::Kind message_kind = wire::Kind::verify_name_file;
  std::string name{};  ///< "resolv.conf"
  bool found = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t folder_device = 0;  ///< of /etc
  bool read_only = false;
  std::string text{};

  static constexpr void fields(auto& self, auto& visit) {
    visit.text(self.name, max_name);
    visit(self.found);
    visit(self.device);
    visit(self.inode);
    visit(self.folder_device);
    visit(self.read_only);
    visit.text(self.text, max_text);
  }
};

/// Something that was tried. It leads out, unless it has failed.
struct Attempt {
  static constexpr wire::Kind message_kind = wire::Kind::verify_attempt;
  enum class Kind : std::uint8_t {
    nscd,
    resolved,
    avahi,
    system_bus,
    session_bus,
    engine,           ///< Docker, Podman
    service_manager,  ///< systemd's own sockets
    run_socket,       ///< any other below /run and the runtime folder
    other_socket,     ///< of a program outside, at another place: not tried, but its file is there
    keys,             ///< files of this program's, and its control sockets
    configuration,    ///< the file of this tunnel
    memory,           ///< of the tunnel's process
    signal,           ///< to the tunnel's process, and its keeper
    typing,           ///< into the terminal that the command shares with others
  } kind = Kind::nscd;
  std::string path{};
  int error = 0;  ///< errno; 0 = it works

  static constexpr void fields(auto& self, auto& visit) {
    visit.choice(self.kind, Kind::typing);
    visit.text(self.path, max_path);
    visit.error_number(self.error);
  }
};

/// A DNS server that was asked.
struct Server {
  static constexpr wire::Kind message_kind = wire::Kind::verify_server;
  IpAddress address{};
  bool answered = false;

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.address);
    visit(self.answered);
  }
};

/// Something that could not be looked at.
struct Unseen {
  static constexpr wire::Kind message_kind = wire::Kind::verify_unseen;
  std::string what{};
  int error = 0;  ///< errno; 0 = none

  static constexpr void fields(auto& self, auto& visit) {
    visit.sentence(self.what);
    visit.error_number(self.error);
  }
};

struct Rights {
  static constexpr wire::Kind message_kind = wire::Kind::verify_rights;
  bool signals_scoped = false;    ///< by Landlock
  std::uint64_t net_cookie = 0;   ///< of sockets that are made inside (SO_NETNS_COOKIE); 0 = the kernel does not say
  std::uint32_t own_sockets = 0;  ///< with abstract names, in this network namespace

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.signals_scoped);
    visit(self.net_cookie);
    visit(self.own_sockets);
  }
};

/// All of it.
struct InsideFacts {
  std::vector<Interface> interfaces{};
  std::vector<Route> routes{};
  std::vector<NameFile> name_files{};
  std::vector<Attempt> attempts{};
  std::vector<Server> servers{};
  std::vector<Unseen> unseen{};
  std::optional<Rights> rights{};  ///< nothing: it has ended before it had seen all
};

}  // namespace wg4::verify
