#pragma once
// The parts that move packets: the device with its keys, the TUN's queues, and the threads.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/secret_memory.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/core/control.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/daemon/tunnel_facts.h"
#include "wg4netns/daemon/udp_port.h"
#include "wg4netns/dataplane/read_order.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/shared_gateway.h"
#include "wg4netns/dataplane/tunnel.h"
#include "wg4netns/dataplane/workers.h"
#include "wg4netns/io/system_entropy.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/io/tun_queues.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

class DataPlane {
 public:
  /// A device without keys and peers, and the TUN that has `queues`. `cipher` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>> create(crypto::Aead& cipher, std::vector<UniqueFd> queues,
                                                                 TunOffloads offloads);
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;
  ~DataPlane() = default;

  /// The parts that look at packets on their way; either may be null.
  struct Onlookers {
    SharedGateway* gateway = nullptr;  ///< for engines
    capture::Taps* taps = nullptr;     ///< for captures
  };
  /// Prepares `count` threads that will move packets, or as many as there are queues; none runs yet. `udp` and the
  /// onlookers outlive this.
  [[nodiscard]] Result<void> prepare_threads(std::size_t count, UdpPort& udp, Onlookers onlookers);
  /// Gives the device its first configuration.
  [[nodiscard]] Result<void> configure(const DeviceChange& change, std::size_t mtu);
  /// Starts the threads, and lets the device begin to send.
  [[nodiscard]] Result<void> start();

  [[nodiscard]] SharedDevice& device() { return device_; }
  [[nodiscard]] const TunQueues& tun() const { return tun_; }
  [[nodiscard]] std::size_t threads() const { return threads_; }
  /// After prepare_threads(): that of the first thread, and those of all others.
  [[nodiscard]] Tunnel& first() { return *first_; }
  [[nodiscard]] Workers& others() { return *others_; }
  /// The first thread's UDP socket has become another one since the last call: it is to be watched anew.
  [[nodiscard]] bool take_udp_replaced() { return std::exchange(udp_replaced_, false); }
  [[nodiscard]] bool keys_are_locked() const { return secrets_.all_locked(); }
  [[nodiscard]] DataPlaneFacts facts() const;

 private:
  DataPlane(crypto::Aead& cipher, TunQueues tun)
      : cipher_(cipher), device_(cipher, entropy_, secrets_.resource()), tun_(std::move(tun)) {}
  [[nodiscard]] Result<void> replace_udp(const UdpSocket& fresh);

  crypto::Aead& cipher_;
  SecretMemory secrets_;
  SystemEntropy entropy_;
  SharedDevice device_;
  TunQueues tun_;
  std::size_t threads_ = 1;
  ReadOrder order_;                                     // for several threads
  std::vector<std::unique_ptr<crypto::Aead>> ciphers_;  // likewise, one for each
  std::unique_ptr<Tunnel> first_;
  std::unique_ptr<Workers> others_;
  bool udp_replaced_ = false;
};

}  // namespace wg4
