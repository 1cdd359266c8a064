#pragma once
// The requests of all commands that run a tunnel, as values, whichever program this one is called as.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/handoff/handoff.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/daemon/container_resolv_conf.h"
#include "wg4netns/daemon/engine_network.h"
#include "wg4netns/daemon/observe.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/forward/forward_loop.h"
#include "wg4netns/forward/ways.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {

/// The work that is left to the kernel where it can do it; --no-offload switches each off by its name.
struct Offloads {
  bool vnet_header = true;  ///< "vnet-hdr": super-packets at the TUN at all
  bool checksum = true;     ///< "checksum"
  bool tso = true;          ///< "tso": TCP
  bool uso = true;          ///< "uso": UDP
  bool udp_segment = true;  ///< "udp-segment"
  bool udp_gro = true;      ///< "udp-gro"
};

/// The options that every command takes that runs a tunnel.
struct TunnelOptions {
  std::optional<std::string> config;
  NamedBy config_named_by = NamedBy::user;
  std::optional<std::string> profile;  ///< a configuration by its name; not together with `config`
  std::string outbound_v4;             ///< where the UDP socket is bound: an address, or an interface; empty = anywhere
  std::string outbound_v6;
  std::optional<std::uint16_t> mtu;
  std::optional<int> exit_fd;
  std::optional<int> ready_fd;
  bool allow_shared_key = false;  ///< run even if another tunnel on this host has the key
  Offloads offloads;
  std::string cipher;               ///< backend by name; empty = the best
  std::optional<unsigned> threads;  ///< that move packets; nothing = as many as pay
  SandboxOptions sandbox;
  std::optional<std::string> control;  ///< name of the control socket, "off", or nothing: that of the interface
  bool waits_for_names = false;        ///< start also if an endpoint's name has no address, and ask on for ever
  bool configured_by_wg = false;       ///< starts without keys and peers: wg(8) brings them
  ObserveOptions observe;
};

/// Whether the interface is given addresses, routes and MTU.
using Configuration = handoff::Configure;

enum class TargetType : std::uint8_t { guess, pid, path };

/// Of a tunnel that commands run in.
struct NamesWanted {
  int socket = -1;                 ///< SOCK_SEQPACKET: gets TunnelNames (messages.h) once the configuration is read
  std::vector<IpAddress> servers;  ///< instead of the configuration's; empty = those
  std::vector<Prefix> outside{};   ///< networks that are not reached through the tunnel
};

/// wireguard4netns [OPTIONS] PID|PATH [IFNAME [CONF]]
struct AttachCommand {
  TunnelOptions tunnel;
  std::string target;
  std::string target_name;  ///< what people call it; empty = made of `target`
  TargetType target_type = TargetType::guess;
  std::optional<std::string> userns_path;
  std::string ifname = "wg0";
  Configuration configuration = Configuration::automatic;
  std::optional<std::string> helper;
  std::optional<EngineOptions> engine;  ///< the network that an engine expects; nothing = a plain tunnel
  forward::Settings forward;
  forward::Ways ways;
  std::optional<ContainerResolvConf> resolv_conf;  ///< gets the configuration's DNS servers
  std::optional<NamesWanted> names_wanted;
  bool until_given_up = false;  ///< end with the target's path or process (netns_watch.h), even if others are in there
};

/// wireguard4netns serve --tun-fd N
struct ServeCommand {
  TunnelOptions tunnel;
  int tun_fd = -1;
};

}  // namespace wg4
