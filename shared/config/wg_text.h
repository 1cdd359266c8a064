#pragma once
// A configuration as text again, in the form that wg-quick and the other programs of WireGuard read.

#include <cstdint>

#include "shared/base/secret_text.h"
#include "shared/config/wg_config.h"

namespace wg4 {

/// What stands in the place of a private or preshared key.
enum class Keys : std::uint8_t {
  shown,
  hidden,  ///< "(hidden)", also for keys in the commands of hooks: for people, and no program can read it
};

/// `config`, section by section, each setting once and those that have their default left out. Comments of the file are
/// gone, but for the friendly names of peers. With Keys::shown, parse() makes the same configuration of it.
[[nodiscard]] SecretText to_wg_quick(const WgConfig& config, Keys keys);

}  // namespace wg4
