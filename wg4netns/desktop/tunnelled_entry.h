#pragma once
// An application's desktop entry, rewritten so that it starts in a tunnel. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/desktop/desktop_entry.h"

namespace wg4::desktop {

/// What the new entry is to be.
struct Tunnelled {
  std::string application;           ///< id of the original: "org.mozilla.firefox.desktop"
  std::string profile;               ///< as people know it: its name, or a file's
  std::vector<std::string> command;  ///< that runs what follows it: wireguard4netns run PROFILE --
};

/// What marks an entry as made by `desktop add`: two keys of our own, with these values.
struct Mark {
  std::string application;
  std::string profile;
  friend bool operator==(const Mark&, const Mark&) = default;
};

/// The entry with the command before each Exec, for menus alone: started by D-Bus, or as the handler of a kind of file,
/// it would not be in the tunnel, or would be where nobody has asked for it. An error for an application that cannot be
/// started like that: a snap, a Flatpak, one that only D-Bus starts, and what is no application.
[[nodiscard]] Result<DesktopEntry> put_in_tunnel(DesktopEntry entry, const Tunnelled& wanted);

/// Nothing for an entry of somebody else's.
[[nodiscard]] std::optional<Mark> mark_of(const DesktopEntry& entry);

/// Name of the file: "wireguard4netns-PROFILE-firefox.desktop".
[[nodiscard]] std::string file_name(const Mark& mark);

}  // namespace wg4::desktop
