#include "wg4netns/metrics/metrics_server.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4::metrics {
namespace {

using namespace std::chrono_literals;

constexpr MetricsServer::Time patience = 5s;      // for the request, the response, and the end of the connection
constexpr MetricsServer::Time freshness = 100ms;  // maximum age of the text
constexpr MetricsServer::Time accept_pause = 1s;  // when there are no free descriptors
constexpr std::size_t read_size = 4096;
constexpr std::size_t bytes_per_turn = 64UL * 1024;  // sent to one client

iovec piece_of(std::string_view text, std::size_t from) {
  const std::string_view rest = text.substr(std::min(from, text.size()));
  return {const_cast<char*>(rest.data()), std::min(rest.size(), bytes_per_turn)};  // NOLINT: writev(2) only reads
}

}  // namespace

Result<MetricsServer> MetricsServer::create(MetricsSocket socket, Render render) {
  Loop loop = TRY(Loop::create());
  TRY(loop.watch(socket.fd(), Source::listener));
  return MetricsServer(std::move(socket), std::move(render), std::move(loop));
}

void MetricsServer::turn(Time now) {
  for (Client& client : clients_)
    if (client.fd.valid() && client.deadline <= now) client = {};
  if (accepts_again_ && *accepts_again_ <= now && loop_.change(socket_.fd(), Source::listener, EPOLLIN))
    accepts_again_.reset();
  for (const Loop::Event& event : loop_.wait(0)) {
    if (event.source == Source::listener) {
      accept(now);
    } else {
      advance(event.number, now);
    }
  }
}

std::optional<MetricsServer::Time> MetricsServer::next_deadline() const {
  std::optional<Time> next = accepts_again_;
  for (const Client& client : clients_)
    if (client.fd.valid()) next = std::min(next.value_or(client.deadline), client.deadline);
  return next;
}

/// A slot for one more client, if necessary that of the oldest client.
std::size_t MetricsServer::free_place() {
  const auto rank = [](const Client& client) { return client.fd.valid() ? client.deadline : Time::min(); };
  const auto place = std::ranges::min_element(clients_, {}, rank);
  *place = {};
  return static_cast<std::size_t>(place - clients_.begin());
}

/// Accepts one client per turn.
void MetricsServer::accept(Time now) {
  UniqueFd fd(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) {
    const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (exhausted && loop_.change(socket_.fd(), Source::listener, 0)) accepts_again_ = now + accept_pause;
    return;
  }
  const std::size_t place = free_place();
  if (!loop_.watch(fd.get(), Source::client, EPOLLIN, static_cast<std::uint32_t>(place))) return;
  clients_[place].fd = std::move(fd);
  clients_[place].deadline = now + patience;
}

void MetricsServer::advance(std::size_t place, Time now) {
  Client& client = clients_[place];
  if (!client.fd.valid()) return;  // it was dropped in this turn
  if ((!client.is_answered() || client.is_done()) && !receive(client)) {
    client = {};
    return;
  }
  const auto verdict = client.is_answered() ? std::nullopt : judge_request(client.received, socket_.hosts());
  if (verdict) respond(client, *verdict, now);
  if (client.is_answered() && !client.is_done() && !send(client, place)) client = {};
}

/// False at the end of the connection. After a response the other end closes first, and what it still sends is read and
/// thrown away: if we closed with bytes unread, the kernel would discard the response.
bool MetricsServer::receive(Client& client) {
  std::array<char, read_size> buffer;
  const ssize_t size = read(client.fd.get(), buffer.data(), buffer.size());
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (!client.is_answered()) client.received.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

void MetricsServer::respond(Client& client, Verdict verdict, Time now) {
  client.received = {};
  client.body = verdict.status == Status::ok ? current_text(now)
                                             : std::make_shared<const std::string>(explanation(verdict.status));
  client.head = response_head(verdict.status, client.body->size());
  if (!verdict.wants_body) client.body = std::make_shared<const std::string>();
}

/// False when the connection is broken.
bool MetricsServer::send(Client& client, std::size_t place) {
  const std::size_t of_head = std::min(client.sent, client.head.size());
  const std::array<iovec, 2> pieces{piece_of(client.head, of_head), piece_of(*client.body, client.sent - of_head)};
  const ssize_t size = writev(client.fd.get(), pieces.data(), static_cast<int>(pieces.size()));
  if (size < 0 && errno != EAGAIN && errno != EINTR) return false;
  client.sent += size > 0 ? static_cast<std::size_t>(size) : 0;
  if (client.is_done() && shutdown(client.fd.get(), SHUT_WR) != 0) return false;
  const std::uint32_t events = client.is_done() ? EPOLLIN : EPOLLOUT;
  return loop_.change(client.fd.get(), Source::client, events, static_cast<std::uint32_t>(place)).has_value();
}

MetricsServer::Text MetricsServer::current_text(Time now) {
  if (!text_ || now - rendered_at_ >= freshness) {
    text_ = std::make_shared<const std::string>(render_());
    rendered_at_ = now;
  }
  return text_;
}

}  // namespace wg4::metrics
