#pragma once
// The folder of this user's profiles, and how it is changed.
//
//   profiles/NAME.conf                       a profile
//   profiles/.NAME.conf.wg4netns-new         one that is being written (shared/sys/whole_file.h)
//   profiles/.NAME.wg4netns-edit/NAME.conf   the private copy of one that is being edited, in a folder which takes what
//                                            editors leave beside a file, and is removed with it
//
// Processes that change something hold a lock (flock(2)) on the folder, for moments. While a profile is in an editor,
// the process that has started it holds one on the folder of the copy. Locks end with their process, however it ends:
// so a folder whose lock is free was left by a process that was killed, and the next one removes it.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/whole_file.h"

namespace wg4 {

/// The names of all files in the folder that end in .conf, sorted, whether they are good configurations or not. Hidden
/// files are left out. A missing folder has none.
[[nodiscard]] Result<std::vector<std::string>> profile_names(const std::string& folder);

/// The file of a profile.
struct ProfileFile {
  std::string path;
  bool is_link = false;  ///< a symbolic link
};
/// An error if there is none, or if it is a directory, a link that leads out of the folder or the like.
[[nodiscard]] Result<ProfileFile> find_profile(const std::string& name);
/// The same for any file in the place of a profile, good or not, for a caller that removes or renames it.
[[nodiscard]] Result<ProfileFile> find_profile_entry(const std::string& name);

/// Removes what processes that were killed have left, if nobody changes anything now.
void tidy_up_profiles(const std::string& folder);

/// A copy in an editor, which is removed with this object.
class ProfileCopy {
 public:
  ProfileCopy(ProfileCopy&&) noexcept = default;
  ProfileCopy& operator=(ProfileCopy&&) = delete;
  ProfileCopy(const ProfileCopy&) = delete;
  ProfileCopy& operator=(const ProfileCopy&) = delete;
  ~ProfileCopy();

  [[nodiscard]] const std::string& name() const { return name_; }  ///< of the profile
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The copy is kept as profiles/NAME.conf.rejected, whose path is returned.
  [[nodiscard]] Result<std::string> keep();

 private:
  friend class ProfileChange;
  ProfileCopy() = default;

  std::string name_;
  std::string path_;
  std::string profiles_;
  std::string folder_;  // empty after a move
  UniqueFd lock_;
};

/// The right to change profiles, as long as this object lives.
class ProfileChange {
 public:
  /// Waits a while for others. Removes what is left of processes that were killed.
  [[nodiscard]] static Result<ProfileChange> begin(const std::string& folder, IfMissing if_missing);

  ProfileChange(ProfileChange&& other) noexcept;
  ProfileChange& operator=(ProfileChange&&) = delete;
  ProfileChange(const ProfileChange&) = delete;
  ProfileChange& operator=(const ProfileChange&) = delete;
  /// Removes the folders that begin() has made, if there is nothing in them.
  ~ProfileChange();

  /// An error if the profile is in an editor, other than that of `from`.
  [[nodiscard]] Result<void> write(const std::string& name, std::string_view text, IfThere if_there,
                                   const ProfileCopy* from = nullptr);
  [[nodiscard]] Result<void> remove(const std::string& name);
  /// An error if `to` is there.
  [[nodiscard]] Result<void> rename(const std::string& name, const std::string& to);
  [[nodiscard]] Result<ProfileCopy> begin_edit(const std::string& name, std::string_view text);

 private:
  ProfileChange(std::string folder, UniqueFd fd, std::vector<std::string> made)
      : folder_(std::move(folder)), fd_(std::move(fd)), made_(std::move(made)) {}
  [[nodiscard]] Result<void> expect_not_edited(const std::string& name) const;

  std::string folder_;
  UniqueFd fd_;
  std::vector<std::string> made_;
};

}  // namespace wg4
