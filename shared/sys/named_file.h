#pragma once
// Opens files whose names come from others. A name may lead to a FIFO without a writer, to a device, to a folder or,
// through a symbolic link, to another place: so the file is first inspected (O_PATH), and opened only if it is what was
// expected. So opening does not hang, and has no effect in a device.

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

/// The file that a name led to: it stays the same file, even if the name changes.
class NamedFile {
 public:
  /// Follows links. `name` is for errors: "configuration /etc/x.conf".
  [[nodiscard]] static Result<NamedFile> find(const std::string& path, std::string name);
  /// `path` is relative, and must not leave `folder`. ELOOP for a link that is not followed, EXDEV for a path that
  /// leaves the folder, ENOSYS if the kernel cannot check that (before Linux 5.6).
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

  /// Opens it, non-blocking and close-on-exec.
  [[nodiscard]] Result<UniqueFd> open(int flags) const;

 private:
  NamedFile(std::string name, UniqueFd place, const struct stat& info)
      : name_(std::move(name)), place_(std::move(place)), info_(info) {}
  [[nodiscard]] static Result<NamedFile> look(std::string name, UniqueFd place);

  std::string name_;
  UniqueFd place_;  // O_PATH
  struct stat info_;
};

/// Makes a new file for writing below `folder`, with no link on the way. EEXIST if there is one.
[[nodiscard]] Result<UniqueFd> create_below(int folder, const std::string& path, mode_t mode, const std::string& name);

/// Opens a folder for the functions above. Follows links on the way to it.
[[nodiscard]] Result<UniqueFd> open_folder(const std::string& path);

}  // namespace wg4
