#include "shared/sys/sub_ids.h"

#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace wg4 {
namespace {

/// A user's lines begin with the name or with the number.
SubIdLines read_lines(const std::string& path, const std::string& user, uid_t uid) {
  SubIdLines found{.path = path};
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(user + ":") || line.starts_with(std::to_string(uid) + ":")) found.lines.push_back(line);
  return found;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "WHO:FIRST:COUNT"
std::optional<IdRange> parse(std::string_view line) {
  const std::size_t before_first = line.find(':');
  const std::size_t before_count = line.rfind(':');
  if (before_first == std::string_view::npos || before_first == before_count) return std::nullopt;
  const auto first = number(line.substr(before_first + 1, before_count - before_first - 1));
  const auto count = number(line.substr(before_count + 1));
  if (!first || !count || *count == 0) return std::nullopt;
  return IdRange{*first, *count};
}

std::optional<Error> fault_of(const PrivilegedProgram& program, const char* name) {
  if (program.path.empty())
    return Error{std::string(name) + " is not installed", 0, "It is in the package uidmap or shadow-utils"};
  if ((program.mode & S_ISUID) != 0 && !program.is_privileged())
    return Error{
        program.path + " has the set-user-id bit, but belongs to uid " + std::to_string(program.owner) +
            " and not to root",
        0,
        "If this is a user namespace, it cannot work here: start wireguard4netns outside. Else, as root: chown root " +
            program.path + " && chmod u+s " + program.path};
  if (!program.is_privileged())
    return Error{program.path + " has neither the set-user-id bit nor capabilities", 0,
                 "As root: chmod u+s " + program.path};
  if (program.on_nosuid)
    return Error{program.path + " is on a mount with the option nosuid, so it gives no rights", 0,
                 "As root, mount it without nosuid"};
  return std::nullopt;
}

}  // namespace

std::vector<IdRange> SubIdLines::ranges() const {
  std::vector<IdRange> found;
  for (const std::string& line : lines)
    if (const auto range = parse(line)) found.push_back(*range);
  return found;
}

SubIdSetup look_at_sub_ids(const std::string& etc) {
  const uid_t uid = getuid();
  const passwd* entry = getpwuid(uid);
  SubIdSetup setup{.user = entry != nullptr ? entry->pw_name : std::to_string(uid)};
  setup.uids = read_lines(etc + "/subuid", setup.user, uid);
  setup.gids = read_lines(etc + "/subgid", setup.user, uid);
  setup.newuidmap = find_privileged_program("newuidmap");
  setup.newgidmap = find_privileged_program("newgidmap");
  setup.no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
  return setup;
}

std::optional<Error> fault_of(const SubIdSetup& setup) {
  for (const auto& [program, name] : {std::pair{&setup.newuidmap, "newuidmap"}, {&setup.newgidmap, "newgidmap"}})
    if (auto fault = fault_of(*program, name)) return fault;
  if (setup.no_new_privs)
    return Error{"this process has no_new_privs, so newuidmap gives no rights", 0,
                 "Start it outside of the container, sandbox or service (NoNewPrivileges=) that sets it"};
  for (const SubIdLines* file : {&setup.uids, &setup.gids})
    if (file->ranges().empty())
      return Error{"user " + setup.user + " has no range in " + file->path, 0,
                   "As root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + setup.user};
  return std::nullopt;
}

}  // namespace wg4
