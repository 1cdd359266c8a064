#include "wg4netns/supervise/keeper.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "shared/sys/capabilities.h"
#include "shared/sys/event_loop.h"
#include "shared/sys/netns_processes.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/process.h"
#include "shared/sys/signals.h"
#include "shared/sys/unix_socket.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/supervise/keeper_agreement.h"
#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/supervise/keeper_namespaces.h"
#include "wg4netns/supervise/keeper_view.h"
#include "wg4netns/supervise/tunnel_folder.h"
#include "wg4netns/supervise/unsent_data.h"

namespace wg4::keeper {
namespace {

enum class Source : std::uint32_t { signal, listener, client, process, tunnel, etc };
using Loop = EventLoop<Source>;
using Number = std::uint32_t;
using Request = std::variant<Join, Inside, Names, ForwardedPort, Order>;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t max_clients = 1024;
constexpr milliseconds retry_interval{5};  // while somebody joins, or the last data is on its way
constexpr milliseconds first_look{1000};   // at the host's /etc: shorter commands need not pay for the end of a watch
constexpr milliseconds look_interval{10000};  // as long as it cannot be watched
constexpr milliseconds time_to_end{5000};     // for processes and the tunnel, until they are killed

// It looks at processes of other ids in its user namespace, and ends them with `down --force`; and it keeps an /etc
// that belongs to root in there.
constexpr std::uint64_t rights = std::uint64_t{1} << CAP_SYS_PTRACE | std::uint64_t{1} << CAP_KILL |
                                 std::uint64_t{1} << CAP_DAC_OVERRIDE | std::uint64_t{1} << CAP_CHOWN |
                                 std::uint64_t{1} << CAP_FOWNER;

UniqueFd duplicate(const UniqueFd& fd) { return UniqueFd(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

class Keeper {
 public:
  Keeper(Plan plan, TunnelFolder folder, UniqueFd listener, Namespaces namespaces, View view, Loop loop,
         SignalFd signals, NetnsProcesses processes, UniqueFd rules)
      : plan_(std::move(plan)),
        folder_(std::move(folder)),
        listener_(std::move(listener)),
        namespaces_(std::move(namespaces)),
        view_(std::move(view)),
        loop_(std::move(loop)),
        signals_(std::move(signals)),
        processes_(std::move(processes)),
        rules_(std::move(rules)),
        unsent_(processes_.fd()) {}

  /// Begins with the maker as the first client.
  [[nodiscard]] Result<void> start(UniqueFd maker, Serve serve, UniqueFd tunnel);
  /// Until the last process has left, or the tunnel is ended by order.
  void run();

 private:
  [[nodiscard]] int patience_ms();
  [[nodiscard]] bool is_etc_watched() const { return view_.fd() >= 0; }
  void look_at_etc();
  void accept_client();
  void add_client(UniqueFd client);
  void hear(Number number);
  void answer(int client, const Join& join);
  void answer(int client, UniqueFd process);
  void answer(int client, const Names& names);
  void answer(Number number, int client, Order::What what);
  template <class Message>
  void tell_awaiting(const Message& message);
  void answer(Number number, const ForwardedPort& told, UniqueFd process);
  [[nodiscard]] Result<void> expect_joinable(const Join& join) const;
  [[nodiscard]] State state() const;
  void watch_process(UniqueFd process);
  void forget_ended();
  [[nodiscard]] bool knows_nobody();
  [[nodiscard]] bool is_empty();
  [[nodiscard]] bool may_end() { return was_used_ && !kept_ && knows_nobody(); }
  void try_to_end();
  void tell_settlers();
  void end_processes();
  void signal_all(int signal);
  [[nodiscard]] bool end_tunnel();
  void end_port_forwarding();

  Plan plan_;
  TunnelFolder folder_;
  UniqueFd listener_;
  Namespaces namespaces_;
  View view_;
  Loop loop_;
  SignalFd signals_;
  NetnsProcesses processes_;
  UniqueFd rules_;  // of a container
  Serve serve_;
  UniqueFd tunnel_;
  std::map<Number, UniqueFd> clients_;
  std::map<Number, UniqueFd> inside_;  // pidfds
  UnsentData unsent_;                  // of those who have left
  std::set<Number> settlers_;          // clients that wait for the end, or to hear that there is none
  std::set<Number> awaiting_;          // clients that are to hear of the tunnel's end
  ForwardedPort port_;                 // at the provider,
  Number port_client_ = 0;             // as long as this client is connected;
  UniqueFd port_process_;              // its pidfd
  Number next_ = 1;
  Clock::time_point next_look_ = Clock::now() + first_look;
  bool kept_ = false;
  bool ordered_ = false;   // somebody has ended the tunnel on purpose,
  bool forced_ = false;    // and by force
  bool was_used_ = false;  // until then the client that has made all this is about to join
  bool over_ = false;
};

Result<void> Keeper::start(UniqueFd maker, Serve serve, UniqueFd tunnel) {
  serve_ = std::move(serve);
  tunnel_ = std::move(tunnel);
  TRY(loop_.watch(signals_.fd(), Source::signal));
  TRY(loop_.watch(listener_.get(), Source::listener));
  TRY(loop_.watch(tunnel_.get(), Source::tunnel));
  fcntl(maker.get(), F_SETFL, O_NONBLOCK);  // one that does not read holds nobody up
  add_client(std::move(maker));
  return {};
}

void Keeper::run() {
  while (!over_) {
    for (const Loop::Event& event : loop_.wait(patience_ms())) {
      switch (event.source) {
        case Source::signal:
          if (const auto signal = signals_.read(); signal == SIGCHLD)
            reap_children();  // a PID namespace gives them to its process 1
          else
            over_ = ordered_ = true;
          break;
        case Source::listener:
          accept_client();
          break;
        case Source::client:
          hear(event.number);
          break;
        case Source::process:
          forget_ended();
          break;
        case Source::tunnel:
          loop_.forget(tunnel_.get());
          if (!ordered_) tell_awaiting(Failure{{"the tunnel " + folder_.name() + " has ended by itself", 0, ""}});
          kept_ = false;  // what is inside has no network, and may end in peace
          was_used_ = true;
          break;
        case Source::etc:
          view_.follow();
          break;
      }
    }
    if (!is_etc_watched() && Clock::now() >= next_look_) look_at_etc();
    if (may_end()) try_to_end();
    if (!over_ && !may_end()) tell_settlers();
  }
  const bool tunnel_is_ended = end_tunnel();
  end_port_forwarding();
  // From a PID namespace the keeper can signal nobody outside, and the tunnel ends when it sees the keeper's end. Until
  // then the folder stays, so that the next tunnel of the name waits for that.
  if (tunnel_is_ended) folder_.remove();
  if (ordered_) tell_awaiting(Done{});
}

/// For the loop; -1 = for ever.
int Keeper::patience_ms() {
  if (may_end()) return static_cast<int>(retry_interval.count());
  if (is_etc_watched()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next_look_ - Clock::now());
  return static_cast<int>(std::max(left, milliseconds{0}).count());
}

void Keeper::look_at_etc() {
  if (view_.watch() && !loop_.watch(view_.fd(), Source::etc)) view_.unwatch();
  view_.follow();
  next_look_ = Clock::now() + look_interval;
}

template <class Message>
void Keeper::tell_awaiting(const Message& message) {
  for (const Number number : awaiting_)
    if (const auto client = clients_.find(number); client != clients_.end())
      std::ignore = wire::send(client->second.get(), message);
}

void Keeper::accept_client() {
  UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.valid() || clients_.size() >= max_clients || !is_same_user(client.get())) return;
  std::ignore = wire::send(client.get(), Done{});
  add_client(std::move(client));
}

void Keeper::add_client(UniqueFd client) {
  const Number number = next_++;
  if (loop_.watch(client.get(), Source::client, EPOLLIN, number)) clients_.emplace(number, std::move(client));
}

void Keeper::hear(Number number) {
  const auto found = clients_.find(number);
  if (found == clients_.end()) return;
  const int client = found->second.get();
  auto request = wire::receive<Request>(client, 1);
  if (!request || !*request) {
    if (!request) std::ignore = wire::send(client, Failure{request.error()});
    clients_.erase(found);
    settlers_.erase(number);
    if (number == port_client_) port_ = {};
    was_used_ = true;  // if that was the maker, nobody else comes
    return;
  }
  std::vector<UniqueFd>& fds = (*request)->fds;
  const Request& message = (*request)->message;
  if (const auto* join = std::get_if<Join>(&message)) answer(client, *join);
  if (std::holds_alternative<Inside>(message)) answer(client, fds.empty() ? UniqueFd() : std::move(fds.front()));
  if (const auto* names = std::get_if<Names>(&message)) answer(client, *names);
  if (const auto* port = std::get_if<ForwardedPort>(&message))
    answer(number, *port, fds.empty() ? UniqueFd() : std::move(fds.front()));
  if (const auto* order = std::get_if<Order>(&message)) answer(number, client, order->what);
}

Result<void> Keeper::expect_joinable(const Join& join) const {
  const std::string& name = folder_.name();
  if (process_has_ended(tunnel_.get()))
    return fail("the tunnel " + name + " has no network any more, since its process " + std::to_string(serve_.tunnel) +
                    " has ended",
                0, "End what runs in it with: wireguard4netns down --force " + name);
  return expect_agreement(join, serve_, name);
}

void Keeper::answer(int client, const Join& join) {
  if (const auto same = expect_joinable(join); !same) {
    std::ignore = wire::send(client, Failure{same.error()});
    return;
  }
  std::vector<UniqueFd> fds;
  for (const UniqueFd* fd : {&namespaces_.user, &namespaces_.mounts, &namespaces_.net, &tunnel_})
    fds.push_back(duplicate(*fd));
  fds.push_back(open_pidfd(getpid()));
  if (plan_.own_pids) fds.push_back(duplicate(namespaces_.pids));
  for (const UniqueFd& other : namespaces_.others) fds.push_back(duplicate(other));
  if (plan_.container) fds.push_back(duplicate(rules_));
  const Joined joined{.ids = namespaces_.ids,
                      .own_pids = plan_.own_pids,
                      .contained = plan_.container.has_value(),
                      .directory = plan_.container ? plan_.container->directory : "",
                      .addresses = serve_.addresses,
                      .peers = serve_.peers,
                      .forwarded_port = port_.port};
  std::ignore = wire::send(client, joined, fds);
}

void Keeper::answer(int client, UniqueFd process) {
  watch_process(std::move(process));
  was_used_ = true;
  std::ignore = wire::send(client, Done{});
}

void Keeper::answer(int client, const Names& names) {
  const auto changed = view_.rename(names.servers, names.search);
  if (!changed) {
    std::ignore = wire::send(client, Failure{changed.error()});
    return;
  }
  serve_.addresses = names.addresses;
  serve_.peers = names.peers;
  std::ignore = wire::send(client, Done{*changed});
}

void Keeper::answer(Number number, const ForwardedPort& told, UniqueFd process) {
  port_ = told;
  port_client_ = number;
  port_process_ = std::move(process);
  std::ignore = wire::send(clients_.at(number).get(), Done{});
}

void Keeper::answer(Number number, int client, Order::What what) {
  switch (what) {
    case Order::What::settle:
      settlers_.insert(number);
      return;
    case Order::What::keep:
      kept_ = true;
      was_used_ = true;
      std::ignore = wire::send(client, Done{});
      return;
    case Order::What::end:
      if (is_empty()) {
        kept_ = false;
        ordered_ = was_used_ = true;
      } else {
        std::ignore = wire::send(
            client, Failure{{.what = "processes run in the tunnel " + folder_.name(), .number = EBUSY, .hint = {}}});
      }
      return;
    case Order::What::end_by_force:
      ordered_ = forced_ = true;
      end_processes();
      kept_ = false;
      was_used_ = true;
      return;
    case Order::What::ask:
      std::ignore = wire::send(client, state());
      return;
    case Order::What::await_end:
      awaiting_.insert(number);
      return;
  }
}

State Keeper::state() const {
  struct stat net{};
  fstat(namespaces_.net.get(), &net);
  State state{.keeper = serve_.keeper,
              .tunnel = serve_.tunnel,
              .tunnel_runs = !process_has_ended(tunnel_.get()),
              .kept = kept_,
              .own_pids = plan_.own_pids,
              .ids = namespaces_.ids,
              .config = serve_.config,
              .options = serve_.options,
              .addresses = serve_.addresses,
              .open = view_.open(),
              .ways = serve_.ways,
              .forwarded_port = port_.port,
              .net = net.st_ino};
  for (const pid_t pid : processes_.all())
    if (state.inside.size() < max_processes) state.inside.push_back(std::to_string(pid));
  return state;
}

void Keeper::watch_process(UniqueFd process) {
  const Number number = next_++;
  if (process.valid() && loop_.watch(process.get(), Source::process, EPOLLIN, number))
    inside_.emplace(number, std::move(process));
}

void Keeper::forget_ended() {
  std::erase_if(inside_, [](const auto& entry) { return process_has_ended(entry.second.get()); });
}

bool Keeper::knows_nobody() {
  forget_ended();
  return inside_.empty();
}

/// If those that clients have told of have ended, others may be left. A look for them is one at all processes.
bool Keeper::is_empty() {
  if (knows_nobody())
    if (UniqueFd other = processes_.find_one(); other.valid()) watch_process(std::move(other));
  return inside_.empty();
}

/// Not before what processes have sent has got away. Whoever holds the lock is about to join.
void Keeper::try_to_end() {
  if (!forced_ && !process_has_ended(tunnel_.get()) && !unsent_.is_settled()) return;
  const auto locked = folder_.try_lock();
  if (locked && !*locked) return;
  over_ = is_empty();
  if (!over_) folder_.unlock();
}

void Keeper::tell_settlers() {
  for (const Number number : std::exchange(settlers_, {}))
    std::ignore = wire::send(clients_.at(number).get(), Settled{kept_});
}

/// In rounds, since processes start others. Some are known only by a client's word: the kernel shows the network of a
/// process that has not called exec(2) yet to nobody in here.
void Keeper::end_processes() {
  const auto begin = std::chrono::steady_clock::now();
  while (!is_empty()) {
    const bool patient = std::chrono::steady_clock::now() - begin < time_to_end / 2;
    signal_all(patient ? SIGTERM : SIGKILL);
    pollfd entry{inside_.begin()->second.get(), POLLIN, 0};
    poll(&entry, 1, static_cast<int>((time_to_end / 2).count()));
    reap_children();
    if (std::chrono::steady_clock::now() - begin > time_to_end) return;
  }
}

void Keeper::signal_all(int signal) {
  const auto end = [signal](const UniqueFd& process) {
    std::ignore = send_signal(process.get(), signal);
    std::ignore = send_signal(process.get(), SIGCONT);
  };
  for (const pid_t pid : processes_.all()) end(open_pidfd(pid));
  for (const auto& [number, process] : inside_) end(process);
}

bool Keeper::end_tunnel() {
  if (!send_signal(tunnel_.get(), SIGTERM)) return process_has_ended(tunnel_.get());
  // Meanwhile: the kernel takes its time for a mount.
  {
    const View ended = std::move(view_);
  }
  namespaces_.mounts.reset();
  pollfd entry{tunnel_.get(), POLLIN, 0};
  if (poll(&entry, 1, static_cast<int>(time_to_end.count())) == 0) std::ignore = send_signal(tunnel_.get(), SIGKILL);
  return true;
}

/// The process ends with its connection.
void Keeper::end_port_forwarding() {
  clients_.erase(port_client_);
  if (!port_process_.valid()) return;
  pollfd entry{port_process_.get(), POLLIN, 0};
  if (poll(&entry, 1, static_cast<int>(time_to_end.count())) == 0)
    std::ignore = send_signal(port_process_.get(), SIGKILL);
}

struct Beginning {
  Serve serve;
  UniqueFd tunnel;
};

/// Nothing if the maker has ended.
Result<std::optional<Beginning>> hear_of_tunnel(int maker) {
  auto received = TRY(wire::receive<Serve>(maker, 1));
  if (!received) return std::nullopt;
  if (received->fds.size() != 1) return fail("the tunnel's process is not known to its keeper");
  return Beginning{std::move(received->message), std::move(received->fds.front())};
}

Result<void> work(const Plan& plan, const std::string& name, UniqueFd listener, UniqueFd& maker) {
  // Opened anew, and early: what the maker has open is locked for both, and its path is soon out of sight.
  TunnelFolder folder = TRY(TunnelFolder::open(name, IfMissing::fail));
  // The maker removes the folder after an error, but not if it is killed.
  const auto maker_has_ended = [&folder]() -> Result<void> {
    if (TRY(folder.try_lock())) folder.remove();
    return {};
  };
  auto namespaces = TRY(make_namespaces(plan, maker.get()));
  if (!namespaces) return maker_has_ended();
  TRY(TunnelFolder::listen_as_own(listener.get()));
  const auto wanted = TRY(wire::receive<MakeView>(maker.get()));
  if (!wanted) return maker_has_ended();
  View view = TRY(View::make(plan, wanted->message));
  auto processes = TRY(NetnsProcesses::of(namespaces->net.get(), getpid()));
  UniqueFd rules;
  if (plan.container) {
    rules = TRY(container::keep_rules(plan.container->rules));
    TRY(container::enter_new_root(plan.container->root));
  }
  TRY(keep_capabilities(rights));
  TRY(wire::send(maker.get(), ViewMade{view.open()}));
  auto beginning = TRY(hear_of_tunnel(maker.get()));
  if (!beginning) return maker_has_ended();
  Loop loop = TRY(Loop::create());
  SignalFd signals = TRY(SignalFd::create({SIGTERM, SIGINT, SIGHUP, SIGCHLD}));
  Keeper keeper(plan, std::move(folder), std::move(listener), *std::move(namespaces), std::move(view), std::move(loop),
                std::move(signals), std::move(processes), std::move(rules));
  TRY(keeper.start(std::move(maker), std::move(beginning->serve), std::move(beginning->tunnel)));
  keeper.run();
  return {};
}

}  // namespace

Result<void> run(const Plan& plan, const std::string& name, UniqueFd listener, UniqueFd maker) {
  prctl(PR_SET_NAME, "wg4netns-keeper");
  std::signal(SIGPIPE, SIG_IGN);
  auto worked = work(plan, name, std::move(listener), maker);
  if (!worked && maker.valid()) std::ignore = wire::send(maker.get(), Failure{worked.error()});
  return worked;
}

}  // namespace wg4::keeper
