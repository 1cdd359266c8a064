#pragma once
// containers.conf(5), as far as it decides about the network of rootless containers. Of TOML it reads strings and
// lists of strings under a table's head; it ignores whatever is written in another way.

#include <string>
#include <string_view>
#include <vector>

namespace wg4::doctor {

struct ContainersConf {
  std::string network_cmd_path{};              ///< empty = none, as below
  std::string default_rootless_network_cmd{};  ///< "slirp4netns" or "pasta"
  std::vector<std::string> helper_binaries_dir{};
};

/// Reads one more file: its values replace those that `conf` has from the files before.
void read_containers_conf(std::string_view text, ContainersConf& conf);

}  // namespace wg4::doctor
