#pragma once
// Programs of the host, for those who gather facts.

#include <span>
#include <string>

namespace wg4::doctor {

struct PodmanFacts;

/// In the folders of $PATH; empty if there is none.
[[nodiscard]] std::string find_program(const std::string& name);
/// In `folders`, and then in those of $PATH.
[[nodiscard]] std::string find_program(const std::string& name, std::span<const std::string> folders);

/// What Podman, whose `--version` says `version`, takes for the network of rootless containers.
[[nodiscard]] PodmanFacts gather_podman_facts(const std::string& version);

}  // namespace wg4::doctor
