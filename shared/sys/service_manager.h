#pragma once
// Notifies a service manager by the sd_notify(3) protocol: each notification is a datagram of VARIABLE=value lines,
// sent to the UNIX socket that $NOTIFY_SOCKET names. Sends nothing unless the manager has started this very process: a
// process below the service, for example one that a container engine started, must not notify for it.

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

class ServiceManager {
 public:
  /// Without a manager: notifications are dropped.
  ServiceManager() = default;
  /// The manager that the environment names. Removes the variables; to be called before a sandbox is entered.
  [[nodiscard]] static Result<ServiceManager> from_environment();

  /// The service is ready; `status` is a line for people. Waits until this is sent.
  void ready(std::string_view status);
  /// To be called before and after the configuration is read again.
  void reloading(std::chrono::nanoseconds monotonic);
  void reloaded();
  /// This and the next ones never wait: if the manager's socket is full, the notification is lost.
  void stopping();
  void alive();

  /// How often to call alive(), half of the manager's timeout; nothing if the manager has none.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> interval() const { return interval_; }

 private:
  ServiceManager(UniqueFd socket, std::optional<std::chrono::nanoseconds> interval)
      : socket_(std::move(socket)), interval_(interval) {}
  void tell(std::string_view text, int flags);

  UniqueFd socket_;
  std::optional<std::chrono::nanoseconds> interval_;
};

}  // namespace wg4
