// profile import

#include <expected>
#include <string>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/sys/log.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/whole_file.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/profile_users.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/profile_folder.h"
#include "wg4netns/profile/profile_name.h"
#include "wg4netns/profile/qr_picture.h"

namespace wg4 {
namespace {

/// The one that the user gives, or that of the file.
Result<std::string> choose_name(const ProfileImportCommand& command) {
  if (command.name) {
    TRY(check_new_profile_name(*command.name));
    return *command.name;
  }
  const std::string path = command.qr ? *command.qr : *command.file;
  // As a shell's <(command) is.
  if (path == "-" || path.starts_with("/dev/") || path.starts_with("/proc/"))
    return fail("the profile needs a name, and " + printable(path) + " gives none", 0, "Give it one with --name NAME");
  std::string name = profile_name_of(path, command.qr ? ".png" : ".conf");
  if (auto checked = check_new_profile_name(name); !checked) {
    checked.error().hint += ". Give it one with --name NAME";
    return std::unexpected(std::move(checked).error());
  }
  return name;
}

Result<ConfigText> read_source(const ProfileImportCommand& command) {
  if (command.qr) return read_qr_picture(*command.qr);
  if (*command.file == "-") return read_standard_input();
  return read_config_text(*command.file);
}

}  // namespace

Parsed<ProfileImportCommand> parse_profile_import(const Arguments& arguments) {
  ProfileImportCommand command;
  Parser parser("Keeps a configuration as a profile, if it is one that 'check' accepts.", arguments);
  parser.argument("FILE", command.file, "The wg-quick file; - is standard input").is_file();
  parser.option("--qr", "FILE", command.qr, "A PNG picture that has it as a QR code, instead").excludes("FILE");
  parser.option("--name", "NAME", command.name, "The profile's; default the file's, without .conf or .png");
  parser.flag("--replace", command.replace, "Replace the profile if there is one of that name");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  if (!command.file && !command.qr) return fail("FILE is required", 0, "See wireguard4netns profile import --help");
  return command;
}

Result<void> run_profile_import(const ProfileImportCommand& command) {
  const std::string name = TRY(choose_name(command));
  const ConfigText source = TRY(read_source(command));
  const WgConfig config = TRY(judge_text(source));
  for (const std::string& warning : config.warnings) log::warning("{}: {}", source.path, warning);
  const std::string folder = TRY(profiles_folder());
  {
    ProfileChange change = TRY(ProfileChange::begin(folder, IfMissing::make));
    TRY(change.write(name, source.text.view(), command.replace ? IfThere::replace : IfThere::fail));
  }
  const ProfileFile profile = TRY(find_profile(name));
  log::info("profile {}: {}", name, profile.path);
  if (command.replace) tell_users_of_change(profile);
  return {};
}

}  // namespace wg4
