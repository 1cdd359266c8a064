// profile edit

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
#include "wg4netns/commands/editor.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/profile_users.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/profile_folder.h"

namespace wg4 {
namespace {

constexpr const char* question =
    "Edit it again (e), drop what you changed (d), or keep that in a file beside it (k)? [e] ";

Result<ProfileCopy> copy_for_editor(const std::string& name, const ConfigText& text) {
  const std::string folder = TRY(profiles_folder());
  ProfileChange change = TRY(ProfileChange::begin(folder, IfMissing::fail));
  return change.begin_edit(name, text.text.view());
}

/// The copy, checked, takes the profile's place; false if nothing was changed in it.
Result<bool> take_over(const ProfileCopy& copy, const ProfileFile& profile, const ConfigText& before) {
  ConfigText after = TRY(read_config_text(copy.path(), NamedBy::untrusted));
  after.path = "what you wrote";  // for messages: the user does not know the copy's path
  after.open_to_all = false;      // an editor may make it so, but the folder around it is closed
  if (after.text.view() == before.text.view()) return false;
  const WgConfig config = TRY(judge_text(after));
  for (const std::string& warning : config.warnings) log::warning("{}: {}", profile.path, warning);
  const std::string folder = TRY(profiles_folder());
  ProfileChange change = TRY(ProfileChange::begin(folder, IfMissing::fail));
  const ConfigText now = TRY(read_config_text(profile.path));
  if (now.text.view() != before.text.view())
    return fail("profile '" + printable(copy.name()) + "' was changed by another program meanwhile");
  TRY(change.write(copy.name(), after.text.view(), IfThere::replace, &copy));
  return true;
}

/// What becomes of a copy that was not taken over; nothing if the user wants to edit it again.
Result<void> decide(ProfileCopy& copy, Error error, Editor& editor) {
  const std::string outcome = "profile '" + printable(copy.name()) + "' stays as it was";
  if (!editor.can_ask()) return fail_in(outcome, std::move(error));
  log::error("{}", error.message());
  const char answer = editor.ask(question, "ekd");
  if (answer == 'e') return {};
  if (answer == 'd') return fail(outcome);
  return fail(outcome + "; what you wrote, with its keys, is in " + TRY(copy.keep()));
}

void report(const std::string& name, const ProfileFile& profile, bool changed) {
  log::info("profile {} is {}", printable(name), changed ? "changed" : "as it was: nothing was changed in the editor");
  if (changed) tell_users_of_change(profile);
}

}  // namespace

Parsed<ProfileEditCommand> parse_profile_edit(const Arguments& arguments) {
  ProfileEditCommand command;
  Parser parser("Opens a copy of a profile in $VISUAL or $EDITOR. It takes the profile's place if 'check' accepts it.",
                arguments);
  parser.argument("NAME", command.name, "The profile").required().is_profile();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_profile_edit(const ProfileEditCommand& command) {
  const ProfileFile profile = TRY(find_profile(command.name));
  if (profile.is_link)
    return fail("profile '" + printable(command.name) + "' is a symbolic link to another", 0,
                "Edit that one; ls -l " + profile.path + " says which it is");
  const ConfigText before = TRY(read_config_text(profile.path));
  Editor editor = TRY(Editor::create());
  ProfileCopy copy = TRY(copy_for_editor(command.name, before));
  for (;;) {
    auto edited = editor.run(copy.path());
    auto changed = edited ? take_over(copy, profile, before) : std::unexpected(std::move(edited).error());
    if (changed) {
      report(command.name, profile, *changed);
      return {};
    }
    TRY(decide(copy, std::move(changed).error(), editor));
  }
}

}  // namespace wg4
