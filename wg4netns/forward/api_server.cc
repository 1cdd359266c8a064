#include "wg4netns/forward/api_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "wg4netns/forward/api_codec.h"

namespace wg4::forward {
namespace {

constexpr std::size_t max_clients = 64;
constexpr std::chrono::seconds patience{5};
constexpr int accepts_per_turn = 16;
constexpr int waiting_connections = 4096;

}  // namespace

Result<UnixListener> listen_for_api(const std::string& path) {
  return UnixListener::create(path, "--api-socket " + path, UnixListener::Replaces::all, waiting_connections);
}

Result<void> ApiServer::start() { return loop_.watch(socket_.get(), make_token(Kind::api_listener)); }

void ApiServer::listener_ready(Time now) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    // Before accept(), so that it always has a descriptor.
    if (clients_.size() >= max_clients) drop(order_.front());
    UniqueFd fd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
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
  // The rest is sent when the client has read.
  if (!loop_.change(client->fd.get(), make_token(Kind::api_client, slot), EPOLLOUT)) drop(slot);
}

/// One read is one request, whole or not: slirp4netns's protocol is like that.
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
