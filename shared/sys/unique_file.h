#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Owns a name in the file system, as UniqueFd owns a descriptor: the file goes with it. The directory is held open, so
/// that this works from an emptied root, too. A file that has taken the name in the meantime is left alone. Who enters
/// a sandbox hands it over before: a descriptor of a directory is a right to remove all that is in there.
class UniqueFile {
 public:
  UniqueFile() = default;
  /// Takes over the file at `path`, which exists: a socket that was just bound, say.
  [[nodiscard]] static Result<UniqueFile> own(const std::string& path);
  /// The same, for a `name` in `directory`, which is O_PATH.
  [[nodiscard]] static Result<UniqueFile> own(UniqueFd directory, std::string name);

  UniqueFile(UniqueFile&&) noexcept = default;
  UniqueFile& operator=(UniqueFile&& other) noexcept;
  UniqueFile(const UniqueFile&) = delete;
  UniqueFile& operator=(const UniqueFile&) = delete;
  ~UniqueFile() { remove(); }

  /// The directory that it is in, O_PATH; -1 if nothing is owned.
  [[nodiscard]] int directory() const { return directory_.get(); }
  /// Gives up the file: somebody else removes it, who gets these.
  [[nodiscard]] std::pair<UniqueFd, std::string> release() { return {std::move(directory_), std::move(name_)}; }
  void remove();

 private:
  UniqueFd directory_;
  std::string name_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace wg4
