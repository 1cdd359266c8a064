#include "wg4netns/daemon/data_plane.h"

#include <algorithm>
#include <utility>

#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/dataplane/basic_tunnel.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

Result<std::unique_ptr<DataPlane>> DataPlane::create(crypto::Aead& cipher, std::vector<UniqueFd> queues,
                                                     TunOffloads offloads) {
  TunQueues tun = TRY(TunQueues::adopt(std::move(queues), offloads));
  return std::unique_ptr<DataPlane>(new DataPlane(cipher, std::move(tun)));
}

Result<void> DataPlane::prepare_threads(std::size_t count, UdpPort& udp, Onlookers onlookers) {
  threads_ = std::min(count, tun_.size());
  const bool several = threads_ > 1;
  if (several) device_.threads();
  const Tunnel::Common common{
      device_, tun_, onlookers.gateway, several ? &order_ : nullptr, onlookers.taps, secrets_.resource()};
  std::vector<std::unique_ptr<Tunnel>> tunnels;
  for (std::size_t i = 0; i < threads_; ++i) {
    // A single thread shares the device's cipher, so that what the device wipes is wiped there, too.
    if (several) ciphers_.push_back(crypto::make_backend(cipher_.name()));
    crypto::Aead& cipher = several ? *ciphers_.back() : cipher_;
    tunnels.push_back(std::make_unique<Tunnel>(common, cipher, QueueShare{i, threads_}, TRY(udp.socket().share())));
  }
  first_ = std::move(tunnels.front());
  tunnels.erase(tunnels.begin());
  others_ = std::make_unique<Workers>(TRY(Workers::create(device_, std::move(tunnels))));
  udp.on_change([this](const UdpSocket& fresh) { return replace_udp(fresh); });
  return {};
}

Result<void> DataPlane::configure(const DeviceChange& change, std::size_t mtu) {
  device_.hold().set_mtu(mtu);
  return device_.hold()->apply(change, read_clocks(), *first_);
}

Result<void> DataPlane::start() {
  TRY(others_->start());
  device_.hold()->bring_up(read_clocks(), *first_);
  first_->flush();
  return {};
}

Result<void> DataPlane::replace_udp(const UdpSocket& fresh) {
  TRY(first_->outer().replace_by(fresh));
  TRY(others_->replace_udp(fresh));
  udp_replaced_ = true;
  return {};
}

DataPlaneFacts DataPlane::facts() const {
  const TunOffloads tun = tun_.offloads();
  return {.interface = tun_[0].name(),
          .threads = threads_,
          .queues = tun_.size(),
          .cipher = std::string(cipher_.name()),
          .offloads = {{"vnet-hdr", tun_.has_header()},
                       {"checksum", tun.checksum},
                       {"tso", tun.segment_tcp},
                       {"uso", tun.segment_udp},
                       {"udp-segment", first_->outer().segments()},
                       {"udp-gro", first_->outer().gathers()}}};
}

}  // namespace wg4
