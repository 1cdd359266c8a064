#pragma once
// Threads beside the first that do nothing but move packets. Each reads its share of the TUN's queues, and whatever it
// gets hold of at the UDP socket. Configuration, handshakes and timers stay with the first, which they wake.

#include <memory>
#include <memory_resource>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/wake_up.h"
#include "wg4netns/dataplane/loop.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/tunnel.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

class Workers {
 public:
  /// One thread for each of `tunnels`, which, like `device`, must outlive this. No thread runs before start().
  [[nodiscard]] static Result<Workers> create(SharedDevice& device, std::vector<std::unique_ptr<Tunnel>> tunnels);
  Workers(Workers&&) = default;
  Workers& operator=(Workers&&) = delete;
  /// Ends the threads and waits for them.
  ~Workers();

  [[nodiscard]] Result<void> start();
  /// Gives all of them another port.
  [[nodiscard]] Result<void> replace_udp(const UdpSocket& fresh);
  /// Readable when the control thread has something to do.
  [[nodiscard]] const WakeUp& control() const { return control_; }

 private:
  struct Worker {
    std::unique_ptr<Tunnel> tunnel;
    Loop loop;
    WakeUp udp_replaced;
    std::thread thread;
  };

  Workers(SharedDevice& device, WakeUp control, WakeUp stop)
      : device_(&device), control_(std::move(control)), stop_(std::move(stop)) {}
  void run(Worker& worker);

  SharedDevice* device_;
  WakeUp control_;
  WakeUp stop_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace wg4
