#include "wg4netns/natpmp/messages.h"

namespace wg4::natpmp {
namespace {

constexpr std::uint8_t version = 0;
constexpr std::uint8_t map_udp = 1;
constexpr std::uint8_t map_tcp = 2;
constexpr std::uint8_t is_response = 128;
constexpr std::size_t shortest_response = 8;  // of an error: no more than version, request, result, epoch
constexpr std::size_t response_size = 16;

Outcome to_outcome(std::uint16_t result) {
  constexpr auto last = static_cast<std::uint16_t>(Outcome::unsupported_request);
  return result <= last ? Outcome{static_cast<std::uint8_t>(result)} : Outcome::unsupported_request;
}

}  // namespace

std::array<std::uint8_t, request_size> encode(const Request& request) {
  std::array<std::uint8_t, request_size> bytes{version, request.protocol == Protocol::udp ? map_udp : map_tcp};
  store_be(&bytes[4], request.internal);
  store_be(&bytes[6], request.external);
  store_be(&bytes[8], request.lifetime);
  return bytes;
}

std::optional<Response> decode(ByteView bytes) {
  if (bytes.size() < shortest_response || (bytes[1] & is_response) == 0) return std::nullopt;
  const auto request = static_cast<std::uint8_t>(bytes[1] - is_response);
  if (request != map_udp && request != map_tcp) return std::nullopt;
  Response response{.protocol = request == map_udp ? Protocol::udp : Protocol::tcp,
                    .outcome = Outcome::success,
                    .external = 0,
                    .lifetime = 0};
  response.outcome = bytes[0] == version ? to_outcome(load_be<std::uint16_t>(&bytes[2])) : Outcome::unsupported_version;
  if (response.outcome != Outcome::success) return response;
  if (bytes.size() != response_size) return std::nullopt;
  response.external = load_be<std::uint16_t>(&bytes[10]);
  response.lifetime = load_be<std::uint32_t>(&bytes[12]);
  return response;
}

}  // namespace wg4::natpmp
