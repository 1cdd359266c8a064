#include "wg4netns/doctor/tunnels.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "wg4netns/commands/registered.h"
#include "wg4netns/supervise/registry.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4::doctor {
namespace {

constexpr const char* check_name = "tunnel";

std::string value_of(const OwnStatus& own, std::string_view key) {
  const auto found = std::ranges::find(own, key, &OwnStatus::value_type::first);
  return found == own.end() ? "" : found->second;
}

CheckResult check_log(const show::Tunnel& tunnel) {
  const std::string place = value_of(tunnel.own, "log");
  const Verdict verdict = place.starts_with("nowhere") ? Verdict::note : Verdict::ok;
  return {check_name, verdict,
          tunnel.name + ": process " + value_of(tunnel.own, "pid") + ", " + value_of(tunnel.own, "config") +
              "; what it says goes to " + place,
          "All of it: wireguard4netns show " + tunnel.name};
}

}  // namespace

std::vector<show::Tunnel> find_running_tunnels() {
  std::vector<show::Tunnel> tunnels;
  const auto registered = registry::find_running();
  for (const RunningTunnel& each : find_tunnels()) {
    auto status = ask_status(each);
    auto own = ask_registered_status(each, registered);
    // Other programs have such sockets, too.
    if (status && !own.empty()) tunnels.push_back({each.name, *std::move(status), std::move(own)});
  }
  return tunnels;
}

Report check_tunnels(const std::vector<show::Tunnel>& tunnels) {
  Report report;
  for (const show::Tunnel& tunnel : tunnels) {
    report.push_back(check_log(tunnel));
    for (const auto& [key, value] : tunnel.own) {
      if (key == "warning") report.push_back({check_name, Verdict::note, tunnel.name + " at its start: " + value, ""});
      if (key == "diagnosis") report.push_back({check_name, Verdict::problem, tunnel.name + ": peer " + value, ""});
    }
  }
  return report;
}

bool has_tunnel(const std::vector<show::Tunnel>& tunnels, const PrivateKey& key) {
  return std::ranges::any_of(
      tunnels, [&key](const show::Tunnel& tunnel) { return tunnel.status.interface.private_key.equals(key); });
}

}  // namespace wg4::doctor
