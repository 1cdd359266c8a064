#include "wg4netns/desktop/tunnelled_entry.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <span>
#include <utility>

#include "shared/base/escaped_text.h"
#include "wg4netns/desktop/handover.h"

namespace wg4::desktop {
namespace {

constexpr const char* application_key = "X-Wireguard4netns-Application";
constexpr const char* profile_key = "X-Wireguard4netns-Profile";

// MimeType makes it a handler of files and links, Implements offers it to D-Bus, NoDisplay keeps it out of menus.
constexpr std::array<std::string_view, 3> removed_keys{"MimeType", "Implements", "NoDisplay"};

bool is(const std::string* value, std::string_view what) { return value != nullptr && *value == what; }

std::string value_or_empty(const std::string* value) { return value == nullptr ? "" : unescaped_value(*value); }

Result<void> expect_application(const EntryGroup& main, const std::string& id) {
  if (!is(main.find("Type"), "Application")) return fail(id + " is no application");
  if (is(main.find("Hidden"), "true")) return fail(id + " is marked as deleted (Hidden=true)");
  if (main.find(application_key) != nullptr)
    return fail(id + " is an entry that was made by wireguard4netns desktop add", 0,
                "Name the application itself: " + value_or_empty(main.find(application_key)));
  return {};
}

/// An error for an application that needs a service outside of the tunnel to start or to resolve names.
Result<void> expect_own_process(const EntryGroup& main, const std::string& id, std::span<const std::string> words) {
  const std::string_view program = program_word(words);
  if (main.find("X-SnapInstanceName") != nullptr || program.starts_with("/snap/") ||
      program.starts_with("/var/lib/snapd/") || base_name(program) == "snap")
    return fail(id + " is a snap, which a service starts outside of the tunnel", 0,
                "Install the application in another way, for example as a package of the distribution");
  if (main.find("X-Flatpak") != nullptr || base_name(program) == "flatpak")
    return fail(id + " is a Flatpak, whose names are resolved with the help of a service outside of the tunnel", 0,
                "Install the application in another way, for example as a package of the distribution");
  return {};
}

Result<void> put_before_exec(EntryGroup& group, const std::string& id, const std::string& prefix) {
  const std::string* exec = group.find("Exec");
  const auto words = exec_words(*exec);
  if (!words) return fail_in(id + ": [" + printable(group.name) + "]", words.error());
  if (words->empty()) return fail(id + ": [" + printable(group.name) + "] has an empty Exec");
  group.set("Exec", prefix + " " + *exec);
  return {};
}

/// An action without a command is one that D-Bus is asked for.
void remove_actions_without_exec(DesktopEntry& entry) {
  std::string left;
  const std::string listed = value_or_empty(entry.main().find("Actions"));
  for (std::size_t at = 0; at < listed.size();) {
    const std::size_t end = std::min(listed.find(';', at), listed.size());
    const std::string action = listed.substr(at, end - at);
    at = end + 1;
    const std::string group = std::string(DesktopEntry::action_prefix) + action;
    const auto found = std::ranges::find(entry.groups(), group, &EntryGroup::name);
    if (found == entry.groups().end()) continue;
    if (found->find("Exec") != nullptr)
      left += action + ";";
    else
      entry.groups().erase(found);
  }
  if (left.empty())
    entry.main().remove("Actions");
  else
    entry.main().set("Actions", escaped_value(left));
}

void rename(EntryGroup& main, const std::string& profile) {
  for (EntryLine& line : main.lines)
    if (line.key == "Name" || line.key.starts_with("Name[")) line.value += " (" + escaped_value(profile) + ")";
}

}  // namespace

Result<DesktopEntry> put_in_tunnel(DesktopEntry entry, const Tunnelled& wanted) {
  const std::string id = printable(wanted.application);
  TRY(expect_application(entry.main(), id));
  const std::string* exec = entry.main().find("Exec");
  if (exec == nullptr)
    return fail(id + " has no Exec: only D-Bus can start it, which does so outside of the tunnel", 0,
                "Start its program yourself: wireguard4netns run " + wanted.profile + " -- PROGRAM");
  auto words = exec_words(*exec);
  if (!words) return fail_in(id, std::move(words).error());
  TRY(expect_own_process(entry.main(), id, *words));
  const std::string prefix = to_exec(wanted.command);
  for (EntryGroup& group : entry.groups())
    if (group.find("Exec") != nullptr) TRY(put_before_exec(group, id, prefix));
  remove_actions_without_exec(entry);
  EntryGroup& main = entry.main();
  rename(main, wanted.profile);
  for (const std::string_view key : removed_keys) main.remove(key);
  main.set("DBusActivatable", "false");
  main.set(application_key, escaped_value(wanted.application));
  main.set(profile_key, escaped_value(wanted.profile));
  return entry;
}

std::optional<Mark> mark_of(const DesktopEntry& entry) {
  const std::string* application = entry.main().find(application_key);
  const std::string* profile = entry.main().find(profile_key);
  if (application == nullptr || profile == nullptr) return std::nullopt;
  return Mark{unescaped_value(*application), unescaped_value(*profile)};
}

std::string file_name(const Mark& mark) {
  std::string profile = mark.profile;
  std::ranges::replace(profile, '/', '-');
  return "wireguard4netns-" + profile + "-" + mark.application;
}

}  // namespace wg4::desktop
