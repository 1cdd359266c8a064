#include "wg4netns/commands/profile_command.h"

#include <array>
#include <string>

#include "wg4netns/commands/cli_group.h"

namespace wg4 {
namespace {

constexpr auto commands = std::to_array<CommandEntry>({
    {"profile import", "keep a wg-quick file, or a QR code, as a profile",
     prepare<parse_profile_import, run_profile_import>},
    {"profile list", "say which there are, and which tunnels use them", prepare<parse_profile_list, run_profile_list>},
    {"profile show", "print one without its keys", prepare<parse_profile_show, run_profile_show>},
    {"profile edit", "change one in an editor", prepare<parse_profile_edit, run_profile_edit>},
    {"profile delete", "remove one", prepare<parse_profile_delete, run_profile_delete>},
    {"profile export", "write one to a file, or as a QR code for a phone",
     prepare<parse_profile_export, run_profile_export>},
    {"profile rename", "give one another name", prepare<parse_profile_rename, run_profile_rename>},
});

}  // namespace

Result<Task> prepare_profile(const Arguments& arguments) {
  return prepare_group(
      "Keeps configurations by name, as ~/.config/wireguard4netns/profiles/NAME.conf: see --profile NAME.", commands,
      arguments);
}

}  // namespace wg4
