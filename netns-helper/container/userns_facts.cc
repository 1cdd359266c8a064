#include "netns-helper/container/userns_facts.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "shared/base/escaped_text.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/program_file.h"

namespace wg4::container {
namespace {

constexpr const char* look_at_the_log =
    "A security module or the rules of a container refuse it, and the kernel's log may say which (dmesg, or journalctl "
    "-k). Outside of containers, and for a program that AppArmor and SELinux do not confine, it should work";

/// The first line of a file of /proc.
std::string first_line(const std::string& path, const std::string& if_none) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty()) return if_none;
  if (line.back() == '\0') line.pop_back();  // AppArmor's and SELinux' end so
  return printable(line);
}

std::string describe(const PrivilegedProgram& program, const char* name) {
  if (program.path.empty()) return fmt::format("  {}: not in $PATH\n", name);
  return fmt::format("  {}: mode {:04o}, owner uid {}{}{}\n", printable(program.path), program.mode, program.owner,
                     program.has_capabilities ? ", with capabilities" : "",
                     program.on_nosuid ? ", on a mount with nosuid" : "");
}

std::string describe(const SubIdLines& file, const std::string& user) {
  if (file.lines.empty()) return fmt::format("  {}: no line of user {}\n", file.path, user);
  std::string text;
  for (const std::string& line : file.lines) text += fmt::format("  {}: {}\n", file.path, printable(line));
  return text;
}

std::string why_refused(int number) {
  switch (number) {
    case ENOSPC:
      return "The limit user.max_user_namespaces is used up, here or in a user namespace around this one. Raise it, or "
             "end programs that have such namespaces";
    case EUSERS:
      return "User namespaces are nested too deeply: start it further outside";
    case EINVAL:
    case ENOSYS:
      return "This kernel has no user namespaces: it needs CONFIG_USER_NS";
    case EPERM:
      return std::string("It is refused in a chroot, and to a user without a number in the user namespace. Else: ") +
             look_at_the_log;
    default:
      return look_at_the_log;
  }
}

}  // namespace

std::string userns_facts(const SubIdSetup& setup, const HostFolders& folders) {
  std::string text;
  for (const char* name : {"user/max_user_namespaces", "kernel/unprivileged_userns_clone",
                           "kernel/apparmor_restrict_unprivileged_userns"}) {
    std::string dotted = name;
    dotted[dotted.find('/')] = '.';
    text += fmt::format("  {}: {}\n", dotted, first_line(folders.proc + "/sys/" + name, "this kernel has none"));
  }
  text +=
      fmt::format("  security label of this process: {}\n", first_line(folders.proc + "/self/attr/current", "none"));
  text += fmt::format("  no_new_privs of this process: {}\n", setup.no_new_privs ? "yes" : "no");
  text += describe(setup.newuidmap, "newuidmap") + describe(setup.newgidmap, "newgidmap");
  text += describe(setup.uids, setup.user) + describe(setup.gids, setup.user);
  return text;
}

std::string next_step(const SubIdSetup& setup, const IdPlan& plan, const HostFolders& folders) {
  if (std::string why = userns_restriction(folders.proc + "/sys"); !why.empty()) return why;
  const auto fault = plan.sub_ids ? fault_of(setup) : std::nullopt;
  return fault ? fault->message() : look_at_the_log;
}

Error userns_refused(int number, const HostFolders& folders) {
  std::string why = userns_restriction(folders.proc + "/sys");
  if (why.empty()) why = why_refused(number);
  return {.what = fmt::format("make a user namespace: {}\nThis host:\n{}Next step: {}", std::strerror(number),
                              userns_facts(look_at_sub_ids(folders.etc), folders), why),
          .number = 0,
          .hint = {}};
}

}  // namespace wg4::container
