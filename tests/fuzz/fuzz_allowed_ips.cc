// AllowedIps against a model: any stream of insertions, removals and look-ups gives the same answers.
//
// An operation is one byte (what, which family), one byte for the peer, one for the prefix length, then the address.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "tests/support/naive_allowed_ips.h"
#include "wg4netns/core/allowed_ips.h"
#include "wg4netns/core/peer_id.h"

namespace {

using wg4::ByteView;
using wg4::IpAddress;
using wg4::PeerId;
using wg4::Prefix;

constexpr PeerId peers = 8;

struct Tables {
  wg4::AllowedIps real;
  wg4::test::NaiveAllowedIps model;

  void apply(unsigned operation, PeerId peer, const Prefix& prefix) {
    switch (operation) {
      case 0:
      case 1:
        real.insert(prefix, peer);
        model.insert(prefix, peer);
        break;
      case 2:
        CHECK(real.remove(prefix, peer) == model.remove(prefix, peer));
        break;
      default:
        real.remove_all(peer);
        model.remove_all(peer);
    }
    CHECK(real.find(prefix.address).value_or(wg4::no_peer) == model.find(prefix.address));
    CHECK(real.size() == model.size());
    CHECK(real.node_count() <= 2 * real.size() + 2);
  }

  void compare_entries() const {
    for (PeerId peer = 0; peer < peers; ++peer) {
      auto entries = real.entries(peer);
      std::ranges::sort(entries);
      CHECK(entries == model.entries(peer));
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  Tables tables;
  constexpr std::size_t header_size = 3;
  while (!input.empty()) {
    const bool v4 = (input[0] & 4) == 0;
    const std::size_t address_size = v4 ? 4 : 16;
    if (input.size() < header_size + address_size) break;
    const ByteView bytes = input.subspan(header_size, address_size);
    const IpAddress address = v4 ? IpAddress::v4(bytes.first<4>()) : IpAddress::v6(bytes.first<16>());
    const auto length = static_cast<std::uint8_t>(input[2] % (address.bits() + 1));
    tables.apply(input[0] & 3, input[1] % peers, {address, length});
    input = input.subspan(header_size + address_size);
  }
  tables.compare_entries();
  return 0;
}
