#pragma once
// Files that are there whole or not at all, whenever the process or the machine stops: written under another name,
// brought to the disk, and renamed.

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

/// What to do if there is a file of that name already.
enum class IfThere : std::uint8_t { fail, replace };

/// Writes the file `name` in `folder`, for this user alone (0600). An error leaves nothing behind, nor changes what was
/// there; its `number` is EEXIST if a file is there and was not to be replaced. `folder` is not O_PATH.
[[nodiscard]] Result<void> write_whole_file(int folder, const std::string& name, std::string_view text,
                                            IfThere if_there);

/// Renames a file in `folder`; EEXIST if there is one that is called `to`.
[[nodiscard]] Result<void> rename_to_new(int folder, const std::string& name, const std::string& to);

/// Is this the name of a file that write_whole_file() has not finished? If no process is writing now, it was left by
/// one that was killed.
[[nodiscard]] bool is_unfinished(std::string_view name);

[[nodiscard]] Result<void> write_all(int fd, std::string_view text);

}  // namespace wg4
