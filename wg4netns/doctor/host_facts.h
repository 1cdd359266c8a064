#pragma once
// What a host has and allows, as values. They are gathered in one place (gather.cc) and judged in another
// (host_checks.h), so that a test can present a host that nobody has.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/sys/sub_ids.h"
#include "shared/sys/tun_file.h"
#include "wg4netns/doctor/containers_conf.h"
#include "wg4netns/doctor/namespace_facts.h"
#include "wg4netns/doctor/view_facts.h"

namespace wg4::doctor {

struct EngineProgram {
  std::string name;     ///< "podman"
  std::string version;  ///< what it says of itself
};

/// A program that an engine would start.
struct FoundProgram {
  std::string path{};  ///< empty = not found
  bool ours = false;   ///< it is this one, by whatever name
};

/// The programs that Podman can choose from for the network of rootless containers and builds.
struct PodmanFacts {
  unsigned major = 0;  ///< of its version
  unsigned minor = 0;
  ContainersConf conf{};
  FoundProgram network_cmd{};  ///< network_cmd_path
  FoundProgram slirp4netns{};  ///< in helper_binaries_dir and PATH
  FoundProgram slirp4netns_in_path{};
  FoundProgram pasta{};  ///< in helper_binaries_dir and PATH
};

/// $XDG_RUNTIME_DIR, or what root has in its place.
struct RuntimeFolder {
  std::string path{};  ///< empty = there is none
  int error = 0;       ///< errno: why nothing can be put there
  bool own = false;    ///< it is this user's
};

struct HostFacts : NamespaceFacts {
  std::string kernel{};  ///< release
  std::string user{};    ///< by name if there is one
  bool is_root = false;

  std::string namespaces_hint{};  ///< what the host says of itself (userns_restriction())

  TunFile tun_file{};

  bool udp_segment = false;
  bool udp_gro = false;
  long landlock_version = 0;  ///< 0 = none
  bool seccomp_filter = false;
  std::optional<std::uint64_t> rmem_max{};  ///< bytes, net.core
  std::optional<std::uint64_t> wmem_max{};
  std::optional<std::uint64_t> memlock{};  ///< bytes; nothing = unlimited

  ViewFacts view{};
  RuntimeFolder runtime_folder{};
  bool signal_scope = false;  ///< Landlock can restrict signals

  SubIdSetup sub_ids{};
  std::string helper{};  ///< path of wg4netns-helper; empty = not found
  std::string wg{};      ///< path
  std::vector<EngineProgram> engines{};
  std::optional<PodmanFacts> podman{};  ///< if it is there, and not used by root
};

/// Looks at this host. Changes nothing on it.
[[nodiscard]] HostFacts gather_host_facts();

}  // namespace wg4::doctor
