#include "shared/sys/service_manager.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/sys/unix_socket.h"

namespace wg4 {
namespace {

constexpr const char* hint = "A service manager sets it; unset it to start without one";

/// A variable's value; removes the variable, so that child processes do not inherit it.
std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string text = value;
  unsetenv(name);
  return text;
}

std::optional<std::uint64_t> to_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Is this the process that `pid` names, if it is set?
bool is_us(const std::optional<std::string>& pid) { return !pid || to_number(*pid) == std::uint64_t(getpid()); }

Result<UniqueFd> open_socket(const std::string& name) {
  const std::string what = "NOTIFY_SOCKET " + name;
  if (name.size() < 2 || (name.front() != '/' && name.front() != '@'))
    return fail(what + " is neither a path nor an abstract name", 0, hint);
  const auto address = name.front() == '@' ? UnixAddress::of_abstract_name(name.substr(1)) : UnixAddress::of_path(name);
  if (!address) return fail(what, ENAMETOOLONG, hint);
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail("create a UNIX socket", errno);
  if (!address->connect(fd.get())) return fail("connect to " + what, errno, hint);
  return fd;
}

}  // namespace

Result<ServiceManager> ServiceManager::from_environment() {
  const auto name = take_variable("NOTIFY_SOCKET");
  const auto patience = take_variable("WATCHDOG_USEC");
  const auto watched = take_variable("WATCHDOG_PID");
  const char* started = std::getenv("SYSTEMD_EXEC_PID");
  if (!name || name->empty() || !is_us(started != nullptr ? std::optional<std::string>(started) : std::nullopt))
    return ServiceManager();
  UniqueFd socket = TRY(open_socket(*name));

  std::optional<std::chrono::nanoseconds> interval;
  if (patience && is_us(watched)) {
    constexpr std::uint64_t max_usec = 1'000'000ULL * 3600 * 24 * 365;  // a year
    const auto usec = to_number(*patience);
    if (!usec || *usec < 2 || *usec > max_usec)
      return fail("WATCHDOG_USEC " + *patience + " is not a number of microseconds, at most a year's", 0, hint);
    interval = std::chrono::microseconds(*usec / 2);
  }
  return ServiceManager(std::move(socket), interval);
}

void ServiceManager::ready(std::string_view status) { tell("READY=1\nSTATUS=" + printable(status) + "\n", 0); }
void ServiceManager::reloading(std::chrono::nanoseconds monotonic) {
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(monotonic).count();
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec) + "\n", MSG_DONTWAIT);
}
void ServiceManager::reloaded() { tell("READY=1\n", MSG_DONTWAIT); }
void ServiceManager::stopping() { tell("STOPPING=1\n", MSG_DONTWAIT); }
void ServiceManager::alive() { tell("WATCHDOG=1\n", MSG_DONTWAIT); }

void ServiceManager::tell(std::string_view text, int flags) {
  if (!socket_.valid()) return;
  std::string copy(text);
  iovec piece{copy.data(), copy.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  // If the manager has ended, this process goes on; of the calls that send, the sandbox allows sendmsg(2).
  [[maybe_unused]] const ssize_t sent = sendmsg(socket_.get(), &message, flags | MSG_NOSIGNAL);
}

}  // namespace wg4
