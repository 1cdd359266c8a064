#pragma once
// What commands take that start a tunnel for other programs: run, up.

#include <optional>
#include <string>
#include <vector>

#include "netns-helper/container/id_plan.h"
#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/container_options.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/supervise/keeper.h"

namespace wg4 {

struct RunOptions {
  TunnelOptions tunnel;
  std::optional<std::string> source;  ///< PROFILE|FILE
  std::optional<std::string> name;    ///< of the tunnel; nothing = made of the profile's or the file's
  container::IdPlan ids;
  keeper::Plan plan;
  ContainerOptions container;
  std::vector<std::string> container_words;  ///< what ContainedCommand::agreed says of `container`
  std::vector<IpAddress> dns;
  std::optional<std::string> hosts_file;
  std::vector<std::string> added_hosts;  ///< "NAME:ADDRESS"
  std::vector<std::string> published;
  std::vector<std::string> host_ports;  ///< forward/ways.h has their forms
  std::vector<std::string> lan;
  std::optional<std::string> port_forwarding;  ///< "natpmp", "natpmp:GATEWAY" (provider_port.h)
  std::optional<std::string> port_file;
  std::optional<std::string> port_callback;
  std::optional<std::string> helper;
  bool wait_for_handshake = false;
  bool goes_on_logging = false;  ///< the tunnel, to this process' standard error, since that stays
};

void add_run_options(Parser& parser, RunOptions& options);

/// The words before "--", which are ours, and those behind it, which are another program's.
struct SplitWords {
  Arguments ours;
  std::vector<std::string> command;
  bool has_command = false;  ///< there is a "--"
};
[[nodiscard]] SplitWords split_words(const Arguments& arguments);

/// PROFILE|FILE as --profile or --config: what has a '/' or ends in .conf is a file.
[[nodiscard]] Result<void> apply_source(RunOptions& options);

/// The options that two users of a tunnel must agree on, as "--name=value".
[[nodiscard]] std::vector<std::string> to_words(const RunOptions& options);

}  // namespace wg4
