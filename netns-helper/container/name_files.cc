#include "netns-helper/container/name_files.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "shared/net/resolv_conf.h"

namespace wg4::container {
namespace {

constexpr std::string_view blanks = " \t\r\v\f";
constexpr std::size_t max_host_name = 253;  // of DNS

constexpr std::string_view localhost_lines =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

constexpr std::string_view hosts_line = "hosts: files dns\n";

/// Takes the first line off the front of `text`, without its end.
std::string_view take_line(std::string_view& text) {
  const std::size_t size = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return line;
}

/// Takes the first word off the front of `line`; empty at its end.
std::string_view take_word(std::string_view& line, std::string_view separators) {
  line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
  const std::size_t size = std::min(line.find_first_of(separators), line.size());
  const std::string_view word = line.substr(0, size);
  line.remove_prefix(size);
  return word;
}

/// Whether a hosts file has an address for this name.
bool has_host(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_line(text);
    line = line.substr(0, line.find('#'));
    take_word(line, blanks);  // the address
    for (std::string_view word = take_word(line, blanks); !word.empty(); word = take_word(line, blanks))
      if (word == name) return true;
  }
  return false;
}

bool is_host_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  return !name.empty() && name.size() <= max_host_name && std::ranges::all_of(name, fits);
}

/// glibc ends the word that names a database at a blank, too.
bool is_hosts_line(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  return line.substr(0, line.find_first_of(" \t\r\v\f:")) == "hosts";
}

}  // namespace

Result<AddedHost> parse_added_host(std::string_view text) {
  const auto refuse = [text](const char* why) {
    return fail("\"" + printable(text) + "\" " + why, 0, "It has the form NAME:ADDRESS, as in nas.home:192.0.2.7");
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refuse("has no address");
  const std::string_view name = text.substr(0, colon);
  if (!is_host_name(name)) return refuse("does not begin with the name of a host");
  std::string_view numbers = text.substr(colon + 1);
  if (numbers.starts_with('[') && numbers.ends_with(']')) numbers = numbers.substr(1, numbers.size() - 2);
  const auto address = IpAddress::parse(numbers);
  if (!address) return refuse("does not end with an IP address");
  return AddedHost{std::string(name), *address};
}

std::string make_resolv_conf(const NameSettings& settings) {
  if (settings.servers.empty())
    return "# Names do not resolve here: the tunnel has no DNS server. \"DNS =\" in its configuration sets one, or "
           "--dns.\n";
  return "# The DNS servers of the tunnel, by wireguard4netns.\n" + resolv_conf_text(settings.servers, settings.search);
}

std::string make_hosts(const NameSettings& settings) {
  std::string text = settings.hosts_text.value_or("");
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  if (!has_host(text, "localhost")) text += localhost_lines;
  const std::string& name = settings.hostname;
  if (!name.empty() && !has_host(text, name)) {
    const std::string alias = name.substr(0, name.find('.'));
    // Debian's address for it. sudo wants to find one.
    text += "127.0.1.1\t" + name + (alias == name ? "" : " " + alias) + "\n";
  }
  for (const AddedHost& host : settings.hosts) text += host.address.to_string() + "\t" + host.name + "\n";
  return text;
}

std::string make_nsswitch(std::string_view hosts_own) {
  std::string text;
  bool written = false;
  while (!hosts_own.empty()) {
    const std::string_view line = take_line(hosts_own);
    if (!is_hosts_line(line)) text.append(line).append("\n");
    if (is_hosts_line(line) && !std::exchange(written, true)) text += hosts_line;
  }
  if (!written) text += hosts_line;
  return text;
}

}  // namespace wg4::container
