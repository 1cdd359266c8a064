#pragma once

#include "wg4netns/doctor/host_facts.h"

namespace wg4::doctor {

/// What commands in a tunnel need. Changes nothing on the host: mounts are tried by a child in namespaces of its own.
void gather_run_facts(HostFacts& facts);

}  // namespace wg4::doctor
