#pragma once

#include <string>
#include <vector>

#include "shared/base/result.h"

namespace wg4::verify {

/// A UNIX socket with a name, of the network namespace that /proc shows.
struct NamedSocket {
  std::string path;  ///< or an abstract name, without the '@' that /proc shows before it
  bool is_abstract = false;
  bool is_server = false;  ///< it listens, or takes datagrams
};

[[nodiscard]] Result<std::vector<NamedSocket>> list_named_sockets();

}  // namespace wg4::verify
