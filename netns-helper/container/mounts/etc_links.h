#pragma once
// An /etc whose entries lead to those of the host's /etc, which is seen at /etc/.host/etc.
//
//   /etc/.host/etc             the host's folder, read-only
//   /etc/.host/usr, ...        links to /usr, ...: "../../usr" means the same in a folder of the host's /etc as there
//   /etc/localtime             a link, if it is one on the host, with the same text
//   /etc/passwd, ...           else a link to .host/etc/passwd
//   /etc/mtab                  a link to the mounts of the process that reads it

#include <string>

#include "shared/base/result.h"

namespace wg4::container {

inline const std::string hidden_folder = ".host";  ///< in /etc
inline const std::string host_etc = ".host/etc";

/// Makes the hidden folder and its links, and mtab, in the open folder `etc`. On host_etc, an empty folder, the host's
/// is mounted.
[[nodiscard]] Result<void> make_hidden_folder(int etc);

/// Makes the link /etc/NAME in an open folder `etc`.
[[nodiscard]] Result<void> make_etc_link(int etc, const std::string& text, const std::string& name);

/// What the link is to say for an entry of the host's folder, an open folder as well. ENOENT if it has just gone.
[[nodiscard]] Result<std::string> text_for_entry(int host, const std::string& name);

}  // namespace wg4::container
