#include "wg4netns/engines/netavark.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <expected>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/base/version.h"
#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/sys/deadline.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/read_all.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/engines/netavark_json.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/supervise/broker.h"
#include "wg4netns/supervise/broker_message.h"
#include "wg4netns/supervise/broker_socket.h"

namespace wg4 {
namespace {

constexpr std::string_view name_mark = "%n";
constexpr std::chrono::seconds patience{10};  // with an engine that has started us to read what it writes

Result<std::string> read_input() {
  return read_all(STDIN_FILENO, "the engine's request", netavark::max_input, deadline_in(patience));
}

/// Is there a user namespace around us, as around all of rootless Podman? Its engine then publishes ports itself, and
/// setup is called where the host's network is out of reach.
bool is_rootless() {
  std::ifstream map("/proc/self/uid_map");
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  constexpr unsigned long everybody = 4294967295;
  return !(map >> inside >> outside >> count) || count != everybody;
}

/// The path of the configuration for a container. Nothing if that depends on its name, and none is given.
Result<std::optional<std::string>> find_config(const netavark::NetworkOptions& options, const std::string& container) {
  const auto fill_in = [&](std::string text) {
    for (std::size_t at = 0; (at = text.find(name_mark, at)) != std::string::npos; at += container.size())
      text.replace(at, name_mark.size(), container);
    return text.empty() ? std::nullopt : std::optional(std::move(text));
  };
  const bool by_name = (options.config + options.profile).find(name_mark) != std::string::npos;
  if (by_name && container.empty()) return std::nullopt;
  if (by_name && (container.front() == '.' || container.find('/') != std::string::npos))
    return fail("'" + container + "' cannot be the name of a container");
  const std::string path = TRY(locate_config(fill_in(options.config), fill_in(options.profile)));
  return TRY(absolute_path(path));
}

std::vector<std::string> ports_of(const netavark::Container& container, const IpAddress& guest) {
  std::vector<std::string> specs;
  if (!container.options.publish.value_or(!is_rootless())) return specs;
  const auto range = [](unsigned first, unsigned size) {
    return std::to_string(first) + "-" + std::to_string(first + size - 1);
  };
  const auto bracketed = [](const std::string& address) {
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
  };
  for (const netavark::Port& port : container.ports) {
    std::string spec = port.host_address.empty() ? "" : bracketed(port.host_address) + ":";
    spec += range(port.host_port, port.range) + ":" + bracketed(guest.to_string()) + ":" +
            range(port.container_port, port.range) + "/" + port.protocol;
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::string key_of(const netavark::Container& container) { return container.id + "/" + container.ifname; }

bool is_absence(const Error& error) { return error.number == ENOENT || error.number == ECONNREFUSED; }

Result<std::string> create() {
  const std::string input = TRY(read_input());
  const netavark::Network network = TRY(netavark::parse_network(input));
  const auto config = TRY(find_config(network.options, ""));
  if (config) TRY(load_config(*config));  // an error is better now than for every container
  TRY(ensure_broker());
  return network.text;
}

Result<std::string> setup(const std::string& netns_path) {
  const std::string input = TRY(read_input());
  const netavark::Container container = TRY(netavark::parse_container(input));
  const auto path = TRY(find_config(container.options, container.name));
  const WgConfig config = TRY(load_config(path.value_or("")));
  const IpAddress guest = config.addresses.empty() ? IpAddress{} : config.addresses.front().address;
  if (!is_rootless()) TRY(ensure_broker());
  auto asked = broker::ask({.kind = broker::Request::Kind::start,
                            .key = key_of(container),
                            .ifname = container.ifname,
                            .config = *path,
                            .mtu = container.options.mtu,
                            .ports = ports_of(container, guest)},
                           TRY(open_netns(netns_path)));
  if (!asked && is_absence(asked.error()))
    asked.error().hint = "No broker runs: start one with 'wireguard4netns broker', or enable its socket unit";
  TRY(std::move(asked));
  return netavark::status({.ifname = container.ifname,
                           .addresses = config.addresses,
                           .dns_servers = config.dns_servers,
                           .dns_search = config.dns_search});
}

Result<std::string> teardown() {
  const std::string input = TRY(read_input());
  const netavark::Container container = TRY(netavark::parse_container(input));
  const auto asked = broker::ask({.kind = broker::Request::Kind::stop,
                                  .key = key_of(container),
                                  .ifname = {},
                                  .config = {},
                                  .mtu = {},
                                  .ports = {}},
                                 UniqueFd());
  if (!asked && !is_absence(asked.error())) return std::unexpected(asked.error());  // tunnels end with their broker
  return std::string();
}

Result<std::string> answer(const NetavarkCommand& command) {
  switch (command.verb) {
    case NetavarkCommand::Verb::create:
      return create();
    case NetavarkCommand::Verb::setup:
      return setup(command.netns);
    case NetavarkCommand::Verb::teardown:
      return teardown();
    case NetavarkCommand::Verb::info:
      break;
  }
  return netavark::info(version);
}

}  // namespace

Parsed<NetavarkCommand> parse_netavark(const Arguments& arguments) {
  using Verb = NetavarkCommand::Verb;
  NetavarkCommand command;
  Parser parser("A network plugin for Podman: netavark starts it.", arguments);
  parser
      .choice("VERB", "", command.verb,
              {{"info", Verb::info}, {"create", Verb::create}, {"setup", Verb::setup}, {"teardown", Verb::teardown}},
              "info, create, setup or teardown")
      .required();
  parser.argument("NETNS", command.netns, "Path of the container's network namespace").is_file();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_netavark(const NetavarkCommand& command) {
  auto result = answer(command);
  const std::string text = result ? *result : netavark::error(result.error().message());
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return fail("write", errno);
  if (!result) return std::unexpected(std::move(result).error());
  return {};
}

}  // namespace wg4
