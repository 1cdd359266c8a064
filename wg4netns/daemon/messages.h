#pragma once
// The messages between the tunnel and the processes beside it (shared/wire/wire.h). The tunnel reads packets of
// strangers: an attacker who has taken it over can say no more than these.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/wire/kind.h"

namespace wg4 {

// ---------------------------------------------------------------- the resolver

/// Asks for the address of a host.
struct NameQuestion {
  static constexpr wire::Kind message_kind = wire::Kind::name_question;
  static constexpr std::size_t max_size = 1024;
  std::uint32_t id = 0;
  std::string host{};
  std::uint16_t port = 0;

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.id);
    visit.text(self.host, max_size);
    visit(self.port);
  }
};

struct NameAnswer {
  static constexpr wire::Kind message_kind = wire::Kind::name_answer;
  static constexpr std::size_t max_size = 64;
  static constexpr int min_error = -1000;  // netdb.h numbers its errors from -1 downwards
  std::uint32_t id = 0;                    ///< of the question
  int error = 0;                           ///< an EAI_ number of netdb.h; 0 = resolved
  Endpoint endpoint{};                     ///< the address that the system puts first

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.id);
    visit.ranged(self.error, min_error, 0);
    visit(self.endpoint);
  }
};

// ---------------------------------------------------------------- the process that reloads

/// Sent once, before the tunnel receives anything from the network.
struct TunnelToReload {
  static constexpr wire::Kind message_kind = wire::Kind::tunnel_to_reload;
  static constexpr std::size_t max_size = 64;
  std::string control{};  ///< the name of its control socket; empty = there is none to reload

  static constexpr void fields(auto& self, auto& visit) { visit.text(self.control, max_size); }
};

struct ReloadOrder {
  static constexpr wire::Kind message_kind = wire::Kind::reload_order;
  static constexpr std::size_t max_size = 8;
  enum class What : std::uint8_t { reload, start_resolver } what = What::reload;

  static constexpr void fields(auto& self, auto& visit) { visit.choice(self.what, What::start_resolver); }
};

/// A reload has ended, well or not.
struct ReloadEnded {
  static constexpr wire::Kind message_kind = wire::Kind::reload_ended;
  static constexpr std::size_t max_size = 8;

  static constexpr void fields(auto& /*self*/, auto& /*visit*/) {}
};

// ---------------------------------------------------------------- the process that tidies up

/// For each name the descriptors of the folder and of the file itself are attached: so only a file that the program has
/// made is removed, however late that happens.
struct FilesToRemove {
  static constexpr wire::Kind message_kind = wire::Kind::files_to_remove;
  static constexpr std::size_t max_files = 8;
  static constexpr std::size_t max_name = 255;  // bytes: NAME_MAX
  std::vector<std::string> names{};

  static constexpr void fields(auto& self, auto& visit) { visit.texts(self.names, max_files, max_name); }
};

// ---------------------------------------------------------------- the command that started the tunnel

/// What the configuration says of names and addresses, for commands that run in the tunnel.
struct TunnelNames {
  static constexpr wire::Kind message_kind = wire::Kind::tunnel_names;
  static constexpr std::size_t max_servers = 64;
  static constexpr std::size_t max_name = 256;
  std::vector<IpAddress> servers{};
  std::vector<std::string> search{};
  std::vector<std::string> addresses{};  ///< of the interface: "10.0.0.2/32"
  std::vector<IpAddress> peers{};        ///< an address of each peer's, a packet to which begins a session

  static constexpr void fields(auto& self, auto& visit) {
    visit.list(self.servers, max_servers);
    visit.texts(self.search, max_servers, max_name);
    visit.texts(self.addresses, max_servers, max_name);
    visit.list(self.peers, max_servers);
  }
};

}  // namespace wg4
