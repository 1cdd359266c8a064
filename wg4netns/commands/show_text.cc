#include "wg4netns/commands/show_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "shared/net/prefix.h"
#include "wg4netns/commands/json_string.h"
#include "wg4netns/core/control.h"
#include "wg4netns/crypto/curve25519.h"
#include "wg4netns/uapi/codec.h"

namespace wg4::show {
namespace {

constexpr std::string_view drop_prefix = "drop_";

std::string key_or_none(const Secret<key_size>& key) { return key.is_zero() ? "(none)" : encode_base64(key.span()); }

std::string public_key_or_none(const PrivateKey& key) {
  return key.is_zero() ? "(none)" : encode_base64(crypto::derive_public_key(key));
}

std::string endpoint_or_none(const PeerStatus& peer) { return peer.endpoint ? peer.endpoint->to_string() : "(none)"; }

std::string fwmark_or_off(std::uint32_t mark) { return mark == 0 ? "off" : fmt::format("0x{:x}", mark); }

std::string keepalive_or_off(std::uint16_t seconds) { return seconds == 0 ? "off" : std::to_string(seconds); }

std::string allowed_ips(const PeerStatus& peer, std::string_view between) {
  if (peer.allowed_ips.empty()) return "(none)";
  std::string text;
  for (const Prefix& prefix : peer.allowed_ips) text.append(text.empty() ? "" : between).append(prefix.to_string());
  return text;
}

/// Seconds since 1970; 0 = never.
std::int64_t handshake_time(const PeerStatus& peer) {
  const auto time = peer.last_handshake.value_or(WallTime{}).time_since_epoch();
  return std::chrono::floor<std::chrono::seconds>(time).count();
}

// ---------------------------------------------------------------- for people

/// Escape sequences of a terminal, or nothing.
class Paint {
 public:
  explicit Paint(bool on) : on_(on) {}
  [[nodiscard]] std::string bold(std::string_view text) const { return paint("\x1b[1m", text); }
  [[nodiscard]] std::string cyan(std::string_view text) const { return paint("\x1b[36m", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return paint("\x1b[31m", text); }
  /// "interface: wg0", "peer: KEY".
  [[nodiscard]] std::string heading(const char* colour, std::string_view kind, std::string_view name) const {
    return paint(std::string(colour) + "\x1b[1m", kind) + ": " + paint(colour, name) + "\n";
  }
  [[nodiscard]] std::string line(std::string_view name, std::string_view value) const {
    return "  " + bold(name) + ": " + std::string(value) + "\n";
  }

 private:
  [[nodiscard]] std::string paint(std::string_view colour, std::string_view text) const {
    return on_ ? fmt::format("{}{}\x1b[0m", colour, text) : std::string(text);
  }
  bool on_;
};

constexpr const char* green = "\x1b[32m";
constexpr const char* yellow = "\x1b[33m";
constexpr const char* magenta = "\x1b[35m";

/// "1 minute, 5 seconds".
std::string duration(const Paint& paint, std::uint64_t seconds) {
  struct Unit {
    const char* name;
    std::uint64_t seconds;
  };
  constexpr std::array<Unit, 5> units{
      {{"year", 365UL * 24 * 60 * 60}, {"day", 24UL * 60 * 60}, {"hour", 60UL * 60}, {"minute", 60}, {"second", 1}}};
  std::string text;
  for (const Unit& unit : units) {
    const std::uint64_t count = seconds / unit.seconds;
    seconds %= unit.seconds;
    if (count == 0) continue;
    const std::string name = std::string(unit.name) + (count == 1 ? "" : "s");
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, paint.cyan(name));
  }
  return text;
}

std::string ago(const Paint& paint, std::int64_t then, std::int64_t now) {
  if (now == then) return "Now";
  if (now < then) return "(" + paint.red("System clock wound backward; connection problems may ensue.") + ")";
  return duration(paint, static_cast<std::uint64_t>(now - then)) + " ago";
}

std::string bytes(const Paint& paint, std::uint64_t count) {
  constexpr std::array<const char*, 4> units{"KiB", "MiB", "GiB", "TiB"};
  if (count < 1024) return fmt::format("{} {}", count, paint.cyan("B"));
  auto value = static_cast<double>(count) / 1024;
  std::size_t unit = 0;
  for (std::uint64_t rest = count >> 20; rest > 0 && unit + 1 < units.size(); rest >>= 10, ++unit) value /= 1024;
  return fmt::format("{:.2f} {}", value, paint.cyan(units.at(unit)));
}

std::string pretty_interface(const Tunnel& tunnel, const Paint& paint, bool keys) {
  const auto& interface = tunnel.status.interface;
  std::string text = paint.heading(green, "interface", tunnel.name);
  if (!interface.private_key.is_zero()) {
    text += paint.line("public key", public_key_or_none(interface.private_key));
    text += paint.line("private key", keys ? key_or_none(interface.private_key) : "(hidden)");
  }
  if (interface.listen_port != 0) text += paint.line("listening port", std::to_string(interface.listen_port));
  if (interface.fwmark != 0) text += paint.line("fwmark", fwmark_or_off(interface.fwmark));
  return text;
}

std::string pretty_peer(const PeerStatus& peer, const Paint& paint, bool keys, std::int64_t now) {
  std::string text = paint.heading(yellow, "peer", encode_base64(peer.public_key));
  if (!peer.preshared_key.is_zero())
    text += paint.line("preshared key", keys ? key_or_none(peer.preshared_key) : "(hidden)");
  if (peer.endpoint) text += paint.line("endpoint", peer.endpoint->to_string());
  std::string allowed;
  for (const Prefix& prefix : peer.allowed_ips)
    allowed += fmt::format("{}{}{}{}", allowed.empty() ? "" : ", ", prefix.address.to_string(), paint.cyan("/"),
                           unsigned{prefix.length});
  text += paint.line("allowed ips", allowed.empty() ? "(none)" : allowed);
  if (const auto then = handshake_time(peer); then != 0) text += paint.line("latest handshake", ago(paint, then, now));
  if (peer.rx_bytes != 0 || peer.tx_bytes != 0)
    text += paint.line("transfer", bytes(paint, peer.rx_bytes) + " received, " + bytes(paint, peer.tx_bytes) + " sent");
  if (peer.persistent_keepalive_s != 0)
    text += paint.line("persistent keepalive", "every " + duration(paint, peer.persistent_keepalive_s));
  return text;
}

bool is_drop(const std::pair<std::string, std::string>& line) { return line.first.starts_with(drop_prefix); }

bool is_warning(const std::pair<std::string, std::string>& line) { return line.first == "warning"; }

bool is_diagnosis(const std::pair<std::string, std::string>& line) { return line.first == "diagnosis"; }

/// The peer's key, and what is wrong.
std::pair<std::string_view, std::string_view> diagnosis_of(std::string_view value) {
  const std::size_t space = std::min(value.find(' '), value.size());
  return {value.substr(0, space), value.substr(std::min(space + 1, value.size()))};
}

std::string_view drop_name(const std::string& key) { return std::string_view(key).substr(drop_prefix.size()); }

/// The lines that wg(8) does not have.
std::string pretty_own(const Tunnel& tunnel, const Paint& paint) {
  if (tunnel.own.empty()) return "";
  std::string text = "\n" + paint.heading(magenta, "details", tunnel.name);
  std::string drops;
  for (const auto& line : tunnel.own) {
    const auto& [key, value] = line;
    if (is_diagnosis(line)) {
      const auto [peer, sentence] = diagnosis_of(value);
      text += paint.line("diagnosis", fmt::format("peer {}: {}", peer, printable(sentence)));
    } else if (!is_drop(line)) {
      std::string name = key;
      std::ranges::replace(name, '_', ' ');
      text += paint.line(name, printable(value));
    } else if (value != "0") {
      drops += fmt::format("{}{} {}", drops.empty() ? "" : ", ", value, paint.cyan(drop_name(key)));
    }
  }
  return text + paint.line("dropped packets", drops.empty() ? "none" : drops);
}

// ---------------------------------------------------------------- for programs

std::string dump(const Tunnel& tunnel, std::string_view prefix) {
  const auto& interface = tunnel.status.interface;
  std::string text =
      fmt::format("{}{}\t{}\t{}\t{}\n", prefix, key_or_none(interface.private_key),
                  public_key_or_none(interface.private_key), interface.listen_port, fwmark_or_off(interface.fwmark));
  for (const PeerStatus& peer : tunnel.status.peers)
    text +=
        fmt::format("{}{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", prefix, encode_base64(peer.public_key),
                    key_or_none(peer.preshared_key), endpoint_or_none(peer), allowed_ips(peer, ","),
                    handshake_time(peer), peer.rx_bytes, peer.tx_bytes, keepalive_or_off(peer.persistent_keepalive_s));
  return text;
}

std::optional<std::string> interface_field(const uapi::InterfaceStatus& interface, std::string_view name) {
  if (name == "public-key") return public_key_or_none(interface.private_key);
  if (name == "private-key") return key_or_none(interface.private_key);
  if (name == "listen-port") return std::to_string(interface.listen_port);
  if (name == "fwmark") return fwmark_or_off(interface.fwmark);
  return std::nullopt;
}

/// The rest of the line, after the peer's key.
std::optional<std::string> peer_field(const PeerStatus& peer, std::string_view name) {
  if (name == "peers") return "";
  if (name == "preshared-keys") return "\t" + key_or_none(peer.preshared_key);
  if (name == "endpoints") return "\t" + endpoint_or_none(peer);
  if (name == "allowed-ips") return "\t" + allowed_ips(peer, " ");
  if (name == "latest-handshakes") return "\t" + std::to_string(handshake_time(peer));
  if (name == "transfer") return fmt::format("\t{}\t{}", peer.rx_bytes, peer.tx_bytes);
  if (name == "persistent-keepalive") return "\t" + keepalive_or_off(peer.persistent_keepalive_s);
  return std::nullopt;
}

std::string own_lines(const Tunnel& tunnel, bool drops, std::string_view prefix) {
  std::string text;
  for (const auto& line : tunnel.own)
    if (is_drop(line) == drops)
      text += fmt::format("{}{}\t{}\n", prefix, drops ? drop_name(line.first) : std::string_view(line.first),
                          escape(line.second));
  return text;
}

// ---------------------------------------------------------------- JSON

/// The members of an object, in their order.
class JsonObject {
 public:
  explicit JsonObject(int depth) : indent_(static_cast<std::size_t>(depth) + 1, '\t') {}
  void text(std::string_view name, std::string_view value) { raw(name, json_string(value)); }
  void raw(std::string_view name, std::string_view value) {
    members_ += fmt::format("{}\n{}{}: {}", members_.empty() ? "" : ",", indent_, json_string(name), value);
  }
  [[nodiscard]] std::string close() const { return "{" + members_ + "\n" + indent_.substr(1) + "}"; }

 private:
  std::string indent_;
  std::string members_;
};

std::string json_peer(const PeerStatus& peer, bool keys) {
  JsonObject object(3);
  if (!peer.preshared_key.is_zero()) object.text("presharedKey", keys ? key_or_none(peer.preshared_key) : "(hidden)");
  if (peer.endpoint) object.text("endpoint", peer.endpoint->to_string());
  if (const auto time = handshake_time(peer); time != 0) object.raw("latestHandshake", std::to_string(time));
  if (peer.rx_bytes != 0) object.raw("transferRx", std::to_string(peer.rx_bytes));
  if (peer.tx_bytes != 0) object.raw("transferTx", std::to_string(peer.tx_bytes));
  if (peer.persistent_keepalive_s != 0) object.raw("persistentKeepalive", std::to_string(peer.persistent_keepalive_s));
  std::string list;
  for (const Prefix& prefix : peer.allowed_ips)
    list += fmt::format("{}\n\t\t\t\t\t\"{}\"", list.empty() ? "" : ",", prefix.to_string());
  object.raw("allowedIps", "[" + list + "\n\t\t\t\t]");
  return object.close();
}

std::string json_tunnel(const Tunnel& tunnel, bool keys) {
  const auto& interface = tunnel.status.interface;
  JsonObject object(1);
  if (!interface.private_key.is_zero()) {
    object.text("privateKey", keys ? key_or_none(interface.private_key) : "(hidden)");
    object.text("publicKey", public_key_or_none(interface.private_key));
  }
  if (interface.listen_port != 0) object.raw("listenPort", std::to_string(interface.listen_port));
  if (interface.fwmark != 0) object.raw("fwmark", std::to_string(interface.fwmark));
  JsonObject peers(2);
  for (const PeerStatus& peer : tunnel.status.peers) peers.raw(encode_base64(peer.public_key), json_peer(peer, keys));
  object.raw("peers", peers.close());
  JsonObject details(2);
  JsonObject drops(2);
  JsonObject diagnoses(2);
  std::string warnings;
  for (const auto& line : tunnel.own) {
    const auto& [key, value] = line;
    const bool is_number = value.find_first_not_of("0123456789") == std::string::npos && !value.empty();
    if (is_diagnosis(line)) {
      const auto [peer, sentence] = diagnosis_of(value);
      diagnoses.text(peer, sentence);
      continue;
    }
    if (is_warning(line)) {
      warnings += fmt::format("{}\n\t\t\t{}", warnings.empty() ? "" : ",", json_string(value));
      continue;
    }
    JsonObject& to = is_drop(line) ? drops : details;
    const auto name = is_drop(line) ? drop_name(key) : std::string_view(key);
    is_number ? to.raw(name, value) : to.text(name, value);
  }
  object.raw("details", details.close());
  object.raw("drops", drops.close());
  object.raw("diagnoses", diagnoses.close());
  object.raw("warnings", "[" + warnings + "\n\t\t]");
  return object.close();
}

}  // namespace

std::string pretty(const Tunnel& tunnel, WallTime now, Style style) {
  const Paint paint(style.colour);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  std::vector<const PeerStatus*> order;
  order.reserve(tunnel.status.peers.size());
  for (const PeerStatus& peer : tunnel.status.peers) order.push_back(&peer);
  // As wg does: the peer with the latest handshake first; among equals, in the order in which they came.
  std::ranges::sort(order, [](const PeerStatus* one, const PeerStatus* other) {
    return std::pair(other->last_handshake, one) < std::pair(one->last_handshake, other);
  });
  std::string text = pretty_interface(tunnel, paint, style.keys);
  for (const PeerStatus* peer : order) text += "\n" + pretty_peer(*peer, paint, style.keys, seconds);
  return text + pretty_own(tunnel, paint);
}

std::optional<std::string> field(const Tunnel& tunnel, std::string_view name, bool named) {
  const std::string prefix = named ? tunnel.name + "\t" : "";
  if (name == "dump") return dump(tunnel, prefix);
  if (name == "details" || name == "drops") return own_lines(tunnel, name == "drops", prefix);
  if (const auto value = interface_field(tunnel.status.interface, name)) return prefix + *value + "\n";
  if (!peer_field({}, name)) return std::nullopt;
  std::string text;
  for (const PeerStatus& peer : tunnel.status.peers)
    text += prefix + encode_base64(peer.public_key) + *peer_field(peer, name) + "\n";
  return text;
}

std::string json(const std::vector<Tunnel>& tunnels, Style style) {
  JsonObject object(0);
  for (const Tunnel& tunnel : tunnels) object.raw(tunnel.name, json_tunnel(tunnel, style.keys));
  return object.close() + "\n";
}

}  // namespace wg4::show
