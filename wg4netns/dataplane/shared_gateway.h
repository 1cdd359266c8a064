#pragma once
// The gateway, for the threads that move packets: a packet that leaves by one may be answered to another.

#include <mutex>

#include "wg4netns/gateway/gateway.h"

namespace wg4 {

class SharedGateway {
 public:
  explicit SharedGateway(const GatewayOptions& options) : gateway_(options) {}

  /// The gateway, held as long as this lives.
  class Held {
   public:
    explicit Held(SharedGateway& shared) : gateway_(shared.gateway_), lock_(shared.mutex_) {}
    Gateway* operator->() const { return &gateway_; }

   private:
    Gateway& gateway_;
    std::scoped_lock<std::mutex> lock_;
  };
  [[nodiscard]] Held hold() { return Held(*this); }

 private:
  Gateway gateway_;
  std::mutex mutex_;
};

}  // namespace wg4
