#include "wg4netns/commands/handshake_wait.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/sys/deadline.h"
#include "shared/sys/process.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/commands/enter_tunnel.h"
#include "wg4netns/supervise/keeper_client.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::chrono::milliseconds look_interval{10};
constexpr std::chrono::seconds packet_interval{1};
constexpr std::uint16_t discard_port = 9;  // RFC 863: what arrives there is thrown away

void send_packet(const IpAddress& address) {
  const UniqueFd fd(socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return;
  SocketAddress to(Endpoint{address, discard_port});
  sendto(fd.get(), "", 0, MSG_DONTWAIT, to.get(), to.length);
}

/// In the tunnel's network, until the parent kills it.
int send_packets(const keeper::Room& room) {
  std::signal(SIGTERM, SIG_DFL);  // as `down --force` sends it to what runs in the tunnel
  const pid_t parent = getppid();
  // It runs beside commands, and so has no more rights than they.
  if (!enter_tunnel(room) || !confine_in_tunnel(room) || !die_with_parent(parent)) return EXIT_FAILURE;
  if (!forbid_looking_in()) return EXIT_FAILURE;  // commands of the same user may not trace it
  for (;;) {
    for (const IpAddress& address : room.peers) send_packet(address);
    std::this_thread::sleep_for(packet_interval);
  }
}

bool has_session(const RunningTunnel& tunnel) {
  const auto status = ask_status(tunnel, own_status_limits);
  return status && std::ranges::any_of(status->peers, [](const auto& peer) { return peer.last_handshake.has_value(); });
}

}  // namespace

Result<void> wait_for_handshake(JoinedTunnel& tunnel) {
  const std::string& name = tunnel.folder.name();
  const keeper::Room& room = tunnel.room;
  const RunningTunnel running = TRY(find_tunnel(name));
  const Child sender = TRY(Child::fork(room.descriptors(), [&] { return send_packets(room); }));
  // The sender counts as a process inside: the tunnel stays while the lock is free, and others can join it.
  TRY(tunnel.keeper.tell_inside(sender.pid()));
  tunnel.folder.unlock();
  const Deadline deadline = deadline_in(patience);
  while (!has_session(running)) {
    if (process_has_ended(room.tunnel.get())) return fail("the tunnel " + name + " has ended before a peer answered");
    if (std::chrono::steady_clock::now() > deadline)
      return fail("no peer of the tunnel " + name + " has answered within 30 s", 0,
                  "See why with: wireguard4netns doctor " + name);
    std::this_thread::sleep_for(look_interval);
  }
  TRY(tunnel.folder.lock(deadline_in(lock_patience)));
  if (TRY(keeper::Client::connect(tunnel.folder))) return {};
  tunnel.folder.remove();
  return fail("the tunnel " + name + " has ended before its command began");
}

}  // namespace wg4
