#pragma once
// Where desktop entries are: XDG_DATA_HOME and XDG_DATA_DIRS (freedesktop.org's Base Directory Specification).

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/desktop/desktop_entry.h"
#include "wg4netns/desktop/tunnelled_entry.h"

namespace wg4 {

struct FoundEntry {
  std::string id;  ///< "org.mozilla.firefox.desktop"
  std::string path;
};

/// The folder of the user's own entries.
[[nodiscard]] Result<std::string> own_applications();

/// An application by its id, with or without ".desktop". An error names ids that are like it.
[[nodiscard]] Result<FoundEntry> find_application(const std::string& id);

[[nodiscard]] Result<desktop::DesktopEntry> read_entry(const std::string& path);

/// Those that were made by `desktop add`, in order of their names.
struct OwnEntry {
  desktop::Mark mark;
  std::string path;
};
[[nodiscard]] Result<std::vector<OwnEntry>> find_own_entries();

/// Writes the file whole, or not at all; makes the folder if it is missing. A file of that name is replaced only if it
/// is an entry of ours.
[[nodiscard]] Result<void> write_entry(const std::string& folder, const std::string& name, const std::string& text);

}  // namespace wg4
