// How a file is read: line by line, each line once. A line is a header, or `Key = value` of a section; a table says
// which keys there are and which function takes the value. [Peer] sections are kept as drafts until the end, when all
// of them are merged (peer_draft.h).
//
// The format belongs to two programs with different rules. wg deletes all white space of a line, and its values are
// never empty. wg-quick first takes out its own keys, by exact name and only below [Interface]; its values may be
// empty, and its hooks keep the text behind a '#'.

#include "shared/config/wg_config.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shared/base/near_word.h"
#include "shared/config/conf_text.h"
#include "shared/config/foreign_settings.h"
#include "shared/config/peer_draft.h"
#include "shared/config/wg_values.h"
#include "shared/net/ip_address.h"
#include "shared/net/mtu.h"

namespace wg4 {
namespace {

using conf_text::Squeezed;

enum class Section : std::uint8_t { none, interface, peer };

/// Whose rules apply to a key. `host` follows wg, but white space between two words is not deleted: that would make one
/// wrong host name of them.
enum class Style : std::uint8_t { wg, host, wg_quick, hook };

constexpr std::string_view name_of(Section section) { return section == Section::interface ? "[Interface]" : "[Peer]"; }

class Parser {
 public:
  explicit Parser(ServicePort services) : services_(services) {}
  Result<WgConfig> parse(std::string_view text);

 private:
  struct Key {
    std::string_view name;
    Section section;
    Style style;
    Result<void> (Parser::*set)(std::string_view value);
  };
  static const std::array<Key, 17> keys;
  static const Key* find_key(std::string_view name);

  Result<void> parse_line(std::string_view line);
  void parse_comment(std::string_view comment);
  Result<void> parse_header(std::string_view header);
  Result<void> parse_setting(std::string_view name, std::string_view value, std::string_view value_and_comment);
  Result<void> set(const Key& key, std::string_view value);
  [[nodiscard]] Error unknown_key(std::string_view name, std::string_view value) const;
  Result<WgConfig> finish();

  Result<void> set_private_key(std::string_view value);
  Result<void> set_listen_port(std::string_view value);
  Result<void> set_fwmark(std::string_view value);
  Result<void> set_address(std::string_view value);
  Result<void> set_dns(std::string_view value);
  Result<void> set_mtu(std::string_view value);
  Result<void> set_table(std::string_view value);
  template <std::vector<std::string> WgConfig::Hooks::* list>
  Result<void> add_hook(std::string_view value);
  Result<void> set_save_config(std::string_view value);
  Result<void> set_public_key(std::string_view value);
  Result<void> set_preshared_key(std::string_view value);
  Result<void> set_endpoint(std::string_view value);
  Result<void> set_keepalive(std::string_view value);
  Result<void> set_allowed_ips(std::string_view value);
  Result<void> add_allowed_ip(std::string_view entry);

  PeerDraft& peer() { return drafts_.back(); }
  [[nodiscard]] std::string here() const { return "line " + std::to_string(line_); }

  ServicePort services_;
  WgConfig config_;
  std::vector<PeerDraft> drafts_;
  std::set<Prefix> taken_addresses_;
  Section section_ = Section::none;
  unsigned line_ = 0;
};

constexpr std::array<Parser::Key, 17> Parser::keys{{
    {"PrivateKey", Section::interface, Style::wg, &Parser::set_private_key},
    {"ListenPort", Section::interface, Style::wg, &Parser::set_listen_port},
    {"FwMark", Section::interface, Style::wg, &Parser::set_fwmark},
    {"Address", Section::interface, Style::wg_quick, &Parser::set_address},
    {"DNS", Section::interface, Style::wg_quick, &Parser::set_dns},
    {"MTU", Section::interface, Style::wg_quick, &Parser::set_mtu},
    {"Table", Section::interface, Style::wg_quick, &Parser::set_table},
    {"PreUp", Section::interface, Style::hook, &Parser::add_hook<&WgConfig::Hooks::pre_up>},
    {"PostUp", Section::interface, Style::hook, &Parser::add_hook<&WgConfig::Hooks::post_up>},
    {"PreDown", Section::interface, Style::hook, &Parser::add_hook<&WgConfig::Hooks::pre_down>},
    {"PostDown", Section::interface, Style::hook, &Parser::add_hook<&WgConfig::Hooks::post_down>},
    {"SaveConfig", Section::interface, Style::wg_quick, &Parser::set_save_config},
    {"PublicKey", Section::peer, Style::wg, &Parser::set_public_key},
    {"PresharedKey", Section::peer, Style::wg, &Parser::set_preshared_key},
    {"Endpoint", Section::peer, Style::host, &Parser::set_endpoint},
    {"PersistentKeepalive", Section::peer, Style::wg, &Parser::set_keepalive},
    {"AllowedIPs", Section::peer, Style::wg, &Parser::set_allowed_ips},
}};

bool is_utf16(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) return true;
  if (text.size() < 4) return false;
  const auto is_nul = [&](std::size_t i) { return text[i] == '\0'; };
  return is_nul(0) == is_nul(2) && is_nul(1) == is_nul(3) && is_nul(0) != is_nul(1);
}

/// Refuses text that cannot be cut into lines, such as UTF-16.
Result<void> check_encoding(std::string_view text) {
  if (is_utf16(text))
    return fail("line 1: the file is UTF-16 text, as some Windows programs save it", 0, "Save it as UTF-8");
  const std::string_view body = conf_text::trimmed(text);
  if (body.contains('\r') && !body.contains('\n'))
    return fail("line 1: the lines end in carriage returns alone", 0, "Save the file with Unix line ends");
  return {};
}

/// Refuses characters that look like an ASCII character, or are invisible.
Result<void> refuse_odd_characters(std::string_view where, std::string_view text) {
  const auto character = conf_text::odd_character(text);
  if (!character) return {};
  return fail(std::string(where) + " has " + *character, 0,
              "Type the line again: copied text can have such spaces and quotation marks. A host name "
              "with letters beyond ASCII is written in its xn-- form");
}

Result<WgConfig> Parser::parse(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  TRY(check_encoding(text));
  for (std::optional rest = text; rest;) {
    ++line_;
    auto parsed = parse_line(conf_text::cut(rest, '\n'));
    if (!parsed) return fail_in(here(), std::move(parsed).error());
  }
  return finish();
}

Result<void> Parser::parse_line(std::string_view line) {
  const std::size_t comment = std::min(line.find('#'), line.size());
  const std::string_view content = conf_text::trimmed(line.substr(0, comment));
  if (content.empty()) {
    if (comment < line.size()) parse_comment(line.substr(comment + 1));
    return {};
  }
  if (content.front() == '[') return parse_header(content);
  const std::size_t equals = line.find('=');
  if (equals > comment)
    return fail("this is neither a [Section] nor a setting", 0, "Write 'Key = value', or '#' in front of a comment");
  const std::string_view value = line.substr(equals + 1, comment - equals - 1);
  return parse_setting(conf_text::trimmed(line.substr(0, equals)), conf_text::trimmed(value),
                       conf_text::trimmed(line.substr(equals + 1)));
}

/// "# friendly_name = laptop", as in prometheus_wireguard_exporter.
void Parser::parse_comment(std::string_view comment) {
  std::optional rest = comment;
  const std::string_view name = conf_text::trimmed(conf_text::cut(rest, '='));
  if (section_ == Section::peer && rest && name == "friendly_name") peer().friendly_name = conf_text::trimmed(*rest);
}

Result<void> Parser::parse_header(std::string_view header) {
  const Squeezed squeezed(header);
  for (const Section section : {Section::interface, Section::peer}) {
    if (!conf_text::equal_ignoring_case(squeezed.view(), name_of(section))) continue;
    section_ = section;
    if (section == Section::peer) drafts_.emplace_back().line = line_;
    return {};
  }
  TRY(refuse_odd_characters("the header", header));
  if (auto foreign = foreign_section(squeezed.view())) return std::unexpected(*std::move(foreign));
  return fail("unknown section " + conf_text::shown(header, "header"), 0, "The sections are [Interface] and [Peer]");
}

const Parser::Key* Parser::find_key(std::string_view name) {
  const Squeezed squeezed(name);
  const auto at = std::ranges::find_if(keys, [&](const Key& key) {
    const bool by_wg = key.style == Style::wg || key.style == Style::host;
    return conf_text::equal_ignoring_case(by_wg ? squeezed.view() : name, key.name);
  });
  return at == keys.end() ? nullptr : &*at;
}

Result<void> Parser::parse_setting(std::string_view name, std::string_view value, std::string_view value_and_comment) {
  const Key* key = find_key(name);
  if (key == nullptr) {
    TRY(refuse_odd_characters("what is in front of '='", name));
    return std::unexpected(unknown_key(name, value));
  }
  const std::string key_name(key->name);
  if (section_ != key->section)
    return fail(key_name + (section_ == Section::none ? " comes before any section" : " does not belong here"), 0,
                "Move it below " + std::string(name_of(key->section)));

  if (key->style == Style::hook) return set(*key, value_and_comment);
  TRY(refuse_odd_characters(key_name, value));
  if (key->style == Style::wg_quick) return set(*key, value);
  if (key->style == Style::host && conf_text::has_two_words(value))
    return fail(key_name + ": " + conf_text::shown(value, "its value") + " has a space between two words", 0,
                "Write host:port without spaces; a peer has one Endpoint");
  const Squeezed squeezed(value);
  if (squeezed.view().empty()) return fail(key_name + " has no value", 0, "Give it one, or remove the line");
  return set(*key, squeezed.view());
}

Result<void> Parser::set(const Key& key, std::string_view value) {
  auto done = (this->*key.set)(value);
  if (!done) return fail_in(std::string(key.name), std::move(done).error());
  return {};
}

Error Parser::unknown_key(std::string_view name, std::string_view value) const {
  if (auto foreign = foreign_setting(name, value)) return *std::move(foreign);
  std::array<std::string_view, std::size(keys)> names{};
  std::ranges::transform(keys, names.begin(), &Key::name);
  const std::string what = "unknown key " + conf_text::shown(name, "in front of '='");
  const std::string_view near = nearest_word(name, names);
  if (!near.empty()) return {what, 0, "Did you mean " + std::string(near) + "?"};
  if (section_ == Section::none) return {what, 0, "Put a section in front: [Interface] or [Peer]"};
  std::string hint = "The keys of " + std::string(name_of(section_)) + " are";
  for (const Key& key : keys)
    if (key.section == section_) hint.append(" ").append(key.name);
  return {what, 0, std::move(hint)};
}

Result<WgConfig> Parser::finish() {
  config_.peers = TRY(merge_peers(std::move(drafts_), config_.warnings));
  const bool has_ipv6 = std::ranges::any_of(config_.addresses, [](const Prefix& p) { return !p.address.is_v4(); });
  if (config_.mtu && *config_.mtu < min_ipv6_mtu && has_ipv6)
    config_.warnings.push_back("line " + std::to_string(config_.lines.mtu) + ": MTU " + std::to_string(*config_.mtu) +
                               " is too small for the IPv6 addresses: IPv6 needs 1280");
  return std::move(config_);
}

Result<void> Parser::set_private_key(std::string_view value) {
  return wg_values::parse_key(value, config_.private_key.span());
}

Result<void> Parser::set_listen_port(std::string_view value) {
  config_.lines.listen_port = line_;
  config_.listen_port = TRY(wg_values::parse_port(value, services_));
  return {};
}

Result<void> Parser::set_fwmark(std::string_view value) {
  config_.lines.fwmark = line_;
  config_.fwmark = TRY(wg_values::parse_fwmark(value));
  return {};
}

Result<void> Parser::set_address(std::string_view value) {
  for (auto word = conf_text::next_word(value); !word.empty(); word = conf_text::next_word(value)) {
    const Prefix address = TRY(wg_values::parse_interface_address(word));
    // The kernel identifies an IPv4 address of an interface by address and length, an IPv6 one by the address alone.
    const Prefix identity = address.address.is_v4() ? address : Prefix{address.address, 0};
    if (!taken_addresses_.insert(identity).second)
      return fail("'" + address.to_string() + "' is given twice", 0, "Remove one of the two");
    config_.addresses.push_back(address);
  }
  return {};
}

Result<void> Parser::set_dns(std::string_view value) {
  for (auto word = conf_text::next_word(value); !word.empty(); word = conf_text::next_word(value)) {
    if (word.starts_with('~')) {
      config_.warnings.push_back(here() + ": DNS: a name with '~' says which look-ups go to these servers; in the " +
                                 "namespace all do, so it is left out");
    } else if (wg_values::looks_like_address(word)) {
      config_.dns_servers.push_back(TRY(wg_values::parse_server(word)));
    } else {
      config_.dns_search.push_back(TRY(wg_values::parse_search_domain(word)));
    }
  }
  return {};
}

Result<void> Parser::set_mtu(std::string_view value) {
  config_.lines.mtu = line_;
  config_.mtu.reset();
  if (!value.empty()) config_.mtu = TRY(wg_values::parse_mtu(value));
  return {};
}

Result<void> Parser::set_table(std::string_view value) {
  config_.lines.table = line_;
  config_.table = RouteTable::automatic;
  config_.table_number = 0;
  if (value.empty() || value == "auto") return {};
  config_.table = RouteTable::off;
  if (value == "off") return {};
  config_.table_number = TRY(wg_values::parse_table_number(value));
  config_.table = RouteTable::number;
  // The number of the main table means the same as "auto": an address' own network already has its route there.
  constexpr std::uint32_t unspecified_table = 0;
  constexpr std::uint32_t main_table = 254;
  if (config_.table_number != unspecified_table && config_.table_number != main_table) return {};
  config_.table = RouteTable::automatic;
  config_.table_number = 0;
  return {};
}

template <std::vector<std::string> WgConfig::Hooks::* list>
Result<void> Parser::add_hook(std::string_view value) {
  std::string command(value);
  std::erase(command, '\0');
  if (command.empty()) return {};
  config_.lines.hooks = line_;
  (config_.hooks.*list).push_back(std::move(command));
  return {};
}

Result<void> Parser::set_save_config(std::string_view value) {
  config_.lines.save_config = line_;
  config_.save_config = TRY(wg_values::parse_bool(value));
  return {};
}

Result<void> Parser::set_public_key(std::string_view value) {
  return wg_values::parse_key(value, peer().public_key.emplace());
}

Result<void> Parser::set_preshared_key(std::string_view value) {
  return wg_values::parse_key(value, peer().preshared_key.emplace().span());
}

Result<void> Parser::set_endpoint(std::string_view value) {
  peer().endpoint = TRY(wg_values::parse_endpoint(value, services_));
  return {};
}

Result<void> Parser::set_keepalive(std::string_view value) {
  peer().persistent_keepalive_s = TRY(wg_values::parse_keepalive(value));
  return {};
}

Result<void> Parser::set_allowed_ips(std::string_view value) {
  peer().replaces_allowed_ips = true;  // the last line decides, as in wg
  for (std::optional rest = value; rest;) TRY(add_allowed_ip(conf_text::cut(rest, ',')));
  return {};
}

Result<void> Parser::add_allowed_ip(std::string_view entry) {
  const bool remove = entry.starts_with('-');
  const bool incremental = remove || entry.starts_with('+');
  if (incremental) {
    peer().replaces_allowed_ips = false;
    entry.remove_prefix(1);
  }
  const Prefix prefix = TRY(wg_values::parse_prefix(entry));
  const Prefix masked = prefix.masked();
  if (masked != prefix)
    config_.warnings.push_back(here() + ": AllowedIPs " + prefix.to_string() + " has host bits and means " +
                               masked.to_string());
  peer().allowed_ips.push_back({masked, remove, line_});
  return {};
}

}  // namespace

std::string HostPort::to_string() const {
  const bool brackets = host.contains(':');
  return (brackets ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

std::string to_string(const PeerEndpoint& endpoint) {
  return std::visit([](const auto& value) { return value.to_string(); }, endpoint);
}

bool WgConfig::leads_to(const IpAddress& address) const {
  return std::ranges::any_of(peers, [&](const PeerConfig& peer) {
    return std::ranges::any_of(peer.allowed_ips, [&](const Prefix& prefix) { return prefix.contains(address); });
  });
}

Result<WgConfig> WgConfig::parse(std::string_view text, ServicePort services) { return Parser(services).parse(text); }

}  // namespace wg4
