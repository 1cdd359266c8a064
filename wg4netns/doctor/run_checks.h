#pragma once

#include "wg4netns/doctor/host_facts.h"
#include "wg4netns/doctor/report.h"

namespace wg4::doctor {

/// Judges what commands in a tunnel need (run, up, exec), without looking at the host. A tunnel for a namespace that
/// somebody else has made needs none of it.
[[nodiscard]] Report check_run(const HostFacts& host);

}  // namespace wg4::doctor
