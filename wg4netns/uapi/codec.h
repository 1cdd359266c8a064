#pragma once
// The text of WireGuard's cross-platform configuration protocol (www.wireguard.com/xplatform), in both directions: the
// requests of stock wg(8) become a DeviceChange, and a status becomes the text that it reads. Pure: lines in, values
// out. What the protocol does not define is done as in wireguard-go, with which most tools were tested.
//
// An Errno is a positive number of errno.h, or 0 for success. It is negative in the answer to a set and positive in the
// answer to a get, because wg(8) expects that.

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

/// Looks up the index of a network interface, the scope in "[fe80::1%eth0]:51820". Nothing if there is no interface of
/// that name.
using ScopeOfName = std::optional<std::uint32_t> (*)(const std::string& name);

/// A ScopeOfName that knows no names.
[[nodiscard]] inline std::optional<std::uint32_t> no_scopes(const std::string& /*name*/) { return std::nullopt; }

/// Reads the body of a set. Lines are applied as they come: take() returns what is complete, and if it is called often,
/// this holds little more than one peer with max_allowed_ips, however long the request is. Lines before one that fails
/// stay applied.
class ChangeReader {
 public:
  static constexpr std::size_t max_allowed_ips = 1024;

  explicit ChangeReader(ScopeOfName scopes = no_scopes) : scopes_(scopes) {}

  /// A line without its end, not an empty one.
  [[nodiscard]] Errno line(std::string_view line);
  /// Takes the complete changes: all but the last peer, to which the next lines may belong, unless that has become
  /// long.
  [[nodiscard]] DeviceChange take();
  /// Takes the rest, at the end of the request.
  [[nodiscard]] DeviceChange take_all();

 private:
  [[nodiscard]] Errno device_line(std::string_view key, std::string_view value);
  [[nodiscard]] Errno peer_line(PeerChange& peer, std::string_view key, std::string_view value) const;
  [[nodiscard]] Errno begin_peer(std::string_view value);
  [[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text) const;
  void continue_peer();

  ScopeOfName scopes_;
  DeviceChange change_;
  bool in_peer_ = false;  // lines belong to the last of change_.peers, which then exists
};

[[nodiscard]] bool is_empty(const DeviceChange& change);

/// A peer whose endpoint is a host name. It has a request of its own, since a set has only addresses.
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

/// Writes its line.
void write(SecretText& out, const NamedEndpoint& name);

/// The interface's settings after a reload.
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

/// Writes all of its lines.
void write(SecretText& out, const LinkStatus& link);

/// The part of a get's answer that is about the interface itself.
struct InterfaceStatus {
  PrivateKey private_key;  ///< zero = none
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
};

/// Writes its lines of a get's answer.
void write(SecretText& out, const InterfaceStatus& status);
/// Writes the lines of a peer. With `continued` only its allowed IPs: the other lines were written before.
void write(SecretText& out, const PeerStatus& status, bool continued);
/// Writes the lines of a set.
void write(SecretText& out, const DeviceChange& change);

/// Reads the answer to a get; ignores unknown lines, as wg(8) does.
class StatusReader {
 public:
  /// A line without its end, not an empty one. EPROTO if it makes no sense.
  [[nodiscard]] Errno line(std::string_view line);

  InterfaceStatus interface;
  std::vector<PeerStatus> peers;
  std::optional<Errno> result;  ///< the answer's errno, once its line was read

 private:
  [[nodiscard]] Errno peer_line(PeerStatus& peer, std::string_view key, std::string_view value);
};

}  // namespace wg4::uapi
