#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Owns a file by its name, as UniqueFd owns a descriptor: the destructor removes the file. The directory is kept open,
/// so that this also works with an empty root, and so is the file, so that its inode number is not reused. If another
/// file has the name by then, it is not removed. A process that enters a sandbox hands this over before, since a
/// descriptor of a directory is the right to remove any file in it.
class UniqueFile {
 public:
  /// Its parts, to be sent to another process.
  struct Parts {
    UniqueFd directory;  ///< O_PATH
    UniqueFd file;       ///< O_PATH
    std::string name;    ///< of the file in the directory, when it was taken over
  };

  UniqueFile() = default;
  /// Takes over the existing file at `path`, such as a socket that was just bound.
  [[nodiscard]] static Result<UniqueFile> own(const std::string& path);
  /// Takes over what another process has released.
  [[nodiscard]] static Result<UniqueFile> own(Parts parts);

  UniqueFile(UniqueFile&&) noexcept = default;
  UniqueFile& operator=(UniqueFile&& other) noexcept;
  UniqueFile(const UniqueFile&) = delete;
  UniqueFile& operator=(const UniqueFile&) = delete;
  ~UniqueFile() { remove(); }

  /// The file's directory, O_PATH; -1 if this owns nothing.
  [[nodiscard]] int directory() const { return parts_.directory.get(); }
  /// Gives up the file: the owner of these parts removes it.
  [[nodiscard]] Parts release() { return std::exchange(parts_, {}); }
  void remove();

 private:
  Parts parts_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace wg4
