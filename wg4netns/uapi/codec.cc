#include "wg4netns/uapi/codec.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <system_error>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/time.h"

namespace wg4::uapi {
namespace {

constexpr std::string_view yes = "true";  // the only value of a switch

/// A number of decimal digits only.
template <class T>
bool parse_number(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && text.front() != '-' && error == std::errc{} && end == text.data() + text.size();
}

template <class T>
Errno read_number(std::string_view text, std::optional<T>& number) {
  T value = 0;
  if (!parse_number(text, value)) return EINVAL;
  number = value;
  return 0;
}

Errno read_switch(std::string_view text, bool& on) {
  if (text != yes) return EINVAL;
  on = true;
  return 0;
}

Errno read_secret(std::string_view text, std::optional<Secret<key_size>>& secret) {
  Secret<key_size> value;
  if (!decode_hex(text, value.span())) return EINVAL;
  secret = std::move(value);
  return 0;
}

/// The prefix length is not optional here, and has no leading zeros.
std::optional<Prefix> parse_allowed_ip(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view length = text.substr(slash + 1);
  if (length.size() > 1 && length.front() == '0') return std::nullopt;
  return Prefix::parse(text);
}

Errno read_allowed_ip(std::string_view text, std::vector<AllowedIpChange>& changes) {
  const bool remove = text.starts_with('-');
  const auto prefix = parse_allowed_ip(text.substr(remove ? 1 : 0));
  if (!prefix) return EINVAL;
  changes.push_back({.prefix = *prefix, .remove = remove});
  return 0;
}

/// The two parts of "KEY=VALUE".
std::optional<std::pair<std::string_view, std::string_view>> divide(std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return std::pair(line.substr(0, equals), line.substr(equals + 1));
}

void write_hex(SecretText& out, std::string_view key, ByteView bytes) {
  out.append(key).append("=").append_hex(bytes).append("\n");
}

void write_number(SecretText& out, std::string_view key, std::integral auto number) {
  out.append(key).append("=").append(number).append("\n");
}

void write_text(SecretText& out, std::string_view key, std::string_view text) {
  out.append(key).append("=").append(text).append("\n");
}

}  // namespace

// ---------------------------------------------------------------- names

Errno NameReader::line(std::string_view line) {
  constexpr std::size_t max_host = 255;
  constexpr std::size_t key_digits = 2 * key_size;
  const auto parts = divide(line);
  if (!parts || parts->first != "name") return EINVAL;
  const std::string_view value = parts->second;
  const std::size_t space = value.find(' ', std::min(key_digits + 1, value.size()));
  if (space == std::string_view::npos || value[key_digits] != ' ') return EINVAL;
  NamedEndpoint name;
  const std::string_view host = value.substr(space + 1);
  const auto is_printed = [](char c) { return c > ' ' && c <= '~'; };
  if (!decode_hex(value.substr(0, key_digits), name.public_key) ||
      !parse_number(value.substr(key_digits + 1, space - key_digits - 1), name.port) || host.empty() ||
      host.size() > max_host || !std::ranges::all_of(host, is_printed))
    return EINVAL;
  if (names_.size() >= max_names) return E2BIG;
  name.host = host;
  names_.push_back(std::move(name));
  return 0;
}

void write(SecretText& out, const NamedEndpoint& name) {
  out.append("name=").append_hex(name.public_key).append(" ").append(name.port).append(" ").append(name.host);
  out.append("\n");
}

// ---------------------------------------------------------------- link

Errno LinkReader::line(std::string_view line) {
  constexpr std::size_t max_table = 10;
  const auto parts = divide(line);
  if (!parts) return EPROTO;
  const auto [key, value] = *parts;
  if (key == "mtu") return parse_number(value, link_.mtu) ? 0 : EINVAL;
  if (key == "table") {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (value.empty() || value.size() > max_table || !std::ranges::all_of(value, is_letter)) return EINVAL;
    link_.table = value;
    return 0;
  }
  const auto address = key == "address" ? Prefix::parse(value) : std::nullopt;
  if (!address) return EINVAL;
  if (link_.addresses.size() >= max_addresses) return E2BIG;
  link_.addresses.push_back(*address);
  return 0;
}

void write(SecretText& out, const LinkStatus& link) {
  write_number(out, "mtu", link.mtu);
  write_text(out, "table", link.table);
  for (const Prefix& address : link.addresses) write_text(out, "address", address.to_string());
}

// ---------------------------------------------------------------- set

Errno ChangeReader::line(std::string_view line) {
  const auto parts = divide(line);
  if (!parts) return EPROTO;
  const auto [key, value] = *parts;
  if (key == "public_key") return begin_peer(value);
  if (!in_peer_) return device_line(key, value);
  // It revokes allowed IPs of earlier lines, which may have moved from another peer: keep both in order.
  if (key == "replace_allowed_ips" && !change_.peers.back().allowed_ips.empty()) continue_peer();
  return peer_line(change_.peers.back(), key, value);
}

Errno ChangeReader::device_line(std::string_view key, std::string_view value) {
  if (key == "private_key") return read_secret(value, change_.private_key);
  if (key == "listen_port") return read_number(value, change_.listen_port);
  if (key == "fwmark") return read_number(value, change_.fwmark);
  if (key == "replace_peers") return read_switch(value, change_.replace_peers);
  return EINVAL;
}

Errno ChangeReader::begin_peer(std::string_view value) {
  PublicKey key{};
  if (!decode_hex(value, key)) return EINVAL;
  change_.peers.emplace_back().public_key = key;
  in_peer_ = true;
  return 0;
}

Errno ChangeReader::peer_line(PeerChange& peer, std::string_view key, std::string_view value) const {
  if (key == "allowed_ip") return read_allowed_ip(value, peer.allowed_ips);
  if (key == "remove") return read_switch(value, peer.remove);
  if (key == "update_only") return read_switch(value, peer.update_only);
  if (key == "replace_allowed_ips") return read_switch(value, peer.replace_allowed_ips);
  if (key == "preshared_key") return read_secret(value, peer.preshared_key);
  if (key == "persistent_keepalive_interval") return read_number(value, peer.persistent_keepalive_s);
  if (key == "protocol_version") return value == "1" ? 0 : EINVAL;
  if (key == "endpoint") {
    peer.endpoint = parse_endpoint(value);
    return peer.endpoint ? 0 : EINVAL;
  }
  return EINVAL;
}

/// As Endpoint::parse, but the scope may be the name of an interface: wg(8) writes link-local addresses like that.
std::optional<Endpoint> ChangeReader::parse_endpoint(std::string_view text) const {
  const std::size_t percent = text.find('%');
  const std::size_t bracket = text.rfind(']');
  if (percent == std::string_view::npos || bracket == std::string_view::npos || bracket < percent)
    return Endpoint::parse(text);
  const std::string name(text.substr(percent + 1, bracket - percent - 1));
  std::uint32_t index = 0;
  if (parse_number(name, index)) return Endpoint::parse(text);
  const auto scope = scopes_(name);
  if (!scope) return std::nullopt;
  auto endpoint = Endpoint::parse(std::string(text.substr(0, percent)).append(text.substr(bracket)));
  if (endpoint) endpoint->scope = *scope;
  return endpoint;
}

/// Begins another change of the same peer, so that the lines from here on are applied after those before.
void ChangeReader::continue_peer() {
  const PeerChange& before = change_.peers.back();
  PeerChange next;
  next.public_key = before.public_key;
  next.remove = before.remove;
  next.update_only = before.update_only;
  change_.peers.push_back(std::move(next));
}

DeviceChange ChangeReader::take() {
  if (!in_peer_) return std::exchange(change_, {});
  if (change_.peers.back().allowed_ips.size() >= max_allowed_ips) continue_peer();
  PeerChange last = std::move(change_.peers.back());
  change_.peers.pop_back();
  DeviceChange taken = std::exchange(change_, {});
  change_.peers.push_back(std::move(last));
  return taken;
}

DeviceChange ChangeReader::take_all() {
  in_peer_ = false;
  return std::exchange(change_, {});
}

bool is_empty(const DeviceChange& change) {
  return !change.private_key && !change.listen_port && !change.fwmark && !change.replace_peers && change.peers.empty();
}

void write(SecretText& out, const DeviceChange& change) {
  if (change.private_key) write_hex(out, "private_key", change.private_key->span());
  if (change.listen_port) write_number(out, "listen_port", *change.listen_port);
  if (change.fwmark) write_number(out, "fwmark", *change.fwmark);
  if (change.replace_peers) write_text(out, "replace_peers", yes);
  for (const PeerChange& peer : change.peers) {
    write_hex(out, "public_key", peer.public_key);
    if (peer.update_only) write_text(out, "update_only", yes);
    if (peer.remove) write_text(out, "remove", yes);
    if (peer.preshared_key) write_hex(out, "preshared_key", peer.preshared_key->span());
    if (peer.endpoint) write_text(out, "endpoint", peer.endpoint->to_string());
    if (peer.persistent_keepalive_s) write_number(out, "persistent_keepalive_interval", *peer.persistent_keepalive_s);
    if (peer.replace_allowed_ips) write_text(out, "replace_allowed_ips", yes);
    for (const AllowedIpChange& each : peer.allowed_ips)
      write_text(out, "allowed_ip", (each.remove ? "-" : "") + each.prefix.to_string());
  }
}

// ---------------------------------------------------------------- get

void write(SecretText& out, const InterfaceStatus& status) {
  if (!status.private_key.is_zero()) write_hex(out, "private_key", status.private_key.span());
  if (status.listen_port != 0) write_number(out, "listen_port", status.listen_port);
  if (status.fwmark != 0) write_number(out, "fwmark", status.fwmark);
}

void write(SecretText& out, const PeerStatus& status, bool continued) {
  if (!continued) {
    const auto time = status.last_handshake.value_or(WallTime{}).time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    write_hex(out, "public_key", status.public_key);
    write_hex(out, "preshared_key", status.preshared_key.span());
    write_number(out, "protocol_version", 1);
    if (status.endpoint) write_text(out, "endpoint", status.endpoint->to_string());
    write_number(out, "last_handshake_time_sec", seconds.count());
    write_number(out, "last_handshake_time_nsec", (time - seconds).count());
    write_number(out, "tx_bytes", status.tx_bytes);
    write_number(out, "rx_bytes", status.rx_bytes);
    write_number(out, "persistent_keepalive_interval", status.persistent_keepalive_s);
  }
  for (const Prefix& prefix : status.allowed_ips) write_text(out, "allowed_ip", prefix.to_string());
}

Errno StatusReader::line(std::string_view line) {
  const auto parts = divide(line);
  if (!parts) return EPROTO;
  const auto [key, value] = *parts;
  bool good = true;
  if (key == "errno") {
    const bool negative = value.starts_with('-');
    result = 0;
    good = parse_number(value.substr(negative ? 1 : 0), *result);
  } else if (key == "public_key") {
    good = decode_hex(value, peers.emplace_back().public_key);
  } else if (!peers.empty()) {
    return peer_line(peers.back(), key, value);
  } else if (key == "private_key") {
    good = decode_hex(value, interface.private_key.span());
  } else if (key == "listen_port") {
    good = parse_number(value, interface.listen_port);
  } else if (key == "fwmark") {
    good = parse_number(value, interface.fwmark);
  }
  return good ? 0 : EPROTO;
}

Errno StatusReader::peer_line(PeerStatus& peer, std::string_view key, std::string_view value) {
  bool good = true;
  std::int64_t number = 0;
  if (key == "preshared_key") {
    good = decode_hex(value, peer.preshared_key.span());
  } else if (key == "endpoint") {
    peer.endpoint = Endpoint::parse(value);
    good = peer.endpoint.has_value();
  } else if (key == "last_handshake_time_sec") {
    constexpr std::int64_t max_seconds = INT64_MAX / 1'000'000'000 - 1;
    good = parse_number(value, number) && number <= max_seconds;
    if (good && number > 0) peer.last_handshake = WallTime(std::chrono::seconds(number));
  } else if (key == "last_handshake_time_nsec") {
    good = parse_number(value, number) && number < 1'000'000'000;
    if (good && peer.last_handshake) *peer.last_handshake += std::chrono::nanoseconds(number);
  } else if (key == "tx_bytes") {
    good = parse_number(value, peer.tx_bytes);
  } else if (key == "rx_bytes") {
    good = parse_number(value, peer.rx_bytes);
  } else if (key == "persistent_keepalive_interval") {
    good = parse_number(value, peer.persistent_keepalive_s);
  } else if (key == "allowed_ip") {
    const auto prefix = parse_allowed_ip(value);
    if (prefix) peer.allowed_ips.push_back(*prefix);
    good = prefix.has_value();
  }
  return good ? 0 : EPROTO;
}

}  // namespace wg4::uapi
