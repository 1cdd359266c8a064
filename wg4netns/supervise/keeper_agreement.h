#pragma once

#include <string>

#include "shared/base/result.h"
#include "wg4netns/supervise/keeper_message.h"

namespace wg4::keeper {

/// Whether the tunnel `name`, which runs as `serve` says, is what a client wants that joins it. An error names the
/// first difference. Options that the client leaves out may be any. Pure.
[[nodiscard]] Result<void> expect_agreement(const Join& join, const Serve& serve, const std::string& name);

}  // namespace wg4::keeper
