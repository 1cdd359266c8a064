#include "wg4netns/commands/desktop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/base/escaped_text.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/cli_group.h"
#include "wg4netns/commands/desktop_files.h"
#include "wg4netns/commands/json_string.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/desktop/desktop_entry.h"
#include "wg4netns/desktop/handover.h"
#include "wg4netns/desktop/tunnelled_entry.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {
namespace {

constexpr auto commands = std::to_array<CommandEntry>({
    {"desktop add", "put an application in the menu that starts in a tunnel",
     prepare<parse_desktop_add, run_desktop_add>},
    {"desktop remove", "take it out again", prepare<parse_desktop_remove, run_desktop_remove>},
    {"desktop list", "say which there are", prepare<parse_desktop_list, run_desktop_list>},
});

/// What the menu starts: the session's PATH may be another one than this shell's.
Result<std::string> own_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("find the file of this program", error.value());
  return path.string();
}

bool is_file(const std::string& source) { return source.contains('/') || source.ends_with(".conf"); }

/// "work", also of a file work.conf.
std::string profile_name(const std::string& source) {
  std::string name(desktop::base_name(source));
  if (is_file(source) && name.ends_with(".conf")) name.resize(name.rfind('.'));
  return name;
}

/// The profile's name, or the absolute path of a file, since a menu starts programs in another folder.
Result<std::string> checked_source(const std::string& source) {
  const bool file = is_file(source);
  const std::string path =
      TRY(locate_config(file ? std::optional(source) : std::nullopt, file ? std::nullopt : std::optional(source)));
  static_cast<void>(TRY(read_config(path)));
  return file ? absolute_path(path) : source;
}

void warn_of_handover(const desktop::DesktopEntry& entry, const std::string& id) {
  const auto words = desktop::exec_words(*entry.main().find("Exec"));
  const auto* program = words ? desktop::hands_over(*words) : nullptr;
  if (program == nullptr) return;
  log::warning("if the program of {} runs outside of the tunnel already, a new one hands its work to it. {}", id,
               program->advice);
}

std::string with_suffix(const std::string& id) { return id.ends_with(".desktop") ? id : id + ".desktop"; }

std::string list_of(const std::vector<OwnEntry>& entries) {
  std::string text;
  for (const OwnEntry& entry : entries)
    text.append(text.empty() ? "" : ", ").append(printable(entry.mark.application + " " + entry.mark.profile));
  return text.empty() ? "There is none" : "There is: " + text;
}

}  // namespace

Parsed<DesktopAddCommand> parse_desktop_add(const Arguments& arguments) {
  DesktopAddCommand command;
  Parser parser("Adds a second entry for an application to the menu of the desktop, which starts it in a tunnel.",
                arguments);
  parser.argument("APP", command.application, "Name of its file in /usr/share/applications and the like: firefox")
      .required();
  parser.argument("PROFILE|FILE", command.source, "The configuration, as for run").required().is_file();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_desktop_add(const DesktopAddCommand& command) {
  const std::string source = TRY(checked_source(command.source));
  const FoundEntry found = TRY(find_application(command.application));
  const desktop::DesktopEntry original = TRY(read_entry(found.path));
  const desktop::Mark mark{found.id, profile_name(source)};
  const std::string program = TRY(own_program());
  const auto entry = TRY(desktop::put_in_tunnel(
      original, {.application = mark.application, .profile = mark.profile, .command = {program, "run", source, "--"}}));
  const std::string folder = TRY(own_applications());
  TRY(write_entry(folder, desktop::file_name(mark), entry.text()));
  warn_of_handover(original, found.id);
  return print({folder + "/" + desktop::file_name(mark) + "\n"});
}

Parsed<DesktopRemoveCommand> parse_desktop_remove(const Arguments& arguments) {
  DesktopRemoveCommand command;
  Parser parser("Takes an application out of the menu that desktop add has put there.", arguments);
  parser.argument("APP", command.application, "Its name, as for desktop add").required();
  parser.argument("PROFILE", command.profile, "That of this profile alone; default all of this application");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_desktop_remove(const DesktopRemoveCommand& command) {
  const std::vector<OwnEntry> all = TRY(find_own_entries());
  const std::string profile = profile_name(command.profile);
  bool found = false;
  for (const OwnEntry& entry : all) {
    const bool is_meant = entry.mark.application == with_suffix(command.application) &&
                          (profile.empty() || entry.mark.profile == profile);
    if (!is_meant) continue;
    found = true;
    if (unlink(entry.path.c_str()) != 0 && errno != ENOENT) return fail("remove " + entry.path, errno);
  }
  if (found) return {};
  return fail("desktop add has made no entry for " + command.application +
                  (profile.empty() ? "" : " and the profile " + profile),
              0, list_of(all));
}

Parsed<DesktopListCommand> parse_desktop_list(const Arguments& arguments) {
  DesktopListCommand command;
  Parser parser("Lists the applications that desktop add has put into the menu.", arguments);
  parser.flag("--json", command.json, "As JSON");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_desktop_list(const DesktopListCommand& command) {
  std::string text;
  for (const OwnEntry& entry : TRY(find_own_entries())) {
    if (command.json)
      text +=
          fmt::format(R"({}{{"application": {}, "profile": {}, "file": {}}})", text.empty() ? "" : ",\n ",
                      json_string(entry.mark.application), json_string(entry.mark.profile), json_string(entry.path));
    else
      text += fmt::format("{:<40} {}\n", printable(entry.mark.application), printable(entry.mark.profile));
  }
  return print({command.json ? "[" + text + "]\n" : text});
}

Result<Task> prepare_desktop(const Arguments& arguments) {
  return prepare_group("Puts applications into the menus of the desktop that start in a tunnel.", commands, arguments);
}

}  // namespace wg4
