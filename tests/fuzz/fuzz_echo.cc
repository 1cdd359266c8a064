// Answers to the doctor's pings come from unknown hosts behind the peer: no packet may crash it, and one that counts as
// an answer has the address, the id and the sequence number of the request.
//
// The first byte chooses the question, the rest is the packet.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "wg4netns/doctor/echo.h"

namespace {

using namespace wg4;
using doctor::EchoRequest;

EchoRequest make_request(std::uint8_t choice) {
  const std::size_t size = 28 + 4 * std::size_t{choice};
  if (choice % 2 == 0)
    return {.source = *IpAddress::parse("10.0.0.1"),
            .destination = *IpAddress::parse("10.0.0.2"),
            .id = 0x1234,
            .sequence = choice,
            .size = size};
  return {.source = *IpAddress::parse("fd00::1"),
          .destination = *IpAddress::parse("fd00::2"),
          .id = 0x1234,
          .sequence = choice,
          .size = size};
}

/// The answer of the host, except for checksums, which are not verified here.
std::vector<std::uint8_t> make_answer(const EchoRequest& request) {
  std::vector<std::uint8_t> packet = doctor::make_echo(request);
  const bool is_v4 = request.destination.is_v4();
  const std::ptrdiff_t addresses = is_v4 ? 12 : 8;
  const std::ptrdiff_t length = is_v4 ? 4 : 16;
  const auto first = packet.begin() + addresses;
  std::swap_ranges(first, first + length, first + length);
  packet[is_v4 ? 20 : 40] = is_v4 ? 0 : 129;
  return packet;
}

bool contains(ByteView packet, ByteView part) { return !std::ranges::search(packet, part).empty(); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const EchoRequest request = make_request(data[0]);
  const ByteView packet(data + 1, size - 1);
  if (doctor::answers(packet, request)) {
    CHECK(contains(packet, request.destination.bytes()));
    CHECK(contains(packet, std::array<std::uint8_t, 4>{0x12, 0x34, 0, data[0]}));
  }
  CHECK(!doctor::answers(doctor::make_echo(request), request));
  std::vector<std::uint8_t> answer = make_answer(request);
  CHECK(doctor::answers(answer, request));
  // One byte of it becomes another: that may cost the answer, and nothing else.
  if (size > 2) answer[data[1] % answer.size()] = data[2];
  static_cast<void>(doctor::answers(answer, request));
  return 0;
}
