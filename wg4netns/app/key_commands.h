#pragma once

#include "shared/base/result.h"
#include "wg4netns/app/cli.h"

namespace wg4 {

/// genkey and genpsk print a new key; pubkey reads a private key from standard input and prints its public key.
[[nodiscard]] Result<void> run_key_command(KeyCommand command);

}  // namespace wg4
