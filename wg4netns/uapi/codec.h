#pragma once
// The text of WireGuard's cross-platform configuration protocol (www.wireguard.com/xplatform), both ways: what stock
// wg(8) says is a DeviceChange, and a status is what it reads. Pure: lines in, values out. What the protocol leaves
// open is done as wireguard-go does it, the program that everybody's tools were tested with.
//
// An Errno is a positive number of errno.h, or 0 for success. The answer to a set has it negative, that to a get as it
// is, because wg(8) reads them so.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/secret_text.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/control.h"

namespace wg4::uapi {

using Errno = int;

/// The index of a network interface: the scope in "[fe80::1%eth0]:51820". Nothing if there is none of that name.
using ScopeOfName = std::optional<std::uint32_t> (*)(const std::string& name);

/// A ScopeOfName that knows no names.
[[nodiscard]] inline std::optional<std::uint32_t> no_scopes(const std::string& /*name*/) { return std::nullopt; }

/// Reads the body of a set. However long that is, it never holds more than one peer with max_allowed_ips and what
/// came since the last take(), if that is called often: the lines of a request are applied as they come, and those
/// before one that fails stay applied.
class ChangeReader {
 public:
  static constexpr std::size_t max_allowed_ips = 1024;

  explicit ChangeReader(ScopeOfName scopes = no_scopes) : scopes_(scopes) {}

  /// A line without its end, not an empty one.
  [[nodiscard]] Errno line(std::string_view line);
  /// What is complete: all but the peer that the next lines may still be about, unless it has grown long.
  [[nodiscard]] DeviceChange take();
  /// The whole rest, at the end of the request.
  [[nodiscard]] DeviceChange take_all();

 private:
  [[nodiscard]] Errno device_line(std::string_view key, std::string_view value);
  [[nodiscard]] Errno peer_line(PeerChange& peer, std::string_view key, std::string_view value) const;
  [[nodiscard]] Errno begin_peer(std::string_view value);
  [[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text) const;
  void continue_peer();

  ScopeOfName scopes_;
  DeviceChange change_;
  bool in_peer_ = false;  // the last of change_.peers, which is there then
};

[[nodiscard]] bool is_empty(const DeviceChange& change);

/// A peer whose endpoint is a host name: one of this program's own requests, since a set knows addresses alone.
struct NamedEndpoint {
  PublicKey public_key{};
  std::string host;
  std::uint16_t port = 0;
};

/// Reads the body of a "wg4netns=follow": lines "name=KEY PORT HOST".
class NameReader {
 public:
  static constexpr std::size_t max_names = 4096;

  /// A line without its end, not an empty one. E2BIG when there are too many.
  [[nodiscard]] Errno line(std::string_view line);
  [[nodiscard]] std::vector<NamedEndpoint> take() { return std::exchange(names_, {}); }

 private:
  std::vector<NamedEndpoint> names_;
};

/// Its line.
void write(SecretText& out, const NamedEndpoint& name);

/// What a reload has made of the interface.
struct LinkStatus {
  std::uint16_t mtu = 0;  ///< bytes
  std::vector<Prefix> addresses{};
  std::string table{};  ///< "auto", "off", or a number
};

/// The lines of "wg4netns=link".
class LinkReader {
 public:
  static constexpr std::size_t max_addresses = 4096;

  /// A line without its end, not an empty one. E2BIG when there are too many addresses.
  [[nodiscard]] Errno line(std::string_view line);
  [[nodiscard]] LinkStatus take() { return std::exchange(link_, {}); }

 private:
  LinkStatus link_;
};

/// All of its lines.
void write(SecretText& out, const LinkStatus& link);

/// What a get tells of the interface itself.
struct InterfaceStatus {
  PrivateKey private_key;  ///< zero = none
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
};

/// The lines of a get.
void write(SecretText& out, const InterfaceStatus& status);
/// Those of a peer. With `continued` only its allowed IPs: the rest of it was written before.
void write(SecretText& out, const PeerStatus& status, bool continued);
/// The lines of a set.
void write(SecretText& out, const DeviceChange& change);

/// Reads the answer to a get; lines that it does not know are passed over, as wg(8) does.
class StatusReader {
 public:
  /// A line without its end, not an empty one. EPROTO if it makes no sense.
  [[nodiscard]] Errno line(std::string_view line);

  InterfaceStatus interface;
  std::vector<PeerStatus> peers;
  std::optional<Errno> result;  ///< the program's, once its line was there

 private:
  [[nodiscard]] Errno peer_line(PeerStatus& peer, std::string_view key, std::string_view value);
};

}  // namespace wg4::uapi
