#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Owns a name in the file system, as UniqueFd owns a descriptor: the file goes with it. The directory is held open, so
/// that this works from an emptied root, too; and the file, so that no other can get its inode number. A file that has
/// taken the name in the meantime is left alone. Who enters a sandbox hands it over before: a descriptor of a directory
/// is a right to remove all that is in there.
class UniqueFile {
 public:
  /// What makes it up, on its way to another process.
  struct Parts {
    UniqueFd directory;  ///< O_PATH
    UniqueFd file;       ///< O_PATH
    std::string name;    ///< of the file in the directory, at the time when it was taken over
  };

  UniqueFile() = default;
  /// Takes over the file at `path`, which exists: a socket that was just bound, say.
  [[nodiscard]] static Result<UniqueFile> own(const std::string& path);
  /// Takes over what another process has released.
  [[nodiscard]] static Result<UniqueFile> own(Parts parts);

  UniqueFile(UniqueFile&&) noexcept = default;
  UniqueFile& operator=(UniqueFile&& other) noexcept;
  UniqueFile(const UniqueFile&) = delete;
  UniqueFile& operator=(const UniqueFile&) = delete;
  ~UniqueFile() { remove(); }

  /// The directory that it is in, O_PATH; -1 if nothing is owned.
  [[nodiscard]] int directory() const { return parts_.directory.get(); }
  /// Gives up the file: somebody else removes it, who gets these.
  [[nodiscard]] Parts release() { return std::exchange(parts_, {}); }
  void remove();

 private:
  Parts parts_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace wg4
