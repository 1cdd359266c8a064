#pragma once
// Name look-ups in a process of their own. getaddrinfo() blocks, reads files and opens sockets as it likes; the process
// that holds the keys does none of that once it serves. The resolver never has a key: it is a fresh program image.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/sys/process.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/daemon/sandbox.h"

namespace wg4 {

class Resolver {
 public:
  using Answer = NameAnswer;

  /// Starts the process. It ends with this one.
  [[nodiscard]] static Result<Resolver> start(SandboxMode sandbox);
  /// A resolver that another process starts, or will start, at the other end of `socket`: questions wait there.
  [[nodiscard]] static Resolver at(UniqueFd socket) { return {std::nullopt, std::move(socket)}; }
  /// Starts the process for at(), at its own end of the socket.
  [[nodiscard]] static Result<Child> spawn(int socket, SandboxMode sandbox);

  /// Readable when an answer is there.
  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] Result<void> ask(std::uint32_t id, const HostPort& name);
  /// The next answer, in the order of the questions; nothing if none is there yet or the process ended.
  [[nodiscard]] std::optional<Answer> receive();
  /// receive() has found that the process has ended, or breaks the protocol.
  [[nodiscard]] bool has_ended() const { return ended_; }

 private:
  Resolver(std::optional<Child> child, UniqueFd socket) : child_(std::move(child)), socket_(std::move(socket)) {}

  std::optional<Child> child_;
  UniqueFd socket_;
  bool ended_ = false;
};

inline constexpr int resolver_socket = 3;  ///< where the resolver process finds its questions

/// The whole life of the resolver process: answers until the other side is gone.
[[nodiscard]] Result<void> run_resolver(int socket, SandboxMode sandbox);

}  // namespace wg4
