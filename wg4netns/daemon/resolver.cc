#include "wg4netns/daemon/resolver.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/process.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/sys/sockaddr.h"

// A question is "ID PORT HOST", an answer "ID ERROR ENDPOINT", both as text in one message.

namespace wg4 {
namespace {

constexpr std::size_t max_message = 1024;

ByteView bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// Takes a word off the front.
std::string_view take_word(std::string_view& text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(std::min(space + 1, text.size()));
  return word;
}

template <class T>
std::optional<T> take_number(std::string_view& text) {
  T value = 0;
  const std::string_view word = take_word(text);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

/// Nothing when the other side is gone, or fails with EAGAIN when, on a non-blocking socket, it is silent.
Result<std::optional<std::string>> receive_text(int socket) {
  std::array<std::uint8_t, max_message> buffer;
  const auto message = TRY(receive_message(socket, buffer));
  if (!message) return std::nullopt;
  return std::string(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(message->size));
}

std::string answer(std::string_view question) {
  const std::string id(take_word(question));
  const auto port = take_number<std::uint16_t>(question).value_or(0);
  const std::string host(question);

  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_protocol = IPPROTO_UDP;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return id + " " + std::to_string(error) + " ";
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, each->ai_addr, each->ai_addrlen);
    Endpoint endpoint = to_endpoint(storage);
    endpoint.port = port;
    return id + " 0 " + endpoint.to_string();
  }
  return id + " " + std::to_string(EAI_NONAME) + " ";
}

}  // namespace

Result<void> run_resolver(int socket, SandboxMode sandbox) {
  prctl(PR_SET_NAME, "wg4netns-names");  // run from /proc/self/exe, it would be called "exe"
  TRY(confine_resolver(sandbox));
  for (;;) {
    const auto question = receive_text(socket);
    if (!question || !*question || !send_message(socket, bytes_of(answer(**question)))) return {};
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
  return send_message(socket_.get(), bytes_of(std::to_string(id) + " " + std::to_string(name.port) + " " + name.host));
}

std::optional<Resolver::Answer> Resolver::receive() {
  if (ended_) return std::nullopt;
  const auto text = receive_text(socket_.get());
  ended_ = text ? !*text : text.error().number != EAGAIN;
  if (!text || !*text) return std::nullopt;
  std::string_view rest = **text;
  const auto id = take_number<std::uint32_t>(rest);
  const auto error = take_number<int>(rest);
  ended_ = !id || !error;  // one that talks nonsense is not listened to any more
  if (ended_) return std::nullopt;
  Answer result{.id = *id, .error = *error, .endpoint = {}};
  if (result.error != 0) return result;
  const auto endpoint = Endpoint::parse(rest);
  if (!endpoint) {
    result.error = EAI_NONAME;
    return result;
  }
  result.endpoint = *endpoint;
  return result;
}

}  // namespace wg4
