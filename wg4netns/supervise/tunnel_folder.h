#pragma once
// The folder of a tunnel that commands run in: where its keeper listens, and the lock under which it is made, joined
// and ended.
//
//   $XDG_RUNTIME_DIR/wireguard4netns/ns/NAME/keeper.sock        (for root: /run/wireguard4netns/...)
//
// A client that joins holds the lock until the keeper knows of its command, and a keeper that is left alone ends only
// under the lock: so nobody joins a tunnel that is about to end. A folder whose keeper was killed is used again, or
// removed by the next process that looks.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/unix_socket.h"

namespace wg4 {

class TunnelFolder {
 public:
  static constexpr std::size_t max_name = 15;  // bytes, as of an interface: it is the control socket's name, too

  /// Can a tunnel be called that? It becomes the name of a folder and of a control socket.
  [[nodiscard]] static Result<void> check_name(const std::string& name);
  /// The names that have a folder, in order.
  [[nodiscard]] static std::vector<std::string> names(const std::vector<std::string>& runtime = runtime_folders());

  [[nodiscard]] static bool exists(const std::string& name,
                                   const std::vector<std::string>& runtime = runtime_folders()) {
    return open(name, IfMissing::fail, runtime).has_value();
  }

  /// ENOENT for a missing one, unless it is to be made.
  [[nodiscard]] static Result<TunnelFolder> open(const std::string& name, IfMissing if_missing,
                                                 const std::vector<std::string>& runtime = runtime_folders());

  [[nodiscard]] const std::string& name() const { return name_; }

  /// False if another process has it.
  [[nodiscard]] Result<bool> try_lock();
  /// Waits for it, and makes the folder again if it is removed meanwhile.
  [[nodiscard]] Result<void> lock(Deadline deadline);
  void unlock();

  /// A connection to the keeper; invalid if there is none.
  [[nodiscard]] Result<UniqueFd> connect() const;
  /// There is, or was, a keeper: one that ends by itself removes its socket.
  [[nodiscard]] bool has_socket() const;
  /// A socket (SOCK_SEQPACKET) for a new keeper, in the place of any former one. To be called under the lock.
  [[nodiscard]] Result<UniqueFd> listen() const;
  /// For the keeper, which was forked from the process that has called listen(): clients find this one behind the
  /// socket (SO_PEERCRED).
  [[nodiscard]] static Result<void> listen_as_own(int listener);
  /// Removes the socket and the folder. To be called under the lock.
  void remove();

 private:
  TunnelFolder(UniqueFd parent, UniqueFd folder, std::string name)
      : parent_(std::move(parent)), folder_(std::move(folder)), name_(std::move(name)) {}
  [[nodiscard]] bool is_removed() const;
  [[nodiscard]] UnixAddress address() const;

  UniqueFd parent_;
  UniqueFd folder_;
  std::string name_;
};

}  // namespace wg4
