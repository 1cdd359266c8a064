#include "netns-helper/port_tables.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

namespace wg4 {

Result<std::vector<UniqueFd>> open_port_tables() {
  std::vector<UniqueFd> tables;
  for (const char* name : {"tcp", "udp", "tcp6", "udp6"}) {
    const std::string path = std::string("/proc/thread-self/net/") + name;
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid() && errno == ENOENT && tables.size() >= 2) break;
    if (!fd.valid())
      return fail("open " + path, errno, "Ports are published by themselves (auto) only where /proc is mounted");
    tables.push_back(std::move(fd));
  }
  return tables;
}

}  // namespace wg4
