#include "shared/config/wg_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/ascii.h"
#include "shared/base/escaped_text.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/secret.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4 {
namespace {

constexpr std::string_view hidden = "(hidden)";

/// "A, B" of what has a to_string().
template <class Items>
std::string list(const Items& items) {
  std::string text;
  for (const auto& item : items) text.append(text.empty() ? "" : ", ").append(item.to_string());
  return text;
}

/// What a hook does may include setting a key, which is written there as everywhere: 43 characters of base64 and "=".
std::string without_keys(std::string_view command) {
  constexpr std::size_t key_characters = 43;
  const auto is_base64 = [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '/'; };
  std::string text;
  while (!command.empty()) {
    const auto end = std::ranges::find_if_not(command, is_base64);
    const auto run = static_cast<std::size_t>(end - command.begin());
    const bool is_key = run >= key_characters && end != command.end() && *end == '=';
    if (is_key) {
      text.append(command.substr(0, run - key_characters)).append(hidden);
      command.remove_prefix(run + 1);
    } else {
      const std::size_t next = std::min(run + 1, command.size());
      text += command.substr(0, next);
      command.remove_prefix(next);
    }
  }
  return text;
}

class Writer {
 public:
  explicit Writer(Keys keys) : keys_(keys) {}

  void section(std::string_view name) { text_.append(text_.empty() ? "[" : "\n[").append(name).append("]\n"); }
  void set(std::string_view name, std::string_view value) {
    if (!value.empty()) text_.append(name).append(" = ").append(value).append("\n");
  }
  void set_key(std::string_view name, const Secret<key_size>& key) {
    if (key.is_zero()) return;
    text_.append(name).append(" = ");
    if (keys_ == Keys::hidden) {
      text_.append(hidden);
    } else {
      text_.append_base64(key.span());
    }
    text_.append("\n");
  }
  void set_hooks(std::string_view name, const std::vector<std::string>& commands) {
    for (const std::string& command : commands) set(name, for_readers(command));
  }
  void set_friendly_name(const std::string& name) { set("# friendly_name", for_readers(name)); }

  [[nodiscard]] SecretText take() { return std::move(text_); }

 private:
  /// Text of the file that may have anything in it.
  [[nodiscard]] std::string for_readers(const std::string& text) const {
    return keys_ == Keys::hidden ? printable(without_keys(text)) : text;
  }

  SecretText text_;
  Keys keys_;
};

std::string number_or_nothing(std::uint32_t number) { return number == 0 ? "" : std::to_string(number); }

std::string dns(const WgConfig& config) {
  std::string text = list(config.dns_servers);
  for (const std::string& domain : config.dns_search) text.append(text.empty() ? "" : ", ").append(domain);
  return text;
}

std::string table(const WgConfig& config) {
  if (config.table == RouteTable::automatic) return "";
  return config.table == RouteTable::off ? "off" : std::to_string(config.table_number);
}

void write_interface(Writer& writer, const WgConfig& config) {
  writer.section("Interface");
  writer.set_key("PrivateKey", config.private_key);
  writer.set("ListenPort", number_or_nothing(config.listen_port));
  writer.set("FwMark", number_or_nothing(config.fwmark));
  writer.set("Address", list(config.addresses));
  writer.set("DNS", dns(config));
  writer.set("MTU", number_or_nothing(config.mtu.value_or(0)));
  writer.set("Table", table(config));
  writer.set_hooks("PreUp", config.hooks.pre_up);
  writer.set_hooks("PostUp", config.hooks.post_up);
  writer.set_hooks("PreDown", config.hooks.pre_down);
  writer.set_hooks("PostDown", config.hooks.post_down);
  writer.set("SaveConfig", config.save_config ? "true" : "");
}

void write_peer(Writer& writer, const PeerConfig& peer) {
  writer.section("Peer");
  writer.set_friendly_name(peer.friendly_name);
  writer.set("PublicKey", encode_base64(peer.public_key));
  writer.set_key("PresharedKey", peer.preshared_key);
  writer.set("AllowedIPs", list(peer.allowed_ips));
  writer.set("Endpoint", peer.endpoint ? to_string(*peer.endpoint) : "");
  writer.set("PersistentKeepalive", number_or_nothing(peer.persistent_keepalive_s));
}

}  // namespace

SecretText to_wg_quick(const WgConfig& config, Keys keys) {
  Writer writer(keys);
  write_interface(writer, config);
  for (const PeerConfig& peer : config.peers) write_peer(writer, peer);
  return writer.take();
}

}  // namespace wg4
