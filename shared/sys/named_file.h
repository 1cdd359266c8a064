#pragma once
// Opening what somebody else has named. A name may lead to a FIFO that nobody writes to, to a device, to a folder or,
// through a symbolic link, to another place: so what is there is looked at first (O_PATH), and opened only if it is
// what was expected. Nothing hangs then, and nothing happens in a device.

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Symbolic links on the way to a file.
enum class Links : std::uint8_t {
  none,    ///< an error
  inside,  ///< followed, as long as they stay below the folder
};

/// What is behind a name: it stays the same, whatever becomes of the name.
class NamedFile {
 public:
  /// Follows links. `name` is what errors call it: "configuration /etc/x.conf".
  [[nodiscard]] static Result<NamedFile> find(const std::string& path, std::string name);
  /// A relative path, which leads nowhere out of `folder`. ELOOP for a link that is not followed, EXDEV for a path that
  /// leaves the folder, ENOSYS where the kernel cannot tell (before Linux 5.6).
  [[nodiscard]] static Result<NamedFile> find_below(int folder, const std::string& path, Links links, std::string name);

  [[nodiscard]] bool is_regular() const { return S_ISREG(info_.st_mode); }
  [[nodiscard]] bool is_pipe() const { return S_ISFIFO(info_.st_mode); }
  [[nodiscard]] bool is_directory() const { return S_ISDIR(info_.st_mode); }
  [[nodiscard]] mode_t mode() const { return info_.st_mode; }
  [[nodiscard]] uid_t owner() const { return info_.st_uid; }
  [[nodiscard]] off_t size() const { return info_.st_size; }
  /// "a regular file", "a FIFO or pipe", "a device".
  [[nodiscard]] const char* kind() const;
  /// An error for everything but a regular file.
  [[nodiscard]] Result<void> expect_regular() const;

  /// Opens it; it does not block, and is not inherited.
  [[nodiscard]] Result<UniqueFd> open(int flags) const;

 private:
  NamedFile(std::string name, UniqueFd place, const struct stat& info)
      : name_(std::move(name)), place_(std::move(place)), info_(info) {}
  [[nodiscard]] static Result<NamedFile> look(std::string name, UniqueFd place);

  std::string name_;
  UniqueFd place_;  // O_PATH
  struct stat info_;
};

/// Makes a file that is not there yet, to be written, below `folder` and without a link on the way; EEXIST.
[[nodiscard]] Result<UniqueFd> create_below(int folder, const std::string& path, mode_t mode, const std::string& name);

/// A folder, to look below. Links on the way to it are followed.
[[nodiscard]] Result<UniqueFd> open_folder(const std::string& path);

}  // namespace wg4
