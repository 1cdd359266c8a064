#include "wg4netns/verify/unix_sockets.h"

#include <linux/net.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <ios>
#include <sstream>

namespace wg4::verify {

Result<std::vector<NamedSocket>> list_named_sockets() {
  constexpr const char* list = "/proc/self/net/unix";
  std::ifstream file(list);
  if (!file) return fail(std::string("open ") + list, errno);
  std::vector<NamedSocket> sockets;
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string skipped;
    std::uint32_t flags = 0;
    std::uint32_t type = 0;
    fields >> skipped >> skipped >> skipped >> std::hex >> flags >> type >> skipped >> skipped;
    std::string path;
    if (!fields || fields.get() != ' ' || !std::getline(fields, path) || path.empty()) continue;
    const bool is_abstract = path.front() == '@';
    const bool is_server = (flags & __SO_ACCEPTCON) != 0 || type == SOCK_DGRAM;
    sockets.push_back({is_abstract ? path.substr(1) : path, is_abstract, is_server});
  }
  return sockets;
}

}  // namespace wg4::verify
