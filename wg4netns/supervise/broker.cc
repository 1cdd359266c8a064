#include "wg4netns/supervise/broker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/sys/background.h"
#include "shared/sys/event_loop.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/netns_watch.h"
#include "shared/sys/signals.h"
#include "shared/sys/unique_file.h"
#include "shared/sys/unix_socket.h"
#include "shared/wire/message_socket.h"
#include "shared/wire/wire.h"
#include "wg4netns/supervise/broker_message.h"
#include "wg4netns/supervise/broker_socket.h"
#include "wg4netns/supervise/instance.h"

namespace wg4 {
namespace {

using broker::Request;

enum class Source : std::uint32_t { signal, socket_file, listener, client, ready, said, ended };
using Loop = EventLoop<Source>;
using Number = std::uint32_t;

constexpr std::size_t max_clients = 64;
constexpr std::size_t max_tunnels = 4096;
constexpr std::chrono::seconds time_to_end{5};
constexpr int netns_number = 4;  // in the tunnel's process

std::vector<std::string> command_line(const Request& request) {
  std::vector<std::string> words{"--netns-type=path", "--no-engine-addresses", "--config=" + request.config};
  if (!request.mtu.empty()) words.push_back("--mtu=" + request.mtu);
  for (const std::string& port : request.ports) words.push_back("--publish=" + port);
  words.insert(words.end(), {"--", "/proc/self/fd/" + std::to_string(netns_number), request.ifname});
  return words;
}

/// The tunnel of one container, and the connection that waits for it to be ready.
struct Tunnel {
  std::string key;
  Instance instance;
  UniqueFd client;  // invalid once it has its answer
};

/// False if the client has gone.
bool reply(const UniqueFd& client, std::string_view error) {
  return wire::send(client.get(), broker::reply_of(error)).has_value();
}

class Broker {
 public:
  Broker(Loop loop, SignalFd signals, std::optional<NetnsWatch> socket_file, UniqueFd listener)
      : loop_(std::move(loop)),
        signals_(std::move(signals)),
        socket_file_(std::move(socket_file)),
        listener_(std::move(listener)) {}

  [[nodiscard]] Result<void> run(std::optional<std::chrono::seconds> idle);
  /// Ends all tunnels; each may clear away what it has made.
  void stop_all();

 private:
  [[nodiscard]] Result<void> watch_all();
  void accept_client();
  void hear(Number number);
  void answer(UniqueFd client, const Result<Request>& request, const UniqueFd& netns);
  void start(const Request& request, UniqueFd client, const UniqueFd& netns);
  void stop(const std::string& key);
  void became_ready(Number number);
  void listen_to(Number number);
  void ended(Number number);

  Loop loop_;
  SignalFd signals_;
  std::optional<NetnsWatch> socket_file_;
  UniqueFd listener_;
  std::map<Number, UniqueFd> clients_;
  std::map<Number, Tunnel> tunnels_;
  Number next_ = 1;
};

Result<void> Broker::watch_all() {
  TRY(loop_.watch(signals_.fd(), Source::signal));
  TRY(loop_.watch(listener_.get(), Source::listener));
  if (socket_file_)
    for (const int fd : socket_file_->fds()) TRY(loop_.watch(fd, Source::socket_file));
  return {};
}

Result<void> Broker::run(std::optional<std::chrono::seconds> idle) {
  TRY(watch_all());
  for (;;) {
    const bool empty = tunnels_.empty() && clients_.empty();
    const auto events = loop_.wait(empty && idle ? static_cast<int>(std::chrono::milliseconds(*idle).count()) : -1);
    if (events.empty() && empty && idle) return {};
    for (const Loop::Event& event : events) {
      switch (event.source) {
        case Source::signal:
          if (signals_.read()) return {};
          break;
        case Source::socket_file:
          if (socket_file_->gone()) return {};  // no client can find us any more
          break;
        case Source::listener:
          accept_client();
          break;
        case Source::client:
          hear(event.number);
          break;
        case Source::ready:
          became_ready(event.number);
          break;
        case Source::said:
          listen_to(event.number);
          break;
        case Source::ended:
          ended(event.number);
          break;
      }
    }
  }
}

void Broker::accept_client() {
  UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.valid() || clients_.size() >= max_clients || !is_same_user(client.get())) return;
  const Number number = next_++;
  if (!loop_.watch(client.get(), Source::client, EPOLLIN, number)) return;
  clients_.emplace(number, std::move(client));
}

void Broker::hear(Number number) {
  auto entry = clients_.extract(number);
  if (entry.empty()) return;
  UniqueFd client = std::move(entry.mapped());
  loop_.forget(client.get());
  std::vector<std::uint8_t> buffer(wire::max_message_size);
  auto received = receive_message(client.get(), buffer, 1);
  if (!received || !*received) return;  // it only looked whether there is a broker
  const UniqueFd netns = (*received)->fds.empty() ? UniqueFd() : std::move((*received)->fds.front());
  answer(std::move(client), broker::decode(ByteView(buffer).first((*received)->size)), netns);
}

void Broker::answer(UniqueFd client, const Result<Request>& request, const UniqueFd& netns) {
  if (!request) {
    reply(client, request.error().message());
  } else if (request->kind == Request::Kind::start) {
    start(*request, std::move(client), netns);
  } else {
    stop(request->key);
    reply(client, "");
  }
}

void Broker::start(const Request& request, UniqueFd client, const UniqueFd& netns) {
  stop(request.key);  // left by an engine that ended without stopping it
  if (!netns.valid()) return static_cast<void>(reply(client, "the request has no network namespace attached"));
  if (tunnels_.size() >= max_tunnels) return static_cast<void>(reply(client, "the broker has too many tunnels"));
  auto instance = Instance::start({.arguments = command_line(request), .fds = {{netns.get(), netns_number}}});
  if (!instance) return static_cast<void>(reply(client, instance.error().message()));
  const Number number = next_++;
  Tunnel& tunnel = tunnels_.emplace(number, Tunnel{request.key, *std::move(instance), {}}).first->second;
  const bool watched = loop_.watch(tunnel.instance.ready_fd(), Source::ready, EPOLLIN, number) &&
                       loop_.watch(tunnel.instance.output_fd(), Source::said, EPOLLIN, number) &&
                       loop_.watch(tunnel.instance.end_fd(), Source::ended, EPOLLIN, number);
  tunnel.client = std::move(client);
  if (watched) return;
  reply(tunnel.client, "the broker has too many descriptors open");
  tunnels_.erase(number);
}

void Broker::stop(const std::string& key) {
  const auto found = std::ranges::find(tunnels_, key, [](const auto& entry) { return entry.second.key; });
  if (found == tunnels_.end()) return;
  Instance& instance = found->second.instance;
  instance.end(time_to_end);
  if (const auto& ending = instance.ending(); !ending || ending->by == Instance::EndedBy::force)
    log::warning("the tunnel of {} did not end in time, and was killed", key);
  tunnels_.erase(found);
}

void Broker::stop_all() {
  for (auto& [number, tunnel] : tunnels_) tunnel.instance.ask_to_end();
  while (!tunnels_.empty()) stop(std::string(tunnels_.begin()->second.key));
}

void Broker::became_ready(Number number) {
  const auto found = tunnels_.find(number);
  if (found == tunnels_.end() || !found->second.instance.take_ready()) return;
  Tunnel& tunnel = found->second;
  if (!reply(std::exchange(tunnel.client, UniqueFd()), "")) stop(std::string(tunnel.key));
}

void Broker::listen_to(Number number) {
  const auto found = tunnels_.find(number);
  if (found != tunnels_.end()) found->second.instance.pass_on();
}

void Broker::ended(Number number) {
  auto entry = tunnels_.extract(number);
  if (entry.empty()) return;
  const Tunnel& tunnel = entry.mapped();
  entry.mapped().instance.take_end();
  if (tunnel.client.valid()) reply(tunnel.client, tunnel.instance.error());
}

/// The socket that systemd has opened for us, as sd_listen_fds(3) says.
UniqueFd inherited_listener() {
  const char* text = std::getenv("LISTEN_PID");
  pid_t pid = 0;
  if (text == nullptr || std::from_chars(text, text + std::strlen(text), pid).ec != std::errc{} || pid != getpid())
    return {};
  unsetenv("LISTEN_PID");  // not for the tunnels
  constexpr int first = 3;
  fcntl(first, F_SETFD, FD_CLOEXEC);
  return UniqueFd(first);
}

Result<void> serve(UniqueFd listener, std::optional<NetnsWatch> socket_file, std::optional<std::chrono::seconds> idle) {
  prctl(PR_SET_NAME, "wg4netns-broker");
  std::signal(SIGPIPE, SIG_IGN);
  Broker broker(TRY(Loop::create()), TRY(SignalFd::create({SIGTERM, SIGINT})), std::move(socket_file),
                std::move(listener));
  auto ended = broker.run(idle);
  broker.stop_all();
  return ended;
}

/// With a socket of our own, whose file is removed at the end.
Result<void> serve_at(const std::string& path, UniqueFd listener, std::optional<std::chrono::seconds> idle) {
  const UniqueFile file = TRY(UniqueFile::own(path));
  auto watch = TRY(NetnsWatch::create(UniqueFd(), path));
  return serve(std::move(listener), std::move(watch), idle);
}

}  // namespace

Result<void> run_broker(const BrokerCommand& command) {
  if (UniqueFd inherited = inherited_listener(); inherited.valid())
    return serve(std::move(inherited), std::nullopt, command.idle);
  const std::string path = TRY(broker::socket_path());
  UniqueFd listener = TRY(broker::listen_at(path));
  if (!listener.valid()) return fail("a broker listens at " + path + " already");
  log::info("broker at {}", path);
  return serve_at(path, std::move(listener), command.idle);
}

Result<void> ensure_broker() {
  const std::string path = TRY(broker::socket_path());
  UniqueFd listener = TRY(broker::listen_at(path));
  if (!listener.valid()) return {};
  const std::array kept{listener.get()};
  std::ignore = TRY(run_in_background(
      [&](UniqueFd ready) -> Result<void> {
        if (write(ready.get(), "1", 1) != 1) return fail("tell that the broker is ready", errno);
        ready.reset();
        return serve_at(path, std::move(listener), std::nullopt);
      },
      kept));
  return {};
}

}  // namespace wg4
