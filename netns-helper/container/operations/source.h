#pragma once
// Sources of operations: folders and files of the host's, found by the paths that this process sees.

#include <string>

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {

struct Source {
  UniqueFd file;  ///< open with O_PATH
  bool is_folder = false;
  std::string path;
};

/// ENOENT or ENOTDIR if nothing is there.
[[nodiscard]] Result<Source> find_source(const std::string& path);
/// What is open as a descriptor of this process, which may come from another mount namespace. It needs a path.
[[nodiscard]] Result<Source> find_source(int descriptor);
/// A folder.
[[nodiscard]] Result<Source> find_folder(const std::string& path);

/// Makes the folder `path`, for this user alone (0700), and its parents. What is there stays.
[[nodiscard]] Result<void> make_source(const std::string& path);

/// Whether it is an error of find_source() for something that is not there.
[[nodiscard]] bool is_missing(const Error& error);

/// What the mount in which a source lies refuses.
[[nodiscard]] Result<Refusals> refusals_of(const Source& source);

}  // namespace wg4::container
