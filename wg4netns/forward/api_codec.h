#pragma once
// The protocol of the API socket, which is slirp4netns's: one JSON request, one JSON reply, equal to its replies byte
// for byte. Where slirp4netns accepts nonsense (port 70000) or crashes (no protocol), this reports the field as bad.
// Pure; the JSON library and its exceptions stay in api_codec.cc.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward::api {

inline constexpr std::size_t max_request = 4095;  ///< bytes, as slirp4netns's buffer

struct Add {
  Rule rule;
};
struct List {};
struct Remove {
  RuleId id = 0;  ///< 0, which no rule has, if the number in the request is not valid
};
using Request = std::variant<Add, List, Remove>;

/// `guest` replaces a missing address in the namespace. The error's `what` is for refused().
[[nodiscard]] Result<Request> parse_request(std::string_view text, const IpAddress& guest);

[[nodiscard]] std::string added(RuleId id);
[[nodiscard]] std::string listed(const std::map<RuleId, Rule>& rules);
[[nodiscard]] std::string removed();
/// {"error":{"desc":"bad request: WHAT"}}
[[nodiscard]] std::string refused(std::string_view what);

inline constexpr std::string_view add_failed = "add_hostfwd: slirp_add_hostfwd failed";
inline constexpr std::string_view bad_id = "remove_hostfwd: bad arguments.id";
inline constexpr std::string_view too_large = "too large message";

}  // namespace wg4::forward::api
