#include "wg4netns/daemon/resolver.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "shared/sys/fd_pass.h"
#include "shared/sys/process.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/sys/sockaddr.h"
#include "shared/wire/message_socket.h"

namespace wg4 {
namespace {

NameAnswer answer(const NameQuestion& question) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_protocol = IPPROTO_UDP;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(question.host.c_str(), nullptr, &hints, &found);
  if (error != 0) return {.id = question.id, .error = error};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, each->ai_addr, each->ai_addrlen);
    Endpoint endpoint = to_endpoint(storage);
    endpoint.port = question.port;
    return {.id = question.id, .endpoint = endpoint};
  }
  return {.id = question.id, .error = EAI_NONAME};
}

}  // namespace

Result<void> run_resolver(int socket, SandboxMode sandbox) {
  prctl(PR_SET_NAME, "wg4netns-names");  // run from /proc/self/exe, it would be called "exe"
  TRY(confine_resolver(sandbox));
  for (;;) {
    const auto question = wire::receive<NameQuestion>(socket);
    if (!question || !*question || !wire::send(socket, answer((*question)->message))) return {};
  }
}

Result<Child> Resolver::spawn(int socket, SandboxMode sandbox) {
  SpawnRequest request;
  request.program = "/proc/self/exe";
  request.arguments = {"wireguard4netns", "resolver", std::string("--sandbox=").append(name_of(sandbox))};
  request.environment = own_environment();
  request.fds = {{.from = socket, .to = resolver_socket}};
  auto child = Child::spawn(request);
  if (!child) return fail_in("start the resolver process", std::move(child).error());
  return child;
}

Result<Resolver> Resolver::start(SandboxMode sandbox) {
  SocketPair sockets = TRY(make_message_sockets());
  Child child = TRY(spawn(sockets.theirs.get(), sandbox));
  if (fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) < 0) return fail("prepare the resolver's socket", errno);
  return Resolver(std::move(child), std::move(sockets.ours));
}

Result<void> Resolver::ask(std::uint32_t id, const HostPort& name) {
  return wire::send(socket_.get(), NameQuestion{.id = id, .host = name.host, .port = name.port});
}

std::optional<Resolver::Answer> Resolver::receive() {
  if (ended_) return std::nullopt;
  auto answer = wire::receive<NameAnswer>(socket_.get());
  // A process that breaks the protocol is not read any more.
  ended_ = answer ? !*answer : answer.error().number != EAGAIN;
  if (ended_ || !answer) return std::nullopt;
  return (*answer)->message;
}

}  // namespace wg4
