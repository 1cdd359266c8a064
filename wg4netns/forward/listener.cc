#include "wg4netns/forward/listener.h"

#include <cerrno>
#include <string>

#include "shared/sys/ip_listener.h"

namespace wg4::forward {
namespace {

std::string hint_for(int number, const Rule& rule) {
  switch (number) {
    case EADDRINUSE:
      return "Another program has that port on the host";
    case EADDRNOTAVAIL:
      return "The host has no such address";
    case EACCES:
      return "Ordinary users get ports from the sysctl net.ipv4.ip_unprivileged_port_start on; " +
             std::to_string(rule.host.port) + " is below it";
    case EMFILE:
      return "Raise the limit on open files (ulimit -n)";
    default:
      return {};
  }
}

}  // namespace

Result<UniqueFd> open_listener(const Rule& rule) {
  auto fd = listen_at(rule.protocol, rule.host);
  if (fd) return fd;
  const int number = fd.error().number;
  return fail("publish port " + rule.to_string(), number, hint_for(number, rule));
}

}  // namespace wg4::forward
