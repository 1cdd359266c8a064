#pragma once
// The UDP port of a tunnel, which can become another one while the tunnel serves.

#include <cstdint>
#include <functional>
#include <utility>

#include "shared/base/result.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

class UdpPort {
 public:
  [[nodiscard]] static Result<UdpPort> open(UdpOptions options);

  [[nodiscard]] const UdpSocket& socket() const { return socket_; }
  [[nodiscard]] std::uint16_t number() const { return socket_.port(); }
  [[nodiscard]] std::uint32_t fwmark() const { return options_.fwmark; }

  /// `shared_by` is called with each socket that replaces this one, for all others who have it.
  void on_change(std::function<Result<void>(const UdpSocket& fresh)> shared_by) { shared_by_ = std::move(shared_by); }
  /// 0 = any one that is free. If this fails, the port stays as it was.
  [[nodiscard]] Result<void> change_number(std::uint16_t number);
  /// The mark of all that is sent from now on.
  [[nodiscard]] Result<void> change_fwmark(std::uint32_t fwmark);

 private:
  UdpPort(UdpSocket socket, UdpOptions options) : socket_(std::move(socket)), options_(std::move(options)) {}

  UdpSocket socket_;
  UdpOptions options_;
  std::function<Result<void>(const UdpSocket&)> shared_by_;
};

}  // namespace wg4
