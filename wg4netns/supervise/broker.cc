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
#include <filesystem>
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
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/signals.h"
#include "shared/sys/unique_file.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/supervise/broker_message.h"
#include "wg4netns/supervise/broker_socket.h"

namespace wg4 {
namespace {

using broker::Request;

enum class Source : std::uint32_t { signal, socket_file, listener, client, ready, said, ended };
using Loop = EventLoop<Source>;
using Number = std::uint32_t;

constexpr std::size_t max_clients = 64;
constexpr std::size_t max_tunnels = 4096;
constexpr std::size_t max_said = 4096;  // bytes of a tunnel's stderr that can become an error
constexpr std::chrono::seconds time_to_end{5};
constexpr int ready_fd = 3;  // in the tunnel's process
constexpr int netns_fd = 4;

/// From a tunnel's process to us, who must not wait for it.
Result<Pipe> make_report_pipe() {
  Pipe pipe = TRY(make_pipe());
  if (fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) return fail("set up a pipe", errno);
  return pipe;
}

std::vector<std::string> command_line(const Request& request) {
  std::vector<std::string> words{"wireguard4netns", "--netns-type=path", "--no-engine-addresses",
                                 "--ready-fd=" + std::to_string(ready_fd), "--config=" + request.config};
  if (!request.mtu.empty()) words.push_back("--mtu=" + request.mtu);
  for (const std::string& port : request.ports) words.push_back("--publish=" + port);
  words.insert(words.end(), {"--", "/proc/self/fd/" + std::to_string(netns_fd), request.ifname});
  return words;
}

/// One container's program, and who waits for it to be ready.
struct Tunnel {
  std::string key;
  Child process;
  UniqueFd client;  // invalid once it has its answer
  UniqueFd ready;
  UniqueFd stderr_reader;
  std::string said{};

  [[nodiscard]] bool starting() const { return client.valid(); }
};

Result<Tunnel> start_tunnel(const Request& request, UniqueFd client, const UniqueFd& netns) {
  Pipe ready = TRY(make_report_pipe());
  Pipe output = TRY(make_report_pipe());
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return fail("open /dev/null", errno);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("find this program", error.value());
  SpawnRequest spawn{.program = self, .arguments = command_line(request), .environment = own_environment(), .fds = {}};
  spawn.fds = {{null.get(), STDIN_FILENO},
               {null.get(), STDOUT_FILENO},
               {output.writer.get(), STDERR_FILENO},
               {ready.writer.get(), ready_fd},
               {netns.get(), netns_fd}};
  return Tunnel{.key = request.key,
                .process = TRY(Child::spawn(spawn)),
                .client = std::move(client),
                .ready = std::move(ready.reader),
                .stderr_reader = std::move(output.reader)};
}

/// The program's last words, without its name.
std::string error_of(const Tunnel& tunnel) {
  constexpr std::string_view mark = ": error: ";
  const std::size_t at = tunnel.said.find(mark);
  std::string text = tunnel.said.substr(at == std::string::npos ? 0 : at + mark.size());
  while (text.ends_with('\n')) text.pop_back();
  return text.empty() ? "the tunnel ended before it was ready" : text;
}

/// False if nobody is there to hear it.
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
  /// Each may clear away what it has made.
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
          if (socket_file_->gone()) return {};  // nobody finds us any more
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
  if (!client.valid() || clients_.size() >= max_clients || !broker::is_same_user(client.get())) return;
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
  if (!received || !*received) return;  // only looked whether we are here
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
  stop(request.key);  // of an engine that has died without a word
  if (!netns.valid()) return static_cast<void>(reply(client, "no network namespace came along"));
  if (tunnels_.size() >= max_tunnels) return static_cast<void>(reply(client, "the broker has too many tunnels"));
  const UniqueFd asker(fcntl(client.get(), F_DUPFD_CLOEXEC, 0));
  auto tunnel = start_tunnel(request, std::move(client), netns);
  if (!tunnel) return static_cast<void>(reply(asker, tunnel.error().message()));
  const Number number = next_++;
  const Tunnel& entry = tunnels_.emplace(number, *std::move(tunnel)).first->second;
  const bool watched = loop_.watch(entry.ready.get(), Source::ready, EPOLLIN, number) &&
                       loop_.watch(entry.stderr_reader.get(), Source::said, EPOLLIN, number) &&
                       loop_.watch(entry.process.pidfd(), Source::ended, EPOLLIN, number);
  if (watched) return;
  tunnels_.erase(number);
  reply(asker, "the broker has too many descriptors open");
}

void Broker::stop(const std::string& key) {
  const auto found = std::ranges::find(tunnels_, key, [](const auto& entry) { return entry.second.key; });
  if (found == tunnels_.end()) return;
  Child& process = found->second.process;
  kill(process.pid(), SIGTERM);  // not reaped, so it is still the same process
  const auto status = process.wait(time_to_end);
  if (!status || !*status) log::warning("the tunnel of {} does not end, and is killed", key);
  tunnels_.erase(found);
}

void Broker::stop_all() {
  for (const auto& [number, tunnel] : tunnels_) kill(tunnel.process.pid(), SIGTERM);
  while (!tunnels_.empty()) stop(std::string(tunnels_.begin()->second.key));
}

void Broker::became_ready(Number number) {
  const auto found = tunnels_.find(number);
  if (found == tunnels_.end()) return;
  Tunnel& tunnel = found->second;
  char word = 0;
  const bool ready = read(tunnel.ready.get(), &word, 1) == 1;
  tunnel.ready.reset();
  if (!ready) return;  // its end tells why
  if (!reply(std::exchange(tunnel.client, UniqueFd()), "")) stop(std::string(tunnel.key));
}

/// What tunnels have to say is said here, too, for whoever runs the broker in the foreground.
void Broker::listen_to(Number number) {
  const auto found = tunnels_.find(number);
  if (found == tunnels_.end()) return;
  Tunnel& tunnel = found->second;
  std::array<char, max_said> text{};
  const ssize_t got = read(tunnel.stderr_reader.get(), text.data(), text.size());
  if (got < 0) return;
  if (got == 0) return tunnel.stderr_reader.reset();
  const auto size = static_cast<std::size_t>(got);
  if (tunnel.starting()) tunnel.said.append(text.data(), std::min(size, max_said - tunnel.said.size()));
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), size);
}

void Broker::ended(Number number) {
  if (tunnels_.contains(number)) listen_to(number);
  auto entry = tunnels_.extract(number);
  if (entry.empty()) return;
  if (entry.mapped().starting()) reply(entry.mapped().client, error_of(entry.mapped()));
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

/// With a socket of our own, whose name goes with us.
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
