#pragma once

#include <optional>

#include "wg4netns/daemon/janitor.h"
#include "wg4netns/daemon/published_ports.h"
#include "wg4netns/daemon/reloader.h"

namespace wg4 {

/// What does for a tunnel in its sandbox what that cannot do itself: each forked before a secret is read. The watcher
/// is in TargetEnd, the resolver in Endpoints.
struct BackgroundProcesses {
  Janitor janitor;
  std::optional<Reloader> reloader;
  std::optional<PublishedPorts> ports;
};

}  // namespace wg4
