#pragma once
// Ports that are published, or ways out, in a process of their own: the code that serves unknown TCP clients shares
// neither memory nor sockets with the code that has the keys. The process is forked before the keys are read, waits
// until the tunnel is set up, and ends with it.

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
  /// To be called before any secret is read. The process calls `confine` (its sandbox) when all ports of `settings`
  /// listen.
  [[nodiscard]] static Result<Forwarder> create(const Settings& settings, const std::function<Result<void>()>& confine);

  /// To be called once. All ports listen and are served when this returns. `guest` is as in Settings.
  [[nodiscard]] Result<void> start(const IpAddress& guest, ForwardLoop::Descriptors descriptors);

  /// Readable when the process has ended, which it only does after a failure.
  [[nodiscard]] int fd() const { return child_.pidfd(); }
  /// The reason why it has ended.
  [[nodiscard]] Result<void> end();

  Forwarder(Forwarder&&) noexcept = default;
  Forwarder& operator=(Forwarder&&) = delete;
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  /// All ports are closed when this returns.
  ~Forwarder();

 private:
  Forwarder(const char* name, Child child, UniqueFd socket)
      : name_(name), child_(std::move(child)), socket_(std::move(socket)) {}

  const char* name_;  // for people
  Child child_;
  UniqueFd socket_;  // closing it ends the process
};

}  // namespace wg4::forward
