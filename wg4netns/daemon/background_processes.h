#pragma once

#include <optional>

#include "wg4netns/daemon/janitor.h"
#include "wg4netns/daemon/published_ports.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/daemon/ways_out.h"

namespace wg4 {

/// Processes that do for a tunnel in its sandbox what it cannot do itself, each forked before a secret is read. There
/// are two more: TargetEnd has the watcher, Endpoints the resolver.
struct BackgroundProcesses {
  Janitor janitor;
  std::optional<Reloader> reloader;
  std::optional<PublishedPorts> ports;
  std::optional<WaysOut> ways;
};

}  // namespace wg4
