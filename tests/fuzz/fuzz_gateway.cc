// The gateway: no packet of either side is read beyond its end, a forwarded packet keeps its length, and answers are
// whole packets with correct checksums.
//
// The first byte says with or without servers; then come packets, each behind its length and direction.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "tests/fuzz/fuzz_input.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/time.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/offload/checksum.h"

namespace {

using wg4::ByteView;
using wg4::IpAddress;

IpAddress v4(std::array<std::uint8_t, 4> bytes) { return IpAddress::v4(bytes); }
IpAddress v6(std::uint8_t last) {
  std::array<std::uint8_t, 16> bytes{0xfd};
  bytes.back() = last;
  return IpAddress::v6(bytes);
}

void check_answer(ByteView answer) {
  const auto packet = wg4::InnerPacket::parse(answer, answer.size());
  CHECK(packet && packet->length() == answer.size());
  if (packet->is_v4()) CHECK(wg4::offload::fold(wg4::offload::add_bytes(0, answer.first(20))) == 0xffff);
  const std::size_t transport = packet->is_v4() ? 20 : 40;
  const std::uint8_t protocol = answer[packet->is_v4() ? 9 : 6];
  wg4::offload::Sum sum = 0;
  if (protocol != 1) {
    sum = wg4::offload::pseudo_header(answer.data(), protocol);
    sum = wg4::offload::add_word(sum, static_cast<std::uint16_t>(answer.size() - transport));
  }
  CHECK(wg4::offload::fold(wg4::offload::add_bytes(sum, answer.subspan(transport))) == 0xffff);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wg4::test::FuzzInput input({data, size});
  wg4::GatewayOptions options{.mtu = 100,
                              .guest = v4({10, 0, 2, 100}),
                              .tunnel_v4 = v4({10, 0, 0, 2}),
                              .dns_v4 = v4({10, 0, 2, 3}),
                              .dns_v6 = v6(3),
                              .servers = {}};
  if (input.u8() % 2 == 1) options.servers = {v4({10, 0, 0, 1}), v4({10, 0, 0, 9}), v6(1)};
  wg4::Gateway gateway(options);
  wg4::Instant now{std::chrono::hours(1)};
  while (!input.empty()) {
    const std::uint8_t kind = input.u8();
    const ByteView taken = input.take(input.u8());
    std::vector<std::uint8_t> bytes(taken.begin(), taken.end());
    now += std::chrono::milliseconds(kind);
    if (kind % 2 == 0) {
      gateway.inbound(bytes);
    } else if (gateway.outbound(bytes, now) == wg4::Gateway::Verdict::answer) {
      check_answer(gateway.answer());
    }
  }
  return 0;
}
