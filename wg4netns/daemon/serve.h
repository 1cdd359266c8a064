#pragma once
// The loop of the program: one wait, one switch. Usually it is the only thread; see workers.h.

#include <optional>
#include <span>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/netns_watch.h"
#include "shared/sys/service_manager.h"
#include "shared/sys/signals.h"
#include "wg4netns/daemon/control.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/loop_guest.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/daemon/target_watch.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/tunnel.h"
#include "wg4netns/dataplane/workers.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/forward/forwarder.h"

namespace wg4 {

/// What ends the loop, apart from a failure.
struct EndConditions {
  SignalFd signals;                     ///< SIGTERM, SIGINT; SIGHUP, if nobody can reload
  UniqueFd exit_fd;                     ///< hang-up; may be invalid
  std::optional<TargetWatch> target;    ///< the last process of the namespace
  std::optional<NetnsWatch> netns;      ///< given up by who made it, or a name that stands for that
  forward::Forwarder* ports = nullptr;  ///< the process of published ports, which should not; may be null
  bool with_interface = false;          ///< that somebody deletes the interface is no failure
};

/// Who has a part in the loop besides packets.
struct Attendants {
  Endpoints& endpoints;
  PeerWatch& peer_watch;
  ServiceManager& manager;  ///< hears that the loop turns, if it wants to
  Control* control;         ///< may be null
  Reloader* reloader;       ///< whom `control` asks; may be null
  std::span<LoopGuest* const> guests;
};

/// Moves packets until an end condition holds. Fails when the interface goes away under it.
[[nodiscard]] Result<void> serve(SharedDevice& device, Tunnel& tunnel, Workers& workers, const Attendants& attendants,
                                 EndConditions& end);

}  // namespace wg4
