#pragma once
// Makes the output of `show` from the answers of a control socket. Whatever wg(8) prints as well is the same to the
// byte, since scripts read it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4::show {

struct Tunnel {
  std::string name;
  uapi::StatusReader status;
  OwnStatus own;
};

struct Style {
  bool colour = false;
  bool keys = false;  ///< private and preshared ones; else "(hidden)"
};

/// For people.
[[nodiscard]] std::string pretty(const Tunnel& tunnel, WallTime now, Style style);

/// One of wg's fields or "dump", "details" or "drops"; nothing if there is no such field. With `named` each line begins
/// with the tunnel's name.
[[nodiscard]] std::optional<std::string> field(const Tunnel& tunnel, std::string_view name, bool named);

/// In the shape of wireguard-tools' contrib/json/wg-json, with `details`, `drops`, `diagnoses` and `warnings` for
/// each tunnel.
[[nodiscard]] std::string json(const std::vector<Tunnel>& tunnels, Style style);

}  // namespace wg4::show
