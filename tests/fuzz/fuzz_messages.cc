// Input of the UDP socket: raw bytes, bytes with a valid mac1, and bytes that a peer really sealed. Only the last may
// ever reach the TUN, and only as whole IP packets with that peer's addresses.
//
// A message is one byte (which kind, from where), two bytes for its length, then its bytes.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/endpoint.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/device_probe.h"
#include "tests/support/packets.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/blake2s.h"

namespace {

using namespace wg4;
using namespace wg4::test;

enum class Kind : std::uint8_t { raw, with_mac1, sealed, run };

class Target {
 public:
  Target() {
    PeerChange change;
    change.public_key = raw_.public_key();
    change.endpoint = where_;
    change.allowed_ips = {{prefix("10.9.0.0/16")}, {prefix("fd09::/16")}};
    host_.configure(std::move(change));
    host_.on_packet = [this](ByteView packet) { check_delivery(packet); };
    world_.net.tap = [this](const Datagram& datagram) { last_sent_ = datagram.bytes; };
  }

  void hand(Kind kind, bool from_elsewhere, ByteView bytes, std::uint8_t number) {
    Bytes message(bytes.begin(), bytes.end());
    switch (kind) {
      case Kind::raw:
        name_session(message, number);
        break;
      case Kind::with_mac1:
        add_mac1(message);
        break;
      case Kind::sealed:
        if (!has_session_) shake();
        may_deliver_ = true;
        message = raw_.seal(counter_++, bytes);
        break;
      case Kind::run:
        break;
    }
    const std::size_t segment = kind == Kind::run ? std::size_t{number} + 1 : message.size();
    const DatagramRun received{{from_elsewhere ? elsewhere_ : where_, host_.address().address}, 0, message, segment};
    if (!message.empty()) host_.read({&received, 1});
    may_deliver_ = false;
    host_.turn();
    check_state();
  }

 private:
  void shake() {
    host_.receive({where_, host_.address(), 0, raw_.initiation()});
    host_.turn();
    CHECK(raw_.finish(last_sent_));
    has_session_ = true;
  }
  /// Often enough, data should find its session.
  void name_session(Bytes& message, std::uint8_t number) const {
    if (!has_session_ || number % 2 == 0 || message.size() < data_overhead) return;
    store_le(message.data(), static_cast<std::uint32_t>(MessageType::data));
    store_le(message.data() + 4, raw_.session_index());
  }
  void add_mac1(Bytes& message) const {
    message.resize(message.size() % 2 == 0 ? initiation_size : response_size);
    store_le<std::uint32_t>(message.data(), message.size() == initiation_size ? 1 : 2);
    constexpr std::array<std::uint8_t, 8> label = {'m', 'a', 'c', '1', '-', '-', '-', '-'};
    const auto key = crypto::blake2s(label, host_.public_key());
    std::ranges::copy(crypto::blake2s_mac(key, std::span(message).first(message.size() - 32)), message.end() - 32);
  }
  void check_delivery(ByteView packet) const {
    CHECK(may_deliver_);
    const auto parsed = InnerPacket::parse(packet, packet.size());
    CHECK(parsed.has_value());
    CHECK(parsed->length() == packet.size());
    const auto* source = parsed->source();
    CHECK(parsed->is_v4() ? source[0] == 10 && source[1] == 9 : source[0] == 0xfd && source[1] == 0x09);
  }
  void check_state() const {
    const Device& device = host_.device();
    CHECK(DeviceProbe::indices(device) == DeviceProbe::indices_in_use(device));
    CHECK(DeviceProbe::handshakes_waiting(device) <= max_queued_handshakes);
    CHECK(device.status().peers.front().endpoint.has_value());
    CHECK(!world_.deadline_in_the_past);
  }

  SimWorld world_;
  SimHost& host_ = world_.add_host();
  RawPeer raw_{7, host_.public_key()};
  const Endpoint where_ = endpoint("198.51.100.9:9");
  const Endpoint elsewhere_ = endpoint("[2001:db8:9::9]:9");
  Bytes last_sent_;
  bool has_session_ = false;
  bool may_deliver_ = false;
  std::uint64_t counter_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input({data, size});
  Target target;
  while (!input.empty()) {
    const std::uint8_t head = input.u8();
    const std::uint16_t length = input.u16();
    target.hand(static_cast<Kind>(head & 3), (head & 4) != 0, input.take(length), head >> 3);
  }
  return 0;
}
