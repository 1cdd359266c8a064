#pragma once
// All that is known of a tunnel's isolation, as values: gathered in one place (gather.h), and judged in another
// (isolation_checks.h), so that a test can present a tunnel that nobody has.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/verify/inside_facts.h"

namespace wg4::verify {

/// By their inodes.
struct NamespaceIds {
  std::uint64_t user = 0;
  std::uint64_t mounts = 0;
  std::uint64_t net = 0;
  std::uint64_t pids = 0;
};

/// A file of the host's.
struct HostFile {
  std::string name{};
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

/// A descriptor of a process that may lead out.
struct Descriptor {
  enum class Kind : std::uint8_t {
    socket,          ///< of another network
    channel,         ///< a connected UNIX socket of another network: it leads to the one process that has its other end
    folder,          ///< of another mount namespace
    host_namespace,  ///< a namespace of the host's itself
    unknown,         ///< a socket that may not be looked at
  } kind = Kind::socket;
  int number = 0;
  std::string what{};  ///< "IPv4", a path
};

struct ProcessRights {
  std::uint64_t effective = 0;  ///< capabilities
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
  std::uint64_t bounding = 0;
  bool no_new_privs = false;
  bool filtered = false;  ///< its system calls, by seccomp
};

/// A process that is in a namespace of the tunnel's.
struct ProcessFacts {
  int pid = 0;
  std::string command{};
  NamespaceIds namespaces{};
  std::optional<ProcessRights> rights{};  ///< nothing: they cannot be seen
  std::vector<Descriptor> descriptors{};
  std::optional<std::string> outer_folder{};  ///< a working or root directory that is not in the tunnel's mounts
  int descriptors_error = 0;                  ///< errno, if they cannot be listed
};

struct TrafficFacts {
  bool answers = false;                          ///< the tunnel at its control socket
  bool sent_more = false;                        ///< while the process inside was looking
  std::optional<std::uint64_t> handshake_age{};  ///< seconds
};

struct Facts {
  keeper::State state{};
  std::string mapping{};  ///< how ids were mapped: "direct"
  NamespaceIds host{};
  NamespaceIds tunnel{};
  std::vector<HostFile> host_files{};
  InsideFacts inside{};
  bool loopback_reached = false;  ///< from inside, the host's
  bool abstract_reached = false;  ///< likewise a UNIX socket of the host's with an abstract name
  std::vector<ProcessFacts> processes{};
  TrafficFacts traffic{};
  bool can_scope_signals = false;          ///< this kernel's Landlock
  std::uint64_t allowed_capabilities = 0;  ///< in bounding sets, and for root inside in effect
  std::string hidden_folder{};             ///< that of the user's configurations, which looks empty to commands
};

}  // namespace wg4::verify
