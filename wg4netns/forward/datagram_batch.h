#pragma once
// A batch of datagrams: received from one socket and sent by another, without a copy in between.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/sys/sockaddr.h"

namespace wg4::forward {

class DatagramBatch {
 public:
  static constexpr std::size_t max_datagrams = 16;

  /// Receives waiting datagrams, at most max_datagrams; returns their number.
  [[nodiscard]] std::size_t receive(int socket);

  /// Of the i-th datagram received: its bytes, its sender, and the local address that it was sent to (PKTINFO).
  [[nodiscard]] ByteView bytes(std::size_t i) const;
  [[nodiscard]] Endpoint sender(std::size_t i) const { return to_endpoint(names_[i].storage); }
  [[nodiscard]] IpAddress local(std::size_t i);

  /// Sends the datagrams [first, end) by a connected socket. Those that it does not take now are lost, as UDP allows.
  void send(int socket, std::size_t first, std::size_t end);
  /// Sends the first `count` datagrams to `client`, from our address `local`.
  void send_from(int socket, std::size_t count, const Endpoint& client, const IpAddress& local);

 private:
  static constexpr std::size_t room = 65536;  // bytes; more than any datagram
  static constexpr std::size_t control_room = CMSG_SPACE(sizeof(in6_pktinfo));
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, control_room> bytes;
  };

  using Buffer = std::array<std::uint8_t, max_datagrams * room>;

  std::unique_ptr<Buffer> buffer_ = std::make_unique_for_overwrite<Buffer>();
  std::array<SocketAddress, max_datagrams> names_ = make_names();
  std::array<Control, max_datagrams> controls_{};
  std::array<iovec, max_datagrams> places_{};
  std::array<mmsghdr, max_datagrams> messages_{};

  static std::array<SocketAddress, max_datagrams> make_names();
};

}  // namespace wg4::forward
