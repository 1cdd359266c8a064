#pragma once
// The client's side of a keeper (keeper.h): makes one, step by step, or asks one that runs.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/id_mapping.h"
#include "netns-helper/container/id_plan.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/net/ip_address.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/supervise/keeper.h"
#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/supervise/tunnel_folder.h"

namespace wg4::keeper {

/// What a command needs to go where the others are.
struct Room {
  UniqueFd user;
  UniqueFd mounts;
  UniqueFd net;
  UniqueFd pids;                 ///< invalid if there is none of its own
  std::vector<UniqueFd> others;  ///< of a container: IPC, host name, cgroups
  UniqueFd rules;                ///< container::read_rules(); invalid without a container
  std::string directory;         ///< in a container: for commands whose working directory is not inside
  UniqueFd tunnel;               ///< pidfd of the tunnel's process
  UniqueFd keeper;               ///< pidfd
  IdsMapped ids;
  std::vector<std::string> addresses;  ///< of the interface
  std::vector<IpAddress> peers;        ///< one address behind each peer
  std::uint16_t forwarded_port = 0;    ///< by the provider; 0 = none

  /// What a process keeps that is to enter, and then to be confined as commands are.
  [[nodiscard]] std::vector<int> descriptors() const {
    std::vector<int> all;
    for (const UniqueFd* fd : {&user, &mounts, &net, &pids, &rules})
      if (fd->valid()) all.push_back(fd->get());
    for (const UniqueFd& other : others) all.push_back(other.get());
    return all;
  }

  /// To be called once the namespaces are not needed: a process that closes the last descriptor of one waits while the
  /// kernel takes it apart.
  void leave() {
    for (UniqueFd* fd : {&user, &mounts, &net, &pids}) fd->reset();
    others.clear();
  }
};

/// A connection to a keeper that serves.
class Client {
 public:
  /// To the keeper of this folder; nothing if there is none. One that has just been killed is waited for.
  [[nodiscard]] static Result<std::optional<Client>> connect(const TunnelFolder& folder);
  /// The same; what a killed keeper has left is removed, unless somebody has the folder's lock.
  [[nodiscard]] static Result<std::optional<Client>> connect_or_clear(TunnelFolder& folder);

  [[nodiscard]] Result<Room> join(const std::string& config, const std::vector<std::string>& options);
  /// `process` is one inside: the tunnel stays for it.
  [[nodiscard]] Result<void> tell_inside(pid_t process);
  /// The port that this process keeps at the provider, 0 for none; until this connection ends.
  [[nodiscard]] Result<void> tell_forwarded_port(std::uint16_t port);
  [[nodiscard]] Result<void> keep();
  /// False if names are resolved like that already.
  [[nodiscard]] Result<bool> rename(const Names& names);
  [[nodiscard]] Result<State> ask();
  /// Waits until the keeper and the tunnel have ended, with all that they have made; false if they go on for others.
  [[nodiscard]] Result<bool> settle(const Room& room);
  /// fd() is readable when the tunnel has ended; hear_end() then fails if nobody has ended it on purpose.
  [[nodiscard]] Result<void> await_end();
  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] Result<void> hear_end();
  /// Ends the tunnel; EBUSY if processes are inside and it is not to be forced.
  [[nodiscard]] Result<void> end(bool force);

 private:
  friend class NewKeeper;
  explicit Client(UniqueFd socket) : socket_(std::move(socket)) {}
  template <class Answer, class Message>
  [[nodiscard]] Result<std::optional<wire::Received<Answer>>> talk(const Message& message,
                                                                   std::span<const UniqueFd> fds, std::size_t max_fds);
  UniqueFd socket_;
};

/// A keeper on its way. Destroyed before serve(), it ends.
class NewKeeper {
 public:
  /// Its namespaces exist then. To be called under the folder's lock.
  [[nodiscard]] static Result<NewKeeper> begin(const TunnelFolder& folder, const Plan& plan,
                                               const container::IdPlan& ids);

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int user_namespace() const { return user_.get(); }
  [[nodiscard]] int network_namespace() const { return net_.get(); }
  [[nodiscard]] const IdsMapped& ids() const { return ids_; }

  [[nodiscard]] Result<void> make_view(const MakeView& view);
  /// `tunnel`, the pidfd of what `serve` says, works: the keeper serves clients, the first of which is the caller.
  [[nodiscard]] Result<Client> serve(const Serve& serve, UniqueFd tunnel);

 private:
  explicit NewKeeper(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  UniqueFd user_;
  UniqueFd net_;
  IdsMapped ids_;
  pid_t pid_ = -1;
};

}  // namespace wg4::keeper
