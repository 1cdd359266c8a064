#include "wg4netns/core/allowed_ips.h"

#include <array>

#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/address_bits.h"

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

std::vector<Prefix> AllowedIps::entries(PeerId peer, std::size_t first, std::size_t most) const {
  std::vector<Prefix> list;
  // Returns true: go on with the next prefix.
  const auto add = [&](unsigned length, auto address) {
    if (first > 0) {
      --first;
    } else {
      list.push_back({address(), static_cast<std::uint8_t>(length)});
    }
    return list.size() < most;
  };
  v4_.for_each(peer, [&](Bits32 bits, unsigned length) {
    return add(length, [&] {
      std::array<std::uint8_t, 4> bytes;
      bits.store(bytes.data());
      return IpAddress::v4(bytes);
    });
  });
  if (list.size() == most) return list;
  v6_.for_each(peer, [&](Bits128 bits, unsigned length) {
    return add(length, [&] {
      std::array<std::uint8_t, 16> bytes;
      bits.store(bytes.data());
      return IpAddress::v6(bytes);
    });
  });
  return list;
}

}  // namespace wg4
