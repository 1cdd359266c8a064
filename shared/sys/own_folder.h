#pragma once
// Folders in which programs of one user meet, and nobody else can put anything.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// The folder of this project in each of them.
inline constexpr const char* project_folder = "wireguard4netns";

/// Where to make such folders, the best place first: /run for the host's root, and $XDG_RUNTIME_DIR. May be empty.
[[nodiscard]] std::vector<std::string> runtime_folders();

enum class IfMissing : std::uint8_t { make, fail };

/// The folder `name` in `parent`, which is called `parent_path` in errors: a directory of this user's that nobody else
/// can write to, and no symbolic link. `parent` belongs to this user, or is like /tmp.
[[nodiscard]] Result<UniqueFd> open_own_folder(int parent, const std::string& parent_path, const std::string& name,
                                               IfMissing if_missing);
[[nodiscard]] Result<UniqueFd> open_own_folder(const std::string& parent, const std::string& name,
                                               IfMissing if_missing);

/// What users other than this one may do in a folder.
enum class OthersMay : std::uint8_t { read, do_nothing };

/// Makes (mode 0700), opens and locks (flock(2)) a folder of sockets: two programs must not replace the socket of a
/// dead one at the same time. Fails if the folder is another user's, or lets others do more than `others`.
[[nodiscard]] Result<UniqueFd> lock_own_folder(const std::string& path, OthersMay others);

/// Is what is open of this kind (S_IFREG), this user's, and closed to the writing of others? Errors call it `name`.
[[nodiscard]] Result<void> expect_own(int fd, const std::string& name, mode_t kind);

}  // namespace wg4
