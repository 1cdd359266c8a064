#include "wg4netns/forward/api_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "wg4netns/forward/api_codec.h"

namespace wg4::forward {
namespace {

constexpr std::size_t max_clients = 64;
constexpr std::chrono::seconds patience{5};
constexpr int accepts_per_turn = 16;
constexpr int backlog = 4096;  // the kernel takes net.core.somaxconn if that is less
constexpr mode_t only_this_user = 0600;

}  // namespace

Result<ApiSocket> ApiSocket::create(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail("--api-socket " + path + ": the path has " + std::to_string(path.size()) + " bytes", 0,
                "At most " + std::to_string(sizeof address.sun_path - 1) + " are possible: choose a shorter one");
  std::memcpy(address.sun_path, path.data(), path.size());

  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail("replace --api-socket " + path, errno);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The mode of an unbound socket is that of the file that it is bound to, so that there is no moment with another.
  if (!fd.valid() || fchmod(fd.get(), only_this_user) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int number = errno;
    return fail("make --api-socket " + path, number, number == ENOENT ? "Make its folder first" : "");
  }
  UniqueFile file = TRY(UniqueFile::own(path));
  if (listen(fd.get(), backlog) != 0) return fail("listen on --api-socket " + path, errno);
  return ApiSocket(std::move(fd), std::move(file));
}

Result<void> ApiServer::start() { return loop_.watch(socket_.fd(), make_token(Kind::api_listener)); }

void ApiServer::listener_ready(Time now) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    // First, so that there is always a descriptor to accept with.
    if (clients_.size() >= max_clients) drop(order_.front());
    UniqueFd fd(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) return;
    const std::uint32_t slot = clients_.put({std::move(fd), now + patience, {}});
    Client& client = clients_[slot];
    client.place = order_.insert(order_.end(), slot);
    if (!loop_.watch(client.fd.get(), make_token(Kind::api_client, slot))) drop(slot);
  }
}

void ApiServer::client_ready(std::uint32_t slot) {
  Client* client = clients_.find(slot);
  if (client == nullptr) return;
  if (client->reply.empty() && !read_request(*client)) return;

  const ssize_t sent = send(client->fd.get(), client->reply.data(), client->reply.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return drop(slot);
  if (sent > 0) client->reply.erase(0, static_cast<std::size_t>(sent));
  if (client->reply.empty()) {
    shutdown(client->fd.get(), SHUT_RDWR);
    return drop(slot);
  }
  // The rest, when the client has read.
  if (!loop_.change(client->fd.get(), make_token(Kind::api_client, slot), EPOLLOUT)) drop(slot);
}

/// One read is one request, whole or not: that is the protocol.
bool ApiServer::read_request(Client& client) {
  std::array<char, api::max_request + 1> request;
  const ssize_t size = recv(client.fd.get(), request.data(), request.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  client.reply = answer_(std::string_view(request.data(), size < 0 ? 0 : static_cast<std::size_t>(size)));
  return true;
}

void ApiServer::drop(std::uint32_t slot) {
  order_.erase(clients_[slot].place);
  clients_.drop(slot);
}

std::optional<ApiServer::Time> ApiServer::end_turn(Time now) {
  while (!order_.empty() && clients_[order_.front()].deadline <= now) drop(order_.front());
  clients_.recycle();
  return order_.empty() ? std::nullopt : std::optional(clients_[order_.front()].deadline);
}

}  // namespace wg4::forward
