#pragma once
// The tunnels of this user that run: a file for each, which its process wrote before it received anything from the
// network, and cannot write any more. An attacker who takes a tunnel over can make it lie about itself, but cannot
// change what its file says.
//
//   $XDG_RUNTIME_DIR/wireguard4netns/tunnels/PIDNS.PID.START     (for root: /run/wireguard4netns/...)
//   name=wg0
//   config=/etc/wireguard/vpn.conf
//   netns=process 4711
//                                                               an empty line, where the file is whole
//
// The file's name is the process (process_identity.h): so no two want the same one, and a PID that has come to mean
// another process has no entry. Values are escape()d; lines of other keys are for later versions. The process' janitor
// removes the file; if the janitor was killed, the next search for tunnels does.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/unique_file.h"

namespace wg4::registry {

struct Entry {
  std::string name;    ///< of its control socket, as people know it
  std::string config;  ///< absolute path of the file that it was started with; empty = none
  std::string netns;   ///< where its interface is, in words

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// An entry whose process runs.
struct Running {
  pid_t pid = 0;
  Entry entry;
};

/// Writes an entry for the calling process, in the first of these folders where it can. Its file is removed with the
/// value that is returned.
[[nodiscard]] Result<UniqueFile> add(const Entry& entry, const std::vector<std::string>& folders = runtime_folders());

/// All that run, in the order of their names. A file is ignored if it is not this user's alone, or not a whole entry.
[[nodiscard]] std::vector<Running> find_running(const std::vector<std::string>& folders = runtime_folders());

[[nodiscard]] std::string encode(const Entry& entry);
/// Nothing if that is not a whole entry.
[[nodiscard]] std::optional<Entry> decode(std::string_view text);

}  // namespace wg4::registry
