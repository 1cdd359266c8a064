#pragma once
// Programs of the host, for those who gather facts.

#include <string>

namespace wg4::doctor {

struct PodmanFacts;

/// What Podman, whose `--version` says `version`, takes for the network of rootless containers.
[[nodiscard]] PodmanFacts gather_podman_facts(const std::string& version);

}  // namespace wg4::doctor
