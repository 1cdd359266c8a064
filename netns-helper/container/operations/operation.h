#pragma once
// What a new root is made of (new_root.h): operations, applied one after the other, each upon what those before it have
// made. They are plain values; step.h has what each of them does.
//
// A `source` is an absolute path as this process sees it before, and links in it are followed as always. A `target` is
// an absolute path in the new root, without "..". Folders that are missing on the way to it are made, and so is what is
// mounted over. Links on the way are followed inside the new root only: none leads out of it, whoever has made it. A
// link that leads to nothing is an error: nothing is ever made behind it.
//
// In comments: bubblewrap's word (bwrap(1)), or hakurei's, where it has another name.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace wg4::container {

/// Shows a folder or another file of the host's, with all that is mounted below. What its mounts forbid (writing,
/// devices, set-user-ID, execution) stays forbidden; set-user-ID always is. What the host mounts there later does not
/// appear.
/// --ro-bind, --bind, --dev-bind, their -try forms, --bind-fd, --ro-bind-fd
struct Bind {
  std::string source{};
  std::string target{};
  int descriptor = -1;    ///< of the source, instead of its path: open in this process
  bool writable = false;  ///< as far as it is for the host
  bool device = false;    ///< device files in it can be opened
  bool optional = false;  ///< does nothing if the source is missing
  bool ensure = false;    ///< a missing source is made: a folder with mode 0700, its parents too

  friend bool operator==(const Bind&, const Bind&) = default;
};

/// A small /dev: null, zero, full, random, urandom and tty of the host's; the links stdin, stdout, stderr, fd, core and
/// ptmx; terminals and shared memory of its own. The last two can be written to in any case.
/// --dev; hakurei's DevWritable
struct Dev {
  std::string target = "/dev";
  bool writable = false;
  bool console = false;  ///< the terminal at standard output as `console`, if there is one
  bool mqueue = false;   ///< with Mqueue at `mqueue`

  friend bool operator==(const Dev&, const Dev&) = default;
};

/// The processes of this process' PID namespace, which its user namespace must own. --proc
struct Proc {
  std::string target = "/proc";

  friend bool operator==(const Proc&, const Proc&) = default;
};

/// The kernel's view of this process' network namespace, which its user namespace must own: no interface of the host's
/// is seen. Read-only.
struct Sysfs {
  std::string target = "/sys";

  friend bool operator==(const Sysfs&, const Sysfs&) = default;
};

/// POSIX message queues (mq_overview(7)) of this process' IPC namespace, which its user namespace must own. --mqueue
struct Mqueue {
  std::string target = "/dev/mqueue";

  friend bool operator==(const Mqueue&, const Mqueue&) = default;
};

/// An empty folder in memory. --tmpfs with --size and --perms
struct Tmpfs {
  std::string target{};
  std::uint64_t size = 0;  ///< bytes; 0 = half of the memory, as the kernel has it
  mode_t mode = 0755;

  friend bool operator==(const Tmpfs&, const Tmpfs&) = default;
};

/// An empty folder that nobody can write to. hakurei's Readonly
struct ReadOnly {
  std::string target{};
  mode_t mode = 0755;

  friend bool operator==(const ReadOnly&, const ReadOnly&) = default;
};

/// A folder; one that is there stays as it is. --dir with --perms
struct Mkdir {
  std::string target{};
  mode_t mode = 0755;

  friend bool operator==(const Mkdir&, const Mkdir&) = default;
};

/// Folders that are seen as one, in the way of overlayfs.
/// --overlay, --tmp-overlay, --ro-overlay; hakurei's OverlayEphemeral, OverlayReadonly
struct Overlay {
  enum class Writes : std::uint8_t {
    to_upper,   ///< stay in `upper`
    to_memory,  ///< are gone with the container
    refused,    ///< needs two folders at least
  };
  std::string target{};
  std::vector<std::string> lower{};  ///< sources, the uppermost first (bubblewrap names it last)
  Writes writes = Writes::refused;
  std::string upper{};  ///< a source that can be written to
  std::string work{};   ///< likewise, empty, and on the same file system: a folder for overlayfs itself

  friend bool operator==(const Overlay&, const Overlay&) = default;
};

/// A file with these bytes. --file, --bind-data, --ro-bind-data with --perms
struct Place {
  enum class As : std::uint8_t {
    read_only_mount,  ///< is mounted over what is there, which may be in a read-only folder
    mount,            ///< likewise, and can be written to
    file,             ///< is a file of its folder, and replaces the text of one that is there
  };
  std::string target{};
  std::string bytes{};
  mode_t mode = 0644;
  As as = As::read_only_mount;

  friend bool operator==(const Place&, const Place&) = default;
};

/// A symbolic link at `target`; one that is there must have the same text. --symlink
struct Link {
  std::string target{};
  std::string text{};
  bool dereference = false;  ///< `text` is a source, a link: the new one gets that one's text

  friend bool operator==(const Link&, const Link&) = default;
};

/// The mode of a file or folder that is there. --chmod
struct Chmod {
  std::string target{};
  mode_t mode = 0755;

  friend bool operator==(const Chmod&, const Chmod&) = default;
};

/// Forbids more to a mount that is there. What is not asked for stays as it is. --remount-ro
struct Remount {
  std::string target{};  ///< a mount's root; "/" is that of the new root
  bool read_only = true;
  bool no_device = false;
  bool no_exec = false;
  bool recursive = false;  ///< and those below

  friend bool operator==(const Remount&, const Remount&) = default;
};

/// An /etc of links to the host's, which is read-only below /etc/.host: other files can be made beside them. Once.
struct Etc {
  std::string source = "/etc";
  std::vector<std::string> without{};  ///< entries that are not taken over: "passwd"

  friend bool operator==(const Etc&, const Etc&) = default;
};

/// All folders at the top of the host's root by Bind, but for proc, dev, tmp, mnt and etc; its links are links. Once.
struct Root {
  std::string source = "/";
  bool writable = false;
  bool device = false;

  friend bool operator==(const Root&, const Root&) = default;
};

using Operation = std::variant<Bind, Dev, Proc, Sysfs, Mqueue, Tmpfs, ReadOnly, Mkdir, Overlay, Place, Link, Chmod,
                               Remount, Etc, Root>;

}  // namespace wg4::container
