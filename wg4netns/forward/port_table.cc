#include "wg4netns/forward/port_table.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>

// A line is " 0: 0100007F:1F90 00000000:0000 0A ...": number, local address and port, remote ones, state; the rest does
// not matter. Numbers are hexadecimal.

namespace wg4::forward {
namespace {

constexpr unsigned listen_state = 0x0a;       // TCP_LISTEN
constexpr unsigned unconnected_state = 0x07;  // TCP_CLOSE, which UDP sockets are in unless connected
constexpr std::size_t v4_digits = 8;
// The start of an IPv4-mapped address, ::ffff:1.2.3.4: numbers of 32 bits, each in this machine's byte order.
constexpr std::string_view mapped_start =
    std::endian::native == std::endian::little ? "0000000000000000FFFF0000" : "00000000000000000000FFFF";

std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return take_until(line, ' ');
}

std::optional<unsigned> parse_hex(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::map<std::uint16_t, Reach> listening_ports(std::string_view text, Protocol protocol) {
  std::map<std::uint16_t, Reach> ports;
  const unsigned wanted = protocol == Protocol::tcp ? listen_state : unconnected_state;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    take_word(line);
    std::string_view local = take_word(line);
    take_word(line);
    const auto state = parse_hex(take_word(line));
    const std::string_view address = take_until(local, ':');
    const Reach reach = address.size() == v4_digits || address.starts_with(mapped_start) ? Reach::v4 : Reach::v6;
    const auto port = parse_hex(local);  // nothing if there was no colon
    if (state != wanted || !port || *port == 0 || *port > UINT16_MAX) continue;
    Reach& known = ports.emplace(*port, reach).first->second;
    known = std::max(known, reach);
  }
  return ports;
}

}  // namespace wg4::forward
