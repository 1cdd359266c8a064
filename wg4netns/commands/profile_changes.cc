// profile delete, profile rename

#include <string>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/sys/log.h"
#include "shared/sys/own_folder.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/profile_users.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/profile_folder.h"
#include "wg4netns/profile/profile_name.h"

namespace wg4 {

Parsed<ProfileDeleteCommand> parse_profile_delete(const Arguments& arguments) {
  ProfileDeleteCommand command;
  Parser parser("Removes a profile, unless a tunnel runs with it.", arguments);
  parser.argument("NAME", command.name, "The profile").required().is_profile();
  parser.flag("--force", command.force, "Even if a tunnel runs with it");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_profile_delete(const ProfileDeleteCommand& command) {
  const ProfileFile profile = TRY(find_profile_entry(command.name));
  const std::string folder = TRY(profiles_folder());
  ProfileChange change = TRY(ProfileChange::begin(folder, IfMissing::fail));
  TRY(expect_unused(command.name, profile, "delete", command.force));
  TRY(change.remove(command.name));
  log::info("profile {} is deleted", printable(command.name));
  return {};
}

Parsed<ProfileRenameCommand> parse_profile_rename(const Arguments& arguments) {
  ProfileRenameCommand command;
  Parser parser("Gives a profile another name, unless a tunnel runs with it.", arguments);
  parser.argument("OLD", command.name, "The profile").required().is_profile();
  parser.argument("NEW", command.to, "Its new name").required();
  parser.flag("--force", command.force, "Even if a tunnel runs with it");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_profile_rename(const ProfileRenameCommand& command) {
  const ProfileFile profile = TRY(find_profile_entry(command.name));
  TRY(check_new_profile_name(command.to));
  const std::string folder = TRY(profiles_folder());
  ProfileChange change = TRY(ProfileChange::begin(folder, IfMissing::fail));
  TRY(expect_unused(command.name, profile, "rename", command.force));
  TRY(change.rename(command.name, command.to));
  log::info("profile {} is called {} now", printable(command.name), command.to);
  return {};
}

}  // namespace wg4
