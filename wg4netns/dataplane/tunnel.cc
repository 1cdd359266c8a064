#include "wg4netns/dataplane/tunnel.h"

namespace wg4 {

template class BasicTunnel<TunQueues, UdpSocket>;

}  // namespace wg4
