#pragma once
// Makes all parts of a tunnel before there is anything of it in the namespace: most mistakes of the user's are found
// here, and a failure leaves nothing behind.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/sys/unique_file.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/background_processes.h"
#include "wg4netns/daemon/caller.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/engine_network.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/observe.h"
#include "wg4netns/daemon/target_end.h"
#include "wg4netns/daemon/udp_port.h"
#include "wg4netns/dataplane/shared_gateway.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {

/// What a tunnel is prepared for.
struct Purpose {
  std::string where;  ///< in the words of the user
  std::optional<EngineOptions> engine = std::nullopt;
  bool uses_dns = false;        ///< the namespace's processes will ask the configuration's servers
  pid_t namespace_owner = 0;    ///< when this process ends the tunnel, the namespace ends as well; 0 = there is none
  std::string usual_control{};  ///< name of the control socket if the user gives none; empty = no socket then
};

/// The configuration that the tunnel starts with; empty if wg(8) brings it.
struct StartConfig {
  std::string path;
  std::optional<WallTime> written;
  WgConfig config;
  bool uses_dns = false;  ///< the namespace's processes will ask its servers
};

/// The way to the peers.
struct OuterNetwork {
  UdpPort udp;
  Endpoints endpoints;
  PeerWatch peer_watch;
};

/// The parts by which people find the tunnel and look into it.
struct LookingIn {
  std::optional<uapi::ControlSocket> control;
  UniqueFile registered;  ///< the entry in the registry of this user's tunnels
  Observers observers;
};

struct PreparedTunnel {
  KeyLock key_lock;  // first, so released last: when the tunnel's names and ports have gone, too
  BackgroundProcesses processes;
  Caller caller;
  TargetEnd target_end{};
  StartConfig start;
  OuterNetwork outer;
  LookingIn looking_in;
  std::uint16_t mtu;  ///< the interface's, bytes
  crypto::Choice cipher;
  std::unique_ptr<SharedGateway> gateway;  ///< for an engine; null otherwise
};

[[nodiscard]] Result<PreparedTunnel> prepare(const TunnelOptions& options, const Purpose& purpose);

}  // namespace wg4
