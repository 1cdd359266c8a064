#pragma once
// Where operations mount things and make files: targets, found in a root that this process is not in yet. What is
// missing is made part by part, each in the folder that was found for those before it.

#include <sys/types.h>

#include <string>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {

/// Where a file is to be made.
struct NewEntry {
  UniqueFd folder;
  std::string name;
  std::string shown;  ///< its path for errors
};

/// All targets below one root. The process' umask must be 0 while they are made.
class Targets {
 public:
  /// The root is the entry `name` of the open folder `parent`, which must outlive this: what an operation mounts over
  /// the root is the root for the next one. `shown` is its path for errors, "" for "/".
  Targets(int parent, std::string name, std::string shown, mode_t parent_mode);

  /// A folder; made if there is nothing.
  [[nodiscard]] Result<MountPoint> folder(const std::string& target) const;
  /// Something that is no folder; an empty file, if there is nothing.
  [[nodiscard]] Result<MountPoint> file(const std::string& target) const;
  /// What is there; ENOENT if nothing is.
  [[nodiscard]] Result<MountPoint> found(const std::string& target) const;
  /// The place for an entry of which only the folder need be there, and is made else.
  [[nodiscard]] Result<NewEntry> entry(const std::string& target) const;

 private:
  [[nodiscard]] Result<UniqueFd> root() const;
  [[nodiscard]] Result<UniqueFd> make_folders(const UniqueFd& root, const std::vector<std::string>& parts) const;
  [[nodiscard]] Result<MountPoint> mount_point(UniqueFd root, UniqueFd file, const std::vector<std::string>& parts,
                                               const std::string& target) const;
  [[nodiscard]] std::string shown(const std::string& target) const;

  int parent_;
  std::string name_;
  std::string shown_;
  mode_t parent_mode_;
};

}  // namespace wg4::container
