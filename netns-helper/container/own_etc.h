#pragma once
// An /etc of this mount namespace's own: the host's, but for the files by which names are resolved.
//
//   /etc                       a tmpfs, read-only for all who see it
//   /etc/resolv.conf, ...      files of ours
//   ...                        else links to the host's: etc_links.h
//
// Nothing is mounted over a file of the host's: such a mount would be gone once the host replaces the file. A link
// finds what has the name now.

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

#include "netns-helper/container/name_files.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {

/// A file that is made for the namespace. It belongs to root, if the user namespace has one.
struct FileText {
  std::string text;
  mode_t mode = 0644;
};

/// Entries of a folder, by name.
using OwnFiles = std::map<std::string, FileText>;

inline const std::string resolv_conf = "resolv.conf";  ///< of those that make_name_files() makes

/// The files of ours for these settings, with the other lines of the host's nsswitch.conf: this is called before
/// OwnEtc::create(). A file that cannot be read is an error, and a missing one is none.
[[nodiscard]] Result<OwnFiles> make_name_files(const NameSettings& settings);

/// Keeps /etc as the host's, as long as it lives.
class OwnEtc {
 public:
  /// Mounts it in this mount namespace. An entry of the host's that has the name of one of `files` is not seen.
  [[nodiscard]] static Result<OwnEtc> create(const OwnFiles& files);

  /// Puts another file in the place of one of ours. A process that has the former one open still reads that.
  [[nodiscard]] Result<void> replace(const std::string& name, const FileText& file);

  /// Notices from now on which entries the host adds or removes; follow() first takes over all that has changed until
  /// now. No part of create(): to end a watch takes the kernel some 20 ms, which short commands do without. Fails if
  /// the user has no more watches left.
  [[nodiscard]] Result<void> watch();
  void unwatch() { changes_.reset(); }
  /// Readable when follow() is to be called; -1 without a watch.
  [[nodiscard]] int changes() const { return changes_.get(); }
  /// Takes over what has changed, without waiting; without a watch all entries are compared. After an error the entry
  /// that it names is not as the host's; the next call goes on with the others.
  [[nodiscard]] Result<void> follow();

 private:
  OwnEtc() = default;
  [[nodiscard]] Result<void> mirror_all();
  [[nodiscard]] Result<void> mirror(const std::string& name);
  [[nodiscard]] bool is_ours(const std::string& name) const { return ours_.contains(name); }

  UniqueFd host_;               // the folder of the host's
  UniqueFd own_;                // the tmpfs, by a mount that is not read-only and at no place
  UniqueFd changes_;            // inotify(7)
  bool compared_ = false;       // with the host's, since it is watched
  std::set<std::string> ours_;  // names
};

}  // namespace wg4::container
