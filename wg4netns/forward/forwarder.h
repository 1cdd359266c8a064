#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/forward/forward_loop.h"

namespace wg4::forward {

/// Published ports on a thread of their own, so that they can never hold up the tunnel. Destroying it closes them all.
class Forwarder {
 public:
  /// Everything listens when this returns, but nobody is served before start().
  [[nodiscard]] static Result<Forwarder> create(const Settings& settings, ForwardLoop::Way way);

  Forwarder(Forwarder&&) noexcept = default;
  Forwarder& operator=(Forwarder&&) = delete;
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;
  ~Forwarder();

  /// As ForwardLoop::api_folder().
  [[nodiscard]] std::optional<int> api_folder() const { return loop_->api_folder(); }

  /// Starts the thread. It has the rights that the caller has now: rights are a thread's, so they are dropped before.
  /// Signals of the caller have to be blocked.
  void start();

 private:
  Forwarder(UniqueFd stop, std::unique_ptr<ForwardLoop> loop) : stop_(std::move(stop)), loop_(std::move(loop)) {}

  UniqueFd stop_;
  std::unique_ptr<ForwardLoop> loop_;
  std::thread thread_;
};

}  // namespace wg4::forward
