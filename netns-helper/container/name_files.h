#pragma once
// The files by which programs resolve names: resolv.conf(5), hosts(5), nsswitch.conf(5). Pure: text in, text out.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"

namespace wg4::container {

/// A line of the user's for /etc/hosts.
struct AddedHost {
  std::string name;
  IpAddress address;
  bool operator==(const AddedHost&) const = default;
};

/// "NAME:ADDRESS", as Docker and Podman have it; an IPv6 address may be in brackets.
[[nodiscard]] Result<AddedHost> parse_added_host(std::string_view text);

/// How names are resolved.
struct NameSettings {
  std::vector<IpAddress> servers = {};
  std::vector<std::string> search = {};
  std::string hostname = {};                   ///< may be empty
  std::vector<AddedHost> hosts = {};           ///< in their order
  std::optional<std::string> hosts_text = {};  ///< a hosts file of the user's, in the place of the usual lines
};

/// Without servers, a comment that says that names do not resolve, and why.
[[nodiscard]] std::string make_resolv_conf(const NameSettings& settings);

/// The user's file, or none; localhost and `hostname`, if they are not in it; the added hosts.
[[nodiscard]] std::string make_hosts(const NameSettings& settings);

/// All lines of the host's file but `hosts:`, which is `files dns`: no look-up leaves for a service of the host's. An
/// empty text, for a host without that file, gives this line only.
[[nodiscard]] std::string make_nsswitch(std::string_view hosts_own);

}  // namespace wg4::container
