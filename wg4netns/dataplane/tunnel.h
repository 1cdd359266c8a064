#pragma once

#include "wg4netns/dataplane/basic_tunnel.h"
#include "wg4netns/io/tun_queues.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

/// The tunnel of the program: a TUN inside, a UDP port outside. Compiled once, in tunnel.cc.
using Tunnel = BasicTunnel<TunQueues, UdpSocket>;
extern template class BasicTunnel<TunQueues, UdpSocket>;

}  // namespace wg4
