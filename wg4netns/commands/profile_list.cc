// profile list, profile show

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/config/wg_config.h"
#include "shared/config/wg_text.h"
#include "shared/net/prefix.h"
#include "shared/sys/log.h"
#include "shared/sys/service_port.h"
#include "shared/sys/whole_file.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/json_string.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/profile_users.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/profile_folder.h"
#include "wg4netns/supervise/registry.h"

namespace wg4 {
namespace {

/// A row of the list.
struct Row {
  std::string name;
  std::string path;
  std::string error;  ///< of a file that is no good configuration; what comes below is empty then
  std::vector<std::string> endpoints;
  std::vector<std::string> addresses;
  std::vector<std::string> warnings;
  std::vector<registry::Running> tunnels;
};

Row row_of(const std::string& name, const std::string& folder, const std::vector<registry::Running>& running) {
  Row row;
  row.name = name;
  row.path = folder + "/" + name + ".conf";
  const auto profile = find_profile(name);
  if (!profile) {
    row.error = profile.error().message();
    return row;
  }
  row.tunnels = tunnels_with(*profile, running);
  const auto config = read_config(profile->path);
  if (!config) {
    // Without the path: the row already has the profile's name.
    const std::string message = config.error().message();
    row.error = message.starts_with(profile->path + ": ") ? message.substr(profile->path.size() + 2) : message;
    return row;
  }
  for (const PeerConfig& peer : config->peers)
    if (peer.endpoint) row.endpoints.push_back(to_string(*peer.endpoint));
  for (const Prefix& address : config->addresses) row.addresses.push_back(address.to_string());
  row.warnings = config->warnings;
  return row;
}

// ---------------------------------------------------------------- for people

/// The first few, in one column.
std::string few(const std::vector<std::string>& items) {
  constexpr std::size_t shown = 3;
  if (items.empty()) return "-";
  std::string text;
  for (const std::string& item : items | std::views::take(shown)) text.append(text.empty() ? "" : ", ").append(item);
  return items.size() <= shown ? text : fmt::format("{} and {} more", text, items.size() - shown);
}

std::string tunnels_of(const Row& row) {
  std::vector<std::string> names;
  names.reserve(row.tunnels.size());
  for (const registry::Running& tunnel : row.tunnels) names.push_back(printable(tunnel.entry.name));
  return few(names);
}

std::string table(const std::vector<Row>& rows) {
  std::vector<std::array<std::string, 4>> cells = {{"PROFILE", "TUNNEL", "ADDRESS", "ENDPOINT"}};
  std::array<std::size_t, 4> widths{};
  for (const Row& row : rows) {
    const bool good = row.error.empty();
    cells.push_back({printable(row.name), tunnels_of(row), good ? few(row.addresses) : "",
                     good ? few(row.endpoints) : "error: " + printable(row.error)});
  }
  for (const auto& row : cells)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : cells) {
    // An error takes the place of what the file would have said.
    const bool is_error = row[2].empty();
    text += fmt::format("{:<{}}  {:<{}}  ", row[0], widths[0], row[1], widths[1]);
    if (!is_error) text += fmt::format("{:<{}}  ", row[2], widths[2]);
    text += row[3] + "\n";
  }
  return text;
}

// ---------------------------------------------------------------- for programs

std::string json_list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text.append(text.empty() ? "" : ", ").append(json_string(item));
  return "[" + text + "]";
}

std::string json_of(const Row& row) {
  std::vector<std::string> tunnels;
  tunnels.reserve(row.tunnels.size());
  for (const registry::Running& tunnel : row.tunnels)
    tunnels.push_back(fmt::format(R"({{"name": {}, "pid": {}}})", json_string(tunnel.entry.name), tunnel.pid));
  return fmt::format(
      R"({{"name": {}, "path": {}, "error": {}, "endpoints": {}, "addresses": {}, "warnings": {}, "tunnels": [{}]}})",
      json_string(row.name), json_string(row.path), row.error.empty() ? "null" : json_string(row.error),
      json_list(row.endpoints), json_list(row.addresses), json_list(row.warnings), fmt::join(tunnels, ", "));
}

std::string json(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) text.append(text.empty() ? "\n  " : ",\n  ").append(json_of(row));
  return "[" + text + (rows.empty() ? "]\n" : "\n]\n");
}

bool keys_are_shown() {
  const char* hide = std::getenv("WG_HIDE_KEYS");
  return hide != nullptr && std::string_view(hide) == "never";
}

}  // namespace

Parsed<ProfileListCommand> parse_profile_list(const Arguments& arguments) {
  ProfileListCommand command;
  Parser parser("Lists the profiles: which tunnel runs with each, its addresses, where its peers are.", arguments);
  parser.flag("--json", command.json, "As JSON, with all addresses and warnings");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_profile_list(const ProfileListCommand& command) {
  const std::string folder = TRY(profiles_folder());
  tidy_up_profiles(folder);
  const auto names = TRY(profile_names(folder));
  const auto running = find_running_or_warn();
  std::vector<Row> rows;
  rows.reserve(names.size());
  for (const std::string& name : names) rows.push_back(row_of(name, folder, running));
  if (command.json) return print({json(rows)});
  if (!rows.empty()) return print({table(rows)});
  log::info("there is no profile in {}: 'wireguard4netns profile import FILE' makes one of a wg-quick file", folder);
  return {};
}

Parsed<ProfileShowCommand> parse_profile_show(const Arguments& arguments) {
  ProfileShowCommand command;
  Parser parser("Prints a profile's settings. Keys are hidden, unless WG_HIDE_KEYS=never.", arguments);
  parser.argument("NAME", command.name, "The profile").required().is_profile();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_profile_show(const ProfileShowCommand& command) {
  const ProfileFile profile = TRY(find_profile(command.name));
  const ConfigText text = TRY(read_config_text(profile.path));
  // As it was written; judging takes away what has no effect.
  const auto config = WgConfig::parse(text.text.view(), service_port);
  if (!config) return fail_in(profile.path, config.error());
  const SecretText shown = to_wg_quick(*config, keys_are_shown() ? Keys::shown : Keys::hidden);
  TRY(write_all(STDOUT_FILENO, shown.view()));
  const WgConfig judged = TRY(judge_text(text));
  for (const std::string& warning : judged.warnings) log::warning("{}: {}", profile.path, warning);
  return {};
}

}  // namespace wg4
