#include "wg4netns/verify/bait.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/sys/sockaddr.h"

namespace wg4::verify {
namespace {

UniqueFd listen_at(const char* loopback) {
  SocketAddress address(Endpoint{*IpAddress::parse(loopback), 0});
  UniqueFd fd(socket(address.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool listens =
      fd.valid() && bind(fd.get(), address.get(), address.length) == 0 && listen(fd.get(), SOMAXCONN) == 0;
  return listens ? std::move(fd) : UniqueFd();
}

std::uint16_t port_of(const UniqueFd& fd) {
  SocketAddress own;
  own.length = sizeof own.storage;
  return fd.valid() && getsockname(fd.get(), own.get(), &own.length) == 0 ? to_endpoint(own.storage).port : 0;
}

UniqueFd listen_at_name(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(name, &address.sun_path[1]);
  const void* start = &address;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool listens = fd.valid() && bind(fd.get(), static_cast<const sockaddr*>(start), length) == 0 &&
                       listen(fd.get(), SOMAXCONN) == 0;
  return listens ? std::move(fd) : UniqueFd();
}

bool has_client(const UniqueFd& fd) {
  return fd.valid() && UniqueFd(accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC)).valid();
}

std::string make_name() {
  std::uint64_t number = 0;
  [[maybe_unused]] const ssize_t drawn = getrandom(&number, sizeof number, 0);
  return "wireguard4netns-verify-" + std::to_string(number);
}

}  // namespace

Bait::Bait() : v4_(listen_at("127.0.0.1")), v6_(listen_at("::1")), abstract_name_(make_name()) {
  abstract_ = listen_at_name(abstract_name_);
  if (!abstract_.valid()) abstract_name_.clear();
}

std::uint16_t Bait::port_v4() const { return port_of(v4_); }
std::uint16_t Bait::port_v6() const { return port_of(v6_); }

bool Bait::was_reached_by_network() const {
  const bool v4 = has_client(v4_);
  return has_client(v6_) || v4;
}
bool Bait::was_reached_by_name() const { return has_client(abstract_); }

}  // namespace wg4::verify
