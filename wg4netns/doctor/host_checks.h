#pragma once

#include "wg4netns/doctor/host_facts.h"
#include "wg4netns/doctor/report.h"

namespace wg4::doctor {

/// Judges a host, without looking at it.
[[nodiscard]] Report check_host(const HostFacts& host);

}  // namespace wg4::doctor
