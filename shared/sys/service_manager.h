#pragma once
// What a service manager wants to hear of a service: the sd_notify(3) protocol, which is one datagram of VARIABLE=value
// lines for each thing to say, to the UNIX socket that $NOTIFY_SOCKET names. It says nothing unless this process is the
// one that the manager has started: who is started below it, by a container engine say, must not speak for it.

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

class ServiceManager {
 public:
  /// Nobody: whatever is said, nobody is told.
  ServiceManager() = default;
  /// Who is named in the environment, from which this takes the name out; to be called before a sandbox is entered.
  [[nodiscard]] static Result<ServiceManager> from_environment();

  /// The service does its work from now on; `status` is a line for people. Waits until this can be told.
  void ready(std::string_view status);
  /// A configuration is about to be read again, and has been.
  void reloading(std::chrono::nanoseconds monotonic);
  void reloaded();
  /// From here on nothing waits: what the manager has no room for is lost.
  void stopping();
  void alive();

  /// How often alive() has to be said, half of what the manager's patience is; nothing if it does not want to know.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> interval() const { return interval_; }

 private:
  ServiceManager(UniqueFd socket, std::optional<std::chrono::nanoseconds> interval)
      : socket_(std::move(socket)), interval_(interval) {}
  void tell(std::string_view text, int flags);

  UniqueFd socket_;
  std::optional<std::chrono::nanoseconds> interval_;
};

}  // namespace wg4
