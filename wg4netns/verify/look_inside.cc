#include "wg4netns/verify/look_inside.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <expected>
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/process.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/commands/enter_tunnel.h"
#include "wg4netns/verify/trials.h"

namespace wg4::verify {
namespace {

using Message = std::variant<Interface, Route, NameFile, Attempt, Server, Unseen, Rights>;

constexpr std::chrono::seconds patience{30};
constexpr std::size_t max_messages = 200'000;  // one for each route, among others

/// A child in the PID namespace that was entered. Should this process be killed right now, it ends by itself, too.
int in_pid_namespace(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(body());
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child ? status : EXIT_FAILURE;
}

int give_up(int socket, const Error& error) {
  [[maybe_unused]] const auto sent = wire::send(socket, Unseen{error.what, error.number});
  return EXIT_FAILURE;
}

/// In the process that goes inside.
int try_ways(const keeper::Room& room, const Targets& targets, int socket) {
  const auto look = [&] {
    // Processes of the same user are inside: they must not be able to trace this one and forge its messages.
    const auto closed = forbid_looking_in();
    const auto confined = closed ? confine_in_tunnel(room) : std::unexpected(closed.error());
    if (!confined) return give_up(socket, confined.error());
    Trials(socket, targets).run(confined->signals_scoped);
    return EXIT_SUCCESS;
  };
  if (const auto entered = enter_tunnel(room); !entered) return give_up(socket, entered.error());
  return room.pids.valid() ? in_pid_namespace(look) : look();
}

void keep(InsideFacts& facts, Message message) {
  std::visit(
      [&facts]<class M>(M&& each) {
        using Kind = std::remove_cvref_t<M>;
        if constexpr (std::is_same_v<Kind, Interface>) facts.interfaces.push_back(std::forward<M>(each));
        if constexpr (std::is_same_v<Kind, Route>) facts.routes.push_back(std::forward<M>(each));
        if constexpr (std::is_same_v<Kind, NameFile>) facts.name_files.push_back(std::forward<M>(each));
        if constexpr (std::is_same_v<Kind, Attempt>) facts.attempts.push_back(std::forward<M>(each));
        if constexpr (std::is_same_v<Kind, Server>) facts.servers.push_back(std::forward<M>(each));
        if constexpr (std::is_same_v<Kind, Unseen>) facts.unseen.push_back(std::forward<M>(each));
        if constexpr (std::is_same_v<Kind, Rights>) facts.rights = each;
      },
      std::move(message));
}

}  // namespace

Result<InsideFacts> look_inside(const keeper::Room& room, const Targets& targets) {
  SocketPair sockets = TRY(make_message_sockets());
  std::vector<int> fds = room.descriptors();
  fds.push_back(sockets.theirs.get());
  const Child child = TRY(Child::fork(fds, [&] { return try_ways(room, targets, sockets.theirs.get()); }));
  sockets.theirs.reset();
  InsideFacts facts;
  const Deadline deadline = deadline_in(patience);
  for (std::size_t i = 0; i < max_messages && !facts.rights; ++i) {
    if (!TRY(wait_until(sockets.ours.get(), POLLIN, deadline))) break;
    auto received = wire::receive<Message>(sockets.ours.get());
    if (!received || !*received) break;
    keep(facts, std::move((*received)->message));
  }
  return facts;
}

}  // namespace wg4::verify
