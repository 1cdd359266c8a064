#include "wg4netns/core/allowed_ips.h"

#include <array>

#include "shared/base/check.h"

namespace wg4 {

void AllowedIps::insert(const Prefix& prefix, PeerId peer) {
  CHECK(prefix.length <= prefix.address.bits() && peer != no_peer);
  const std::uint8_t* bytes = prefix.address.bytes().data();
  prefix.address.is_v4() ? v4_.insert(Bits32::load(bytes), prefix.length, peer)
                         : v6_.insert(Bits128::load(bytes), prefix.length, peer);
}

bool AllowedIps::remove(const Prefix& prefix, PeerId peer) {
  CHECK(prefix.length <= prefix.address.bits() && peer != no_peer);
  const std::uint8_t* bytes = prefix.address.bytes().data();
  return prefix.address.is_v4() ? v4_.remove(Bits32::load(bytes), prefix.length, peer)
                                : v6_.remove(Bits128::load(bytes), prefix.length, peer);
}

void AllowedIps::remove_all(PeerId peer) {
  v4_.remove_all(peer);
  v6_.remove_all(peer);
}

std::optional<PeerId> AllowedIps::find(const IpAddress& address) const {
  const std::uint8_t* bytes = address.bytes().data();
  const PeerId peer = address.is_v4() ? find_v4(bytes) : find_v6(bytes);
  return peer == no_peer ? std::nullopt : std::optional(peer);
}

std::vector<Prefix> AllowedIps::entries(PeerId peer) const {
  std::vector<Prefix> list;
  v4_.for_each(peer, [&](Bits32 bits, unsigned length) {
    std::array<std::uint8_t, 4> bytes;
    bits.store(bytes.data());
    list.push_back({IpAddress::v4(bytes), static_cast<std::uint8_t>(length)});
  });
  v6_.for_each(peer, [&](Bits128 bits, unsigned length) {
    std::array<std::uint8_t, 16> bytes;
    bits.store(bytes.data());
    list.push_back({IpAddress::v6(bytes), static_cast<std::uint8_t>(length)});
  });
  return list;
}

}  // namespace wg4
