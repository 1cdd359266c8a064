#include "wg4netns/dataplane/workers.h"

#include <cstdint>
#include <system_error>
#include <utility>

#include "shared/sys/wake_up.h"
#include "wg4netns/core/time.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {
namespace {

// Why a worker is woken: numbers of Source::woken.
constexpr std::uint32_t to_stop = 0;
constexpr std::uint32_t by_another_udp_socket = 1;

}  // namespace

Result<Workers> Workers::create(SharedDevice& device, std::vector<std::unique_ptr<Tunnel>> tunnels) {
  Workers workers(device, TRY(WakeUp::create()), TRY(WakeUp::create()));
  for (auto& tunnel : tunnels) {
    Loop loop = TRY(Loop::create());
    TRY(watch_tunnel(loop, *tunnel));
    TRY(loop.watch(workers.stop_.fd(), Source::woken, EPOLLIN, to_stop));
    WakeUp udp_replaced = TRY(WakeUp::create());
    TRY(loop.watch(udp_replaced.fd(), Source::woken, EPOLLIN, by_another_udp_socket));
    workers.workers_.push_back(
        std::make_unique<Worker>(std::move(tunnel), std::move(loop), std::move(udp_replaced), std::thread()));
  }
  return workers;
}

Result<void> Workers::start() {
  for (const auto& worker : workers_) {
    try {
      worker->thread = std::thread([this, &worker = *worker] { run(worker); });
    } catch (const std::system_error& error) {
      return fail("start a thread", error.code().value(), "Raise the limit on processes, or use fewer --threads");
    }
  }
  return {};
}

Workers::~Workers() {
  stop_.wake();
  for (const auto& worker : workers_)
    if (worker->thread.joinable()) worker->thread.join();
}

Result<void> Workers::replace_udp(const UdpSocket& fresh) {
  for (const auto& worker : workers_) {
    TRY(worker->tunnel->outer().replace_by(fresh));
    worker->udp_replaced.wake();
  }
  return {};
}

void Workers::run(Worker& worker) {
  Tunnel& tunnel = *worker.tunnel;
  bool tun_paused = false;
  for (;;) {
    const auto events = worker.loop.wait(-1);
    const Now now = read_clocks();
    for (const Loop::Event& event : events) {
      if (event.source == Source::woken) {
        if (event.number == to_stop) return;
        worker.udp_replaced.acknowledge();
        if (!watch_udp_again(worker.loop, tunnel)) return;
      } else {
        follow_event(tunnel, event, now);
      }
    }
    // False: the interface is gone. The control thread notices it at its own queue, and ends the program.
    if (!tunnel.pump_outbound(now)) return;
    tunnel.flush();
    if (!follow_backlog(worker.loop, tunnel, tun_paused)) return;
    if (device_->hold().needs_control()) control_.wake();
  }
}

}  // namespace wg4
