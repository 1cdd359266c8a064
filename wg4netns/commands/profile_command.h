#pragma once
// wireguard4netns profile import|list|show|edit|delete|export|rename: the user's configurations, kept by name.

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// profile import FILE|-, or profile import --qr FILE
struct ProfileImportCommand {
  std::optional<std::string> file;
  std::optional<std::string> qr;
  std::optional<std::string> name;
  bool replace = false;
};
[[nodiscard]] Parsed<ProfileImportCommand> parse_profile_import(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_import(const ProfileImportCommand& command);

/// profile list
struct ProfileListCommand {
  bool json = false;
};
[[nodiscard]] Parsed<ProfileListCommand> parse_profile_list(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_list(const ProfileListCommand& command);

/// profile show NAME
struct ProfileShowCommand {
  std::string name;
};
[[nodiscard]] Parsed<ProfileShowCommand> parse_profile_show(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_show(const ProfileShowCommand& command);

/// profile edit NAME
struct ProfileEditCommand {
  std::string name;
};
[[nodiscard]] Parsed<ProfileEditCommand> parse_profile_edit(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_edit(const ProfileEditCommand& command);

/// profile delete NAME
struct ProfileDeleteCommand {
  std::string name;
  bool force = false;
};
[[nodiscard]] Parsed<ProfileDeleteCommand> parse_profile_delete(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_delete(const ProfileDeleteCommand& command);

/// profile export NAME [FILE|-]
struct ProfileExportCommand {
  std::string name;
  std::string file = "-";
  bool qr = false;
  bool force = false;
  bool replace = false;
};
[[nodiscard]] Parsed<ProfileExportCommand> parse_profile_export(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_export(const ProfileExportCommand& command);

/// profile rename OLD NEW
struct ProfileRenameCommand {
  std::string name;
  std::string to;
  bool force = false;
};
[[nodiscard]] Parsed<ProfileRenameCommand> parse_profile_rename(const Arguments& arguments);
[[nodiscard]] Result<void> run_profile_rename(const ProfileRenameCommand& command);

/// A row's `prepare`: one of these.
[[nodiscard]] Result<Task> prepare_profile(const Arguments& arguments);

}  // namespace wg4
