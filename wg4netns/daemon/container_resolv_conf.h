#pragma once

#include <cstdint>
#include <string>

namespace wg4 {

/// The file that is going to be the container's /etc/resolv.conf.
struct ContainerResolvConf {
  std::string folder;       ///< the engine's, absolute; what is below it may come from an untrusted image
  std::string path;         ///< relative to `folder`; no link on it is followed
  std::uint32_t owner = 0;  ///< uid of the container's root, as the hook sees it; the file is that user's or ours
  bool operator==(const ContainerResolvConf&) const = default;
};

}  // namespace wg4
