#pragma once

#include <cstdint>
#include <string>

namespace wg4 {

/// The file that is going to be the container's /etc/resolv.conf.
struct ContainerResolvConf {
  std::string folder;       ///< the engine's: absolute; below it a stranger may have made what is there
  std::string path;         ///< relative to `folder`, to be followed through no link
  std::uint32_t owner = 0;  ///< uid of the container's root, as the hook sees it: the file is its, or ours
  bool operator==(const ContainerResolvConf&) const = default;
};

}  // namespace wg4
