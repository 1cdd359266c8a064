#pragma once
// The loop of the program: one wait, one switch. Usually it is the only thread; see workers.h.

#include <cstdint>

#include "shared/base/result.h"
#include "wg4netns/daemon/data_plane.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/source_table.h"
#include "wg4netns/diagnosis/peer_watch.h"

namespace wg4 {

/// The parts that are told what happens to peers.
struct PeerFollowers {
  Endpoints& endpoints;
  PeerWatch& peer_watch;
};

enum class LoopEnd : std::uint8_t {
  asked,           ///< by an event source
  interface_gone,  ///< it was deleted in its namespace, or the namespace ended
};

/// Moves packets, and gives event sources their turns, until one of them ends it or the interface is deleted.
[[nodiscard]] Result<LoopEnd> serve(DataPlane& data_plane, const PeerFollowers& followers, const SourceTable& sources);

}  // namespace wg4
