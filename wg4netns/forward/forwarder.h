#pragma once
// Published ports in a process of their own: what talks with strangers by TCP shares neither memory nor sockets with
// what has the keys. It is forked before these are read, waits until the tunnel has come so far, and ends with it.

#include <functional>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/net/ip_address.h"
#include "shared/sys/process.h"
#include "wg4netns/forward/forward_loop.h"

namespace wg4::forward {

class Forwarder {
 public:
  /// To be called before any secret is read. The process calls `confine` when all that `settings` ask for listens.
  [[nodiscard]] static Result<Forwarder> create(const Settings& settings, const std::function<Result<void>()>& confine);

  /// Everything listens, and is served, when this returns; to be called once. `guest` is as in Settings.
  [[nodiscard]] Result<void> start(const IpAddress& guest, ForwardLoop::Way way);

  /// Readable when the process has ended, which it does not do by itself.
  [[nodiscard]] int fd() const { return child_.pidfd(); }
  /// Why it has ended.
  [[nodiscard]] Result<void> end();

  Forwarder(Forwarder&&) noexcept = default;
  Forwarder& operator=(Forwarder&&) = delete;
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  /// All ports are closed when this returns.
  ~Forwarder();

 private:
  Forwarder(Child child, UniqueFd socket) : child_(std::move(child)), socket_(std::move(socket)) {}

  Child child_;
  UniqueFd socket_;  // its end is the signal
};

}  // namespace wg4::forward
