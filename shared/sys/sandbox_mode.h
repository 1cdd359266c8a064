#pragma once

#include <cstdint>
#include <string_view>

namespace wg4 {

enum class SandboxMode : std::uint8_t {
  automatic,  ///< as much as this host permits
  on,         ///< all of it, or an error
  off,        ///< gives up only capabilities, new privileges and being traced
};

/// As on the command lines of both programs: "auto", "on", "off".
[[nodiscard]] constexpr std::string_view name_of(SandboxMode mode) {
  switch (mode) {
    case SandboxMode::automatic:
      break;
    case SandboxMode::on:
      return "on";
    case SandboxMode::off:
      return "off";
  }
  return "auto";
}

}  // namespace wg4
