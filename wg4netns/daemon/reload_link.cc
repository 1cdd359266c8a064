#include "wg4netns/daemon/reload_link.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/config/make_link_plan.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/sys/log.h"
#include "wg4netns/core/control.h"
#include "wg4netns/daemon/helper_process.h"
#include "wg4netns/daemon/tunnel_facts.h"
#include "wg4netns/profile/mtu.h"
#include "wg4netns/uapi/codec.h"

namespace wg4 {
namespace {

std::optional<std::uint16_t> parse_mtu(std::string_view text) {
  std::uint16_t mtu = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mtu);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(mtu) : std::nullopt;
}

std::vector<Prefix> parse_prefixes(std::string_view text) {
  constexpr std::string_view between = ", ";
  std::vector<Prefix> prefixes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(between), text.size());
    if (const auto prefix = Prefix::parse(text.substr(0, end))) prefixes.push_back(*prefix);
    text.remove_prefix(std::min(end + between.size(), text.size()));
  }
  return prefixes;
}

std::vector<Prefix> sorted(std::vector<Prefix> prefixes) {
  for (Prefix& prefix : prefixes) prefix = {prefix.address, prefix.length};
  std::ranges::sort(prefixes);
  const auto twice = std::ranges::unique(prefixes);
  prefixes.erase(twice.begin(), twice.end());
  return prefixes;
}

bool is_for_engine(const RunningLink& running) { return running.set_up_by == name(LinkOwner::engine); }

std::uint16_t mtu_of(const RunningLink& running, const WgConfig& config, std::span<const Endpoint> endpoints) {
  if (!is_for_engine(running)) return choose_mtu(running.wanted_mtu, config, endpoints);
  const std::uint16_t most = running.wanted_mtu.value_or(std::numeric_limits<std::uint16_t>::max());
  return std::min(most, choose_mtu({}, config, endpoints));
}

/// The settings that differ, by their names in the configuration.
std::vector<std::string> differences(const RunningLink& running, const WgConfig& config, std::uint16_t mtu) {
  std::vector<Prefix> allowed_ips;
  for (const PeerConfig& peer : config.peers)
    for (const Prefix& prefix : peer.allowed_ips) allowed_ips.push_back(prefix.masked());
  std::vector<std::string> names;
  if (sorted(running.status.addresses) != sorted(config.addresses)) names.emplace_back("Address");
  if (running.status.mtu != mtu) names.emplace_back("MTU");
  if (running.status.table != table_name(config)) names.emplace_back("Table");
  if (config.table != RouteTable::off && sorted(running.allowed_ips) != sorted(allowed_ips))
    names.emplace_back("the routes of AllowedIPs");
  return names;
}

Result<std::vector<std::string>> follow(const RunningTunnel& tunnel, const RunningLink& running, const WgConfig& config,
                                        LinkPlan plan, Attachment& attachment) {
  const uapi::LinkStatus wanted{.mtu = plan.mtu, .addresses = plan.addresses, .table = table_name(config)};
  uapi::LinkStatus both = running.status;
  both.addresses.insert(both.addresses.end(), plan.addresses.begin(), plan.addresses.end());
  both.addresses = sorted(std::move(both.addresses));
  plan.retired_addresses = running.status.addresses;
  // If this process ends in the middle, the next reload still knows every address that may be there.
  TRY(send_link(tunnel, both));
  for (const std::string& warning : TRY(attachment.finish(plan))) log::warning("{}: {}", tunnel.name, warning);
  TRY(send_link(tunnel, wanted));
  return attachment.changes();
}

Result<Attachment> begin(const RunningTunnel& tunnel, std::optional<UniqueFd>& tun) {
  tun = TRY(ask_for_tun(tunnel));
  AttachRequest request;
  request.tun_fd = tun->get();
  return Attachment::begin(request);
}

}  // namespace

std::string table_name(const WgConfig& config) {
  switch (config.table) {
    case RouteTable::off:
      return "off";
    case RouteTable::automatic:
      return "auto";
    case RouteTable::number:
      break;
  }
  return std::to_string(config.table_number);
}

std::string dns_text(const WgConfig& config) {
  std::string text;
  const auto add = [&text](const std::string& word) { text.append(text.empty() ? "" : ", ").append(word); };
  for (const IpAddress& server : config.dns_servers) add(server.to_string());
  for (const std::string& domain : config.dns_search) add(domain);
  return text;
}

RunningLink read_link(const OwnStatus& own, const uapi::StatusReader& status) {
  RunningLink link;
  for (const auto& [key, value] : own) {
    if (key == "mtu") link.status.mtu = parse_mtu(value).value_or(0);
    if (key == "address") link.status.addresses = parse_prefixes(value);
    if (key == "table") link.status.table = value;
    if (key == "wanted_mtu") link.wanted_mtu = parse_mtu(value);
    if (key == "dns") link.dns = value;
    if (key == "dns_used") link.uses_dns = value == "yes";
    if (key == "link_set_up_by") link.set_up_by = value;
  }
  for (const PeerStatus& peer : status.peers)
    link.allowed_ips.insert(link.allowed_ips.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
  return link;
}

Result<LinkReload> reload_link(const RunningTunnel& tunnel, const RunningLink& running, const WgConfig& config,
                               std::span<const Endpoint> endpoints) {
  LinkReload result;
  const std::uint16_t mtu = mtu_of(running, config, endpoints);
  bool is_done = false;
  if (running.set_up_by == name(LinkOwner::ours)) {
    std::optional<UniqueFd> tun;
    auto attachment = begin(tunnel, tun);
    if (attachment) {
      result.changes = TRY(follow(tunnel, running, config, make_link_plan(config, mtu), *attachment));
      is_done = true;
    } else {
      result.why = attachment.error().message();
    }
  } else if (is_for_engine(running)) {
    result.why = "an engine has set up the namespace around it";
  } else if (!running.set_up_by.empty()) {
    result.why = "it was started to leave its interface to others";
  }
  if (!is_done) result.left = differences(running, config, mtu);
  if (running.dns != dns_text(config)) {
    if (running.uses_dns)
      result.left.emplace_back("DNS");
    else if (!running.set_up_by.empty())
      log::warning("{}: DNS has changed in the file, but is left alone, as at the start", tunnel.name);
  }
  return result;
}

}  // namespace wg4
