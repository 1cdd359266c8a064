#pragma once
// The options of pasta(1) that engines use, in its words. For cli.cc alone.

#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/engines/pasta.h"

namespace CLI {
class App;
}

namespace wg4 {

/// What was written on the command line, word by word.
struct PastaArguments {
  std::string target;  ///< PID or path
  std::string netns;
  std::string userns;
  std::string ifname = "wg0";
  std::string pid_file;
  std::vector<std::string> tcp_ports;
  std::vector<std::string> udp_ports;
  std::vector<std::string> addresses;
  std::string netmask;
  std::vector<std::string> gateways;
  std::vector<std::string> dns_forward;
  unsigned mtu = 0;
  bool only_v4 = false;
  bool only_v6 = false;
  bool loopback = false;
  bool foreground = false;
  bool quiet = false;
  bool debug = false;
  bool accepted = false;  ///< options that need nothing to be done
  std::string accepted_text;
};

void add_pasta_options(CLI::App& app, PastaArguments& arguments);

/// What they come to, beyond what TunnelOptions has from elsewhere.
[[nodiscard]] Result<PastaCommand> pasta_command(const PastaArguments& arguments, TunnelOptions tunnel);

}  // namespace wg4
