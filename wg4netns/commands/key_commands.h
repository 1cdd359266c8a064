#pragma once

#include <cstdint>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns genkey | pubkey | genpsk
enum class KeyCommand : std::uint8_t { genkey, pubkey, genpsk };

[[nodiscard]] Parsed<KeyCommand> parse_genkey(const Arguments& arguments);
[[nodiscard]] Parsed<KeyCommand> parse_pubkey(const Arguments& arguments);
[[nodiscard]] Parsed<KeyCommand> parse_genpsk(const Arguments& arguments);

/// genkey and genpsk print a new key; pubkey reads a private key from standard input and prints its public key.
[[nodiscard]] Result<void> run_key_command(KeyCommand command);

}  // namespace wg4
