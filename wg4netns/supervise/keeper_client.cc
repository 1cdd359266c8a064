#include "wg4netns/supervise/keeper_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <tuple>
#include <variant>

#include "netns-helper/container/id_plan.h"
#include "shared/sys/background.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/process.h"
#include "shared/wire/message_socket.h"

namespace wg4::keeper {
namespace {

constexpr std::chrono::seconds time_to_die{5};
constexpr std::chrono::milliseconds look_interval{2};
constexpr std::chrono::seconds patience{20};  // a keeper that ends a tunnel by force takes up to ten

std::unexpected<Error> gone() {
  return fail("the keeper of the tunnel has ended", 0, "Somebody has ended it: start the tunnel again");
}

std::unexpected<Error> nonsense() {
  return fail("the keeper of the tunnel has answered with something unexpected", 0,
              "It may be of another version of this program: end the tunnel, and start it again");
}

/// The keeper's next message; nothing if it has ended. An error if the keeper reports one, or, with `next_step`, if it
/// does not answer or sends another message than these.
template <class Answer>
Result<std::optional<wire::Received<Answer>>> hear(int socket, std::size_t max_fds, const std::string& next_step) {
  if (!TRY(wait_until(socket, POLLIN, deadline_in(patience))))
    return fail("the keeper of the tunnel does not answer", 0, next_step);
  auto receipt = wire::receive<std::variant<Answer, Failure>>(socket, max_fds);
  if (!receipt && receipt.error().number == ECONNRESET) return std::nullopt;  // with our message unread
  if (!receipt) return fail("the keeper of the tunnel is of another version of this program", 0, next_step);
  auto& received = *receipt;
  if (!received) return std::nullopt;
  if (auto* failure = std::get_if<Failure>(&received->message)) return std::unexpected(std::move(failure->error));
  return wire::Received<Answer>{std::get<Answer>(std::move(received->message)), std::move(received->fds)};
}

template <class Answer>
Result<wire::Received<Answer>> expect(int socket, std::size_t max_fds = 0) {
  auto received = TRY(hear<Answer>(socket, max_fds, "Start the tunnel again"));
  if (!received) return gone();
  return *std::move(received);
}

/// What has to be done with a keeper that does not do as it is told.
std::string kill_by_hand(int socket) {
  ucred keeper{};
  socklen_t size = sizeof keeper;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &keeper, &size) != 0) return "";
  return "End it with: kill " + std::to_string(keeper.pid);
}

IdsMapped to_message(const container::IdMapping& mapping) {
  return {mapping.uid, mapping.gid, mapping.rung, mapping.sub_ids};
}

}  // namespace

Result<std::optional<Client>> Client::connect(const TunnelFolder& folder) {
  const Deadline deadline = deadline_in(time_to_die);
  for (;;) {
    UniqueFd socket = TRY(folder.connect());
    if (!socket.valid()) return std::nullopt;
    if (TRY(hear<Done>(socket.get(), 0, kill_by_hand(socket.get())))) return Client(std::move(socket));
    if (std::chrono::steady_clock::now() > deadline)
      return fail("the keeper of the tunnel " + folder.name() + " closes each connection without an answer", 0,
                  kill_by_hand(socket.get()));
    poll(nullptr, 0, static_cast<int>(look_interval.count()));
  }
}

Result<std::optional<Client>> Client::connect_or_clear(TunnelFolder& folder) {
  auto client = TRY(connect(folder));
  if (client || !TRY(folder.try_lock())) return client;
  // Between the two a keeper may have begun.
  client = TRY(connect(folder));
  if (!client) folder.remove();
  folder.unlock();
  return client;
}

template <class Answer, class Message>
Result<std::optional<wire::Received<Answer>>> Client::talk(const Message& message, std::span<const UniqueFd> fds,
                                                           std::size_t max_fds) {
  if (const auto sent = wire::send(socket_.get(), message, fds); !sent) return std::nullopt;
  return hear<Answer>(socket_.get(), max_fds, kill_by_hand(socket_.get()));
}

Result<Room> Client::join(const std::string& config, const std::vector<std::string>& options) {
  auto answer = TRY(talk<Joined>(Join{.config = config, .options = options}, {}, Joined::max_fds));
  if (!answer) return gone();
  Joined& joined = answer->message;
  auto& fds = answer->fds;
  if (fds.size() != joined.fds()) return nonsense();
  auto next = fds.begin();
  const auto take = [&next] { return std::move(*next++); };
  Room room{.user = take(),
            .mounts = take(),
            .net = take(),
            .pids = {},
            .others = {},
            .rules = {},
            .directory = std::move(joined.directory),
            .tunnel = take(),
            .keeper = take(),
            .ids = joined.ids,
            .addresses = std::move(joined.addresses),
            .peers = std::move(joined.peers),
            .forwarded_port = joined.forwarded_port};
  if (joined.own_pids) room.pids = take();
  if (!joined.contained) return room;
  while (fds.end() - next > 1) room.others.push_back(take());
  room.rules = take();
  return room;
}

Result<void> Client::tell_inside(pid_t process) {
  const std::array fds{open_pidfd(process)};
  const auto answer = TRY(talk<Done>(Inside{static_cast<std::uint32_t>(process)}, fds, 0));
  return answer ? Result<void>() : gone();
}

Result<void> Client::tell_forwarded_port(std::uint16_t port) {
  const std::array fds{open_pidfd(getpid())};
  const auto answer = TRY(talk<Done>(ForwardedPort{port}, fds, 0));
  return answer ? Result<void>() : gone();
}

Result<void> Client::keep() {
  const auto answer = TRY(talk<Done>(Order{Order::What::keep}, {}, 0));
  return answer ? Result<void>() : gone();
}

Result<bool> Client::rename(const Names& names) {
  const auto answer = TRY(talk<Done>(names, {}, 0));
  if (!answer) return gone();
  return answer->message.done;
}

Result<State> Client::ask() {
  auto answer = TRY(talk<State>(Order{Order::What::ask}, {}, 0));
  if (!answer) return gone();
  return std::move(answer->message);
}

Result<bool> Client::settle(const Room& room) {
  if (TRY(talk<Settled>(Order{Order::What::settle}, {}, 0))) return false;
  // Its descriptors are closed some time before it has ended.
  for (const UniqueFd* process : {&room.tunnel, &room.keeper})
    std::ignore = TRY(wait_until(process->get(), POLLIN, deadline_in(patience)));
  return true;
}

Result<void> Client::await_end() { return wire::send(socket_.get(), Order{Order::What::await_end}); }

Result<void> Client::hear_end() {
  std::ignore = TRY(expect<Done>(socket_.get()));
  return {};
}

Result<void> Client::end(bool force) {
  if (TRY(talk<Done>(Order{force ? Order::What::end_by_force : Order::What::end}, {}, 0))) return nonsense();
  return {};
}

Result<NewKeeper> NewKeeper::begin(const TunnelFolder& folder, const Plan& plan, const container::IdPlan& ids) {
  UniqueFd listener = TRY(folder.listen());
  SocketPair sockets = TRY(make_message_sockets());
  const std::array kept{listener.get(), sockets.theirs.get()};
  const auto process = TRY(BackgroundStart::begin(
      [&](UniqueFd ready) {
        ready.reset();
        return run(plan, folder.name(), std::move(listener), std::move(sockets.theirs));
      },
      kept));
  sockets.theirs.reset();
  NewKeeper keeper(std::move(sockets.ours));
  std::ignore = TRY(expect<UserNamespaceMade>(keeper.socket_.get()));
  keeper.ids_ = to_message(TRY(container::map_ids(process.pid(), ids)));
  TRY(wire::send(keeper.socket_.get(), keeper.ids_));
  auto made = TRY(expect<NamespacesMade>(keeper.socket_.get(), NamespacesMade::fds));
  if (made.fds.size() != NamespacesMade::fds) return nonsense();
  keeper.pid_ = static_cast<pid_t>(made.message.pid);
  keeper.user_ = std::move(made.fds[1]);
  keeper.net_ = std::move(made.fds[2]);
  return keeper;
}

Result<void> NewKeeper::make_view(const MakeView& view) {
  TRY(wire::send(socket_.get(), view));
  TRY(expect<ViewMade>(socket_.get()));
  return {};
}

Result<Client> NewKeeper::serve(const Serve& serve, UniqueFd tunnel) {
  const std::array fds{std::move(tunnel)};
  TRY(wire::send(socket_.get(), serve, fds));
  return Client(std::move(socket_));
}

}  // namespace wg4::keeper
