#pragma once
// The programs that Podman can use.

#include <string>

namespace wg4::doctor {

struct PodmanFacts;

/// What Podman, whose `--version` says `version`, can choose from for the network of rootless containers.
[[nodiscard]] PodmanFacts gather_podman_facts(const std::string& version);

}  // namespace wg4::doctor
