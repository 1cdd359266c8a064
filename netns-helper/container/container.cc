#include "netns-helper/container/container.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <limits>
#include <set>
#include <variant>

#include "netns-helper/container/channel.h"
#include "netns-helper/container/command_rights.h"
#include "netns-helper/container/id_plan.h"
#include "netns-helper/container/init_process.h"
#include "netns-helper/container/operations_on_wire.h"
#include "netns-helper/container/setup.h"
#include "shared/base/escaped_text.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/landlock.h"
#include "shared/sys/program_file.h"
#include "shared/wire/wire.h"

namespace wg4::container {
namespace {

constexpr const char* init_name = "wg4netns-container";
constexpr std::chrono::seconds time_for_set_up{5};  // until the init has read it
constexpr int our_failure = 125;

Result<void> check_command(const Container& container) {
  if (container.arguments.empty()) return fail("run a command in a container: there is none");
  if (!container.path.starts_with('/') && container.path.contains('/'))
    return fail("run " + printable(container.path) + " in a container: the path is not absolute");
  if (!container.directory.starts_with('/'))
    return fail("start in " + printable(container.directory) + ": the path is not absolute");
  for (const std::string& variable : container.environment)
    if (variable.find('=') == std::string::npos || variable.starts_with('='))
      return fail("the environment variable " + printable(variable) + " is not NAME=value");
  if (container.hostname.size() > max_hostname_size)
    return fail("the host name " + printable(container.hostname) + " is longer than 64 bytes");
  return {};
}

Result<void> check_descriptor(int fd, const char* purpose) {
  if (fcntl(fd, F_GETFD) < 0) return fail("descriptor " + std::to_string(fd) + ", " + purpose, errno);
  return {};
}

Result<void> check_descriptors(const Container& container) {
  for (const int fd : container.standard_streams)
    if (fd >= 0) TRY(check_descriptor(fd, "for a standard stream of the container"));
  if (container.cgroup >= 0) TRY(check_descriptor(container.cgroup, "for the container's cgroup"));
  if (container.network >= 0) TRY(check_descriptor(container.network, "for the container's network"));
  if (container.network >= 0 && container.host_network)
    return fail("a container has the host's network, or that of a descriptor: not both");
  std::set<int> taken;
  for (const InheritedFd& file : container.extra_files) {
    TRY(check_descriptor(file.from, "for the container"));
    if (file.to <= STDERR_FILENO || file.to > max_descriptor)
      return fail("descriptor " + std::to_string(file.to) + " inside: extra files have numbers above 2");
    if (!taken.insert(file.to).second)
      return fail("descriptor " + std::to_string(file.to) + " inside: it is given twice");
  }
  return {};
}

Result<void> check_end(const Container& container) {
  if (container.wait_delay.count() < 0 || container.wait_delay > max_wait_delay)
    return fail("the time to end after a cancel is 0 to 30 seconds");
  const int signal = container.cancel_signal;
  if (signal < 1 || signal > max_signal || signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD)
    return fail("signal " + std::to_string(signal) + " cannot cancel a container");
  return {};
}

Result<void> check_landlock(const Container& container) {
  if (container.landlock.mode != LandlockSettings::Mode::require) return {};
  const std::vector<std::string> missing = missing_parts(landlock_domain_of(container), landlock_version());
  if (missing.empty()) return {};
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  return fail("Landlock of this kernel, version " + std::to_string(landlock_version()) + ", cannot restrict " + names,
              0, "Leave that out, or do not require it");
}

/// Bit n - 1 for signal n, as in /proc/PID/status.
std::uint64_t blocked_signals() {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  std::uint64_t bits = 0;
  for (int signal = 1; signal <= max_signal; ++signal)
    if (sigismember(&blocked, signal) == 1) bits |= std::uint64_t{1} << static_cast<unsigned>(signal - 1);
  return bits;
}

/// What the init has open: the standard streams, its socket, and one number after the other for the rest. Operations
/// that name descriptors are changed to these.
std::vector<InheritedFd> number_descriptors(Container& container, int null, int socket) {
  std::vector<InheritedFd> fds;
  for (int stream = 0; stream <= STDERR_FILENO; ++stream) {
    const int given = container.standard_streams.at(static_cast<std::size_t>(stream));
    fds.push_back({given < 0 ? null : given, stream});
  }
  fds.push_back({socket, init_socket});
  int next = init_socket + 1;
  for (const InheritedFd& file : container.extra_files) fds.push_back({file.from, next++});
  for (Operation& operation : container.operations)
    if (auto* bind = std::get_if<Bind>(&operation); bind != nullptr && bind->descriptor >= 0) {
      fds.push_back({bind->descriptor, next});
      bind->descriptor = next++;
    }
  return fds;
}

std::uint32_t in_milliseconds(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(time.count(), 0, std::numeric_limits<std::uint32_t>::max()));
}

/// Whether nobody has the other end, because the init ends.
bool is_closed(int socket) {
  pollfd entry{socket, 0, 0};
  return poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
}

Result<ExitStatus> await_end(Child& child) {
  constexpr std::chrono::hours long_time{1000};
  for (;;)
    if (const auto status = TRY(child.wait(long_time))) return *status;
}

}  // namespace

Result<RunningContainer> RunningContainer::start(Container container) {
  TRY(check_command(container));
  TRY(check_descriptors(container));
  TRY(check_end(container));
  TRY(check_landlock(container));
  std::vector<FilterProgram> filters = TRY(compile_filters(container));
  const std::string program = container.init.empty() ? TRY(find_own_program(init_name)) : container.init;
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return fail("open /dev/null", errno);
  SocketPair sockets = TRY(make_socket_pair(SOCK_STREAM));
  const InitProcess request{.program = program,
                            .fds = number_descriptors(container, null.get(), sockets.theirs.get()),
                            .own_network = !container.host_network,
                            .network = container.network,
                            .cgroup = container.cgroup,
                            .new_session = !container.retain_session};
  Child init = TRY(start_init(request));
  UniqueFd pidfd(fcntl(init.pidfd(), F_DUPFD_CLOEXEC, 0));
  if (!pidfd.valid()) return fail("duplicate a descriptor", errno);
  return RunningContainer(std::move(container), std::move(filters), std::move(init), std::move(pidfd),
                          std::move(sockets.ours));
}

Result<void> RunningContainer::serve() {
  failure_status_ = our_failure;
  if (const auto sent = send_set_up(); !sent && !is_closed(socket_.get())) {
    init_.kill();
    return sent;
  }
  TRY(await_start());
  failure_status_ = 0;
  return {};
}

Result<void> RunningContainer::send_set_up() {
  const OverflowIds nobody = overflow_ids();
  const IdPlan plan{.sub_ids = container_.sub_ids,
                    .uid = container_.uid.value_or(nobody.uid),
                    .gid = container_.gid.value_or(nobody.gid)};
  ids_ = TRY(map_ids(init_.pid(), plan));
  SetUp set_up{.container = container_,
               .uid = ids_.uid,
               .gid = ids_.gid,
               .new_network = !container_.host_network && container_.network < 0,
               .filters = filters_,
               .blocked_signals = blocked_signals(),
               .wait_delay_ms = in_milliseconds(container_.wait_delay),
               .adopt_wait_delay_ms = in_milliseconds(container_.adopt_wait_delay)};
  for (const InheritedFd& file : container_.extra_files) set_up.extra_files.push_back(file.to);
  auto bytes = wire::encode(set_up);
  if (!bytes) return fail_in("the container's parameters", std::move(bytes).error());
  return send_bytes(socket_.get(), *bytes, deadline_in(time_for_set_up));
}

Result<void> RunningContainer::await_start() {
  using Answer = std::variant<Started, Failure>;
  auto answer = TRY(receive<Answer>(socket_.get(), no_deadline));
  if (answer && std::holds_alternative<Started>(*answer)) {
    if (!container_.as_pid_1) return {};
    answer = TRY(receive<Answer>(socket_.get(), no_deadline));
    if (!answer) return {};  // exec has closed it
  }
  const auto ended = TRY(await_end(init_));
  if (!answer) return fail("make a container: its init " + ended.to_string());
  const auto* failure = std::get_if<Failure>(&*answer);
  if (failure == nullptr) return wire::no_sense();
  failure_status_ = failure->status;
  return std::unexpected(failure->error);
}

Result<Ending> RunningContainer::wait() {
  if (init_.pidfd() < 0) return fail("wait for a container: it has not been started, or waited for already");
  auto ended = receive<Ended>(socket_.get(), no_deadline);
  const auto status = TRY(await_end(init_));
  if (ended && *ended) return (*ended)->ending;
  // A command in the init's place; or the init was killed.
  return Ending{.status = status, .init_killed = !container_.as_pid_1};
}

Result<void> RunningContainer::cancel() const {
  // As process 1 a command would not get the other one, unless it handles it.
  const auto sent = send_signal(pidfd_.get(), container_.as_pid_1 ? SIGKILL : container_.cancel_signal);
  if (!sent && sent.error().number != ESRCH) return sent;
  return {};
}

}  // namespace wg4::container
