#include "wg4netns/commands/provider_port.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/sys/background.h"
#include "shared/sys/clock.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/log_reader.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/process.h"
#include "shared/sys/signals.h"
#include "shared/sys/sockaddr.h"
#include "shared/sys/starting_command.h"
#include "wg4netns/commands/enter_tunnel.h"
#include "wg4netns/natpmp/lease.h"
#include "wg4netns/natpmp/messages.h"
#include "wg4netns/supervise/tunnel_folder.h"

namespace wg4 {
namespace {

using natpmp::Fault;
using natpmp::Lease;

constexpr std::chrono::seconds time_to_make_socket{10};
constexpr unsigned unanswered_until_told = 5;  // requests, the last of which is sent after 3.75 s
constexpr const char* variable = "WIREGUARD4NETNS_FORWARDED_PORT=";

// --- the socket inside -----------------------------------------------------------------------------------------------

/// In a process of its own, whose exit status is the errno.
int make_socket_inside(const keeper::Room& room, const IpAddress& gateway, int parent) {
  if (setns(room.user.get(), CLONE_NEWUSER) != 0 || setns(room.net.get(), CLONE_NEWNET) != 0) return errno;
  std::array<UniqueFd, 1> made{UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
  SocketAddress to(Endpoint{gateway, natpmp::gateway_port});
  if (!made[0].valid() || connect(made[0].get(), to.get(), to.length) != 0) return errno;
  const std::array<std::uint8_t, 1> message{1};
  return send_message(parent, message, made) ? 0 : EPIPE;
}

Result<UniqueFd> socket_inside(const keeper::Room& room, const IpAddress& gateway) {
  SocketPair sockets = TRY(make_message_sockets());
  const std::array kept{room.user.get(), room.net.get(), sockets.theirs.get()};
  Child child = TRY(Child::fork(kept, [&] { return make_socket_inside(room, gateway, sockets.theirs.get()); }));
  sockets.theirs.reset();
  std::array<std::uint8_t, 1> buffer{};
  auto received = TRY(receive_message(sockets.ours.get(), buffer, 1));
  if (received && received->fds.size() == 1) return std::move(received->fds.front());
  const auto status = TRY(child.wait(time_to_make_socket));
  return fail("reach " + gateway.to_string() + " through the tunnel", status ? status->value : ETIMEDOUT,
              "Name the gateway of the tunnel: --port-forwarding=natpmp:ADDRESS");
}

// --- what is told ----------------------------------------------------------------------------------------------------

/// Readers see the former port or the new one, never a part.
Result<void> write_port_file(const std::string& path, std::uint16_t port) {
  const std::string text = std::to_string(port) + "\n";
  const std::string temporary = path + "." + std::to_string(getpid());
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH));
  const bool written = fd.valid() && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written && rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int number = errno;
  if (fd.valid()) unlink(temporary.c_str());
  return fail("write the forwarded port to " + path, number, "Name another file: --port-file FILE");
}

std::string filled_in(std::string text, std::uint16_t port) {
  const std::string number = std::to_string(port);
  const std::array<std::pair<std::string_view, std::string_view>, 3> values{
      {{"{{PORT}}", number}, {"{{PORTS}}", number}, {"{{VPN_INTERFACE}}", "wg0"}}};
  for (const auto& [name, value] : values)
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
      text.replace(at, name.size(), value);
  return text;
}

std::vector<std::string> environment_for(std::uint16_t port) {
  std::vector<std::string> environment = own_environment();
  std::erase_if(environment, [](const std::string& entry) { return entry.starts_with(variable); });
  environment.push_back(variable + std::to_string(port));
  return environment;
}

std::unexpected<Error> explain(Fault fault, const IpAddress& gateway) {
  const std::string at = "the gateway " + gateway.to_string();
  const std::string other = "Choose a server with port forwarding, and a key for which it is switched on";
  switch (fault) {
    case Fault::closed:
      return fail("this server has no port forwarding: " + at + " takes no requests for ports (NAT-PMP)", 0,
                  other + "; or name another gateway: --port-forwarding=natpmp:ADDRESS");
    case Fault::wrong_version:
      return fail("this server has no port forwarding: " + at + " does not speak NAT-PMP", 0, other);
    case Fault::refused:
      return fail("this server forwards no port to this key: " + at + " has refused it", 0, other);
    case Fault::different_ports:
      return fail("this server forwards different ports for UDP and TCP, which is of no use", 0, other);
    case Fault::failed:
      return fail(at + " cannot forward a port at the moment", 0, "Try again later, or choose another server");
    case Fault::none:
    case Fault::silence:
      break;
  }
  return fail(at + " has not answered requests for a port (NAT-PMP) for two minutes", 0,
              "See whether the tunnel works: wireguard4netns doctor; or name another gateway: "
              "--port-forwarding=natpmp:ADDRESS");
}

// --- the process -----------------------------------------------------------------------------------------------------

class PortProcess {
 public:
  PortProcess(const keeper::Room& room, ProviderPort wanted, keeper::Client keeper, UniqueFd socket, SignalFd signals,
              SignalState inherited, UniqueFd callers_stderr)
      : room_(room),
        wanted_(std::move(wanted)),
        keeper_(std::move(keeper)),
        socket_(std::move(socket)),
        signals_(std::move(signals)),
        inherited_(inherited),
        callers_stderr_(std::move(callers_stderr)) {}

  /// Until the keeper has ended.
  [[nodiscard]] Result<void> run(UniqueFd ready);
  /// Removes the file, since no port is kept any more.
  void end() {
    if (wanted_.file && told_ != 0) unlink(wanted_.file->c_str());
  }

 private:
  [[nodiscard]] Result<void> send_due();
  void receive();
  [[nodiscard]] Result<void> tell(std::uint16_t port);
  void call_back(std::uint16_t port);
  void reap();
  void say_that_it_waits();
  /// False once the keeper has ended, or this process is to end.
  [[nodiscard]] bool wait();

  const keeper::Room& room_;
  ProviderPort wanted_;
  keeper::Client keeper_;
  UniqueFd socket_;
  SignalFd signals_;
  SignalState inherited_;
  UniqueFd callers_stderr_;  // until the port is known, when the caller stops waiting
  Lease lease_;
  std::uint16_t told_ = 0;
  std::optional<StartingCommand> callback_;  // the latest
};

Result<void> PortProcess::run(UniqueFd ready) {
  do {
    TRY(send_due());
    if (ready.valid() && lease_.fault() != Fault::none) return explain(lease_.fault(), *wanted_.gateway);
    if (ready.valid()) say_that_it_waits();
    if (lease_.port() == told_) continue;
    const auto told = tell(lease_.port());
    if (!told && ready.valid()) return told;
    if (!told) log::warning("{}", told.error().message());
    if (ready.valid() && write(ready.get(), "1", 1) != 1) return {};  // nobody waits any more
    ready.reset();
    callers_stderr_.reset();
    if (wanted_.callback && told_ != 0) call_back(told_);
  } while (wait());
  return {};
}

Result<void> PortProcess::send_due() {
  const auto request = lease_.advance(boot_clock());
  if (!request) return {};
  const auto bytes = natpmp::encode(*request);
  if (send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
    lease_.closed(boot_clock());
  return {};
}

void PortProcess::receive() {
  std::array<std::uint8_t, 64> buffer{};
  const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size >= 0)
    lease_.receive(ByteView(buffer).first(static_cast<std::size_t>(size)), boot_clock());
  else if (errno == ECONNREFUSED)
    lease_.closed(boot_clock());
}

Result<void> PortProcess::tell(std::uint16_t port) {
  const std::uint16_t before = std::exchange(told_, port);
  if (port == 0)
    log::warning("the provider does not forward port {} any more; wireguard4netns keeps asking for one", before);
  else if (before != 0)
    log::warning("the provider forwards port {} now, and not {}", port, before);
  else
    log::info("the provider forwards port {}", port);
  TRY(keeper_.tell_forwarded_port(port));
  if (!wanted_.file) return {};
  if (port != 0) return write_port_file(*wanted_.file, port);
  unlink(wanted_.file->c_str());
  return {};
}

/// Runs the callback inside, as a command is run, and goes on meanwhile.
void PortProcess::call_back(std::uint16_t port) {
  const CommandStart start{.arguments = {"/bin/sh", "-c", filled_in(*wanted_.callback, port)},
                           .environment = environment_for(port),
                           .enter = [this]() -> Result<void> { return enter_tunnel(room_); },
                           .enters_pid_namespace = room_.pids.valid(),
                           .confine = [this]() -> Result<void> {
                             TRY(confine_in_tunnel(room_));
                             return {};
                           }};
  auto started = StartingCommand::start(start, inherited_);
  if (started)
    callback_.emplace(*std::move(started));
  else
    log::warning("the callback for the forwarded port: {}", started.error().message());
}

void PortProcess::reap() {
  reap_children();
  if (!callback_) return;
  callback_->read_report();
  if (const auto& failure = callback_->failure())
    log::warning("the callback for the forwarded port: {}", failure->error.message());
}

void PortProcess::say_that_it_waits() {
  if (!callers_stderr_.valid() || lease_.unanswered() < unanswered_until_told) return;
  dprintf(callers_stderr_.get(),
          "wireguard4netns: warning: the gateway %s does not answer; trying for up to two minutes\n",
          wanted_.gateway->to_string().c_str());
  callers_stderr_.reset();
}

bool PortProcess::wait() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(lease_.deadline() - boot_clock());
  std::array<pollfd, 3> events{{{keeper_.fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
  poll(events.data(), events.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  if (events[0].revents != 0) return false;
  if (events[1].revents != 0 && signals_.read() != SIGCHLD) return false;
  reap();
  if (events[2].revents != 0) receive();
  return true;
}

Result<void> serve(const std::string& name, const keeper::Room& room, const ProviderPort& wanted,
                   UniqueFd callers_stderr, UniqueFd ready) {
  prctl(PR_SET_NAME, "wg4netns-port");
  TRY(forbid_looking_in());  // else commands inside, which are the same user's, could trace it and act as this process
  log::look_for_reader();
  const SignalState inherited = SignalState::current();
  SignalFd signals = TRY(SignalFd::create({SIGTERM, SIGINT, SIGHUP, SIGCHLD}));
  const TunnelFolder folder = TRY(TunnelFolder::open(name, IfMissing::fail));
  auto keeper = TRY(keeper::Client::connect(folder));
  if (!keeper) return fail("the keeper of the tunnel " + name + " has ended");
  UniqueFd socket = TRY(socket_inside(room, *wanted.gateway));
  PortProcess process(room, wanted, *std::move(keeper), std::move(socket), std::move(signals), inherited,
                      std::move(callers_stderr));
  auto ended = process.run(std::move(ready));
  process.end();
  return ended;
}

}  // namespace

Result<ProviderPort> parse_provider_port(const std::string& text) {
  const std::string_view name = "natpmp";
  ProviderPort wanted;
  if (text == name) return wanted;
  const auto gateway =
      text.starts_with(std::string(name) + ":") ? IpAddress::parse(text.substr(name.size() + 1)) : std::nullopt;
  if (!gateway || !gateway->is_v4())
    return fail("--port-forwarding=" + text + " is neither natpmp nor natpmp:GATEWAY with an IPv4 address");
  wanted.gateway = gateway;
  return wanted;
}

Result<void> start_provider_port(const std::string& name, const keeper::Room& room, const ProviderPort& wanted) {
  UniqueFd callers_stderr(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  std::vector<int> kept = room.descriptors();
  if (callers_stderr.valid()) kept.push_back(callers_stderr.get());
  auto process = TRY(BackgroundStart::begin(
      [&](UniqueFd ready) { return serve(name, room, wanted, std::move(callers_stderr), std::move(ready)); }, kept));
  callers_stderr.reset();
  std::ignore = TRY(process.wait());
  return {};
}

}  // namespace wg4
