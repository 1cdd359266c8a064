#include "netns-helper/container/init_process.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <utility>

#include "netns-helper/container/userns_facts.h"
#include "shared/base/scope_exit.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/pipe.h"

// Between the clone and exec the child makes system calls only, for another thread may have held malloc's lock; and all
// signals are blocked from before the clone on, so no handler of this program runs in it.
//
// Another network namespace has to be joined before the new user namespace is made, in which no process has rights over
// it. That takes a process in between, which makes the init as its own sibling:
//
//   this thread ── clone ─► joins the network namespace ── clone(CLONE_PARENT) ─► the init, a child of this thread
//
// Both tell by a pipe that exec closes how it went.

namespace wg4::container {
namespace {

constexpr int child_failed_status = 127;  // not used
constexpr std::uint64_t namespaces =
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

enum class Step : std::uint8_t { made, network, clone, capabilities, descriptors, exec };

/// What the children say. `made` has the init's pid, the others an errno.
struct Report {
  Step step = Step::made;
  int number = 0;
};

/// Prepared before the first clone.
struct Plan {
  const InitProcess& request;
  int memory_copy;  // -1: run the program by its path
  char* const* arguments;
  char* const* environment;
  std::span<InheritedFd> fds;  // a scratch copy
  int report;
  std::uint64_t flags;
};

void tell(int report, Step step, int number) {
  const Report said{step, number};
  [[maybe_unused]] const ssize_t written = write(report, &said, sizeof said);
}

[[noreturn]] void give_up(int report, Step step) {
  tell(report, step, errno);
  _exit(child_failed_status);
}

struct Clone {
  std::uint64_t flags = 0;
  int cgroup = -1;
  int* pidfd = nullptr;
  unsigned exit_signal = SIGCHLD;
};

/// As fork(2).
long clone_process(const Clone& request) {
  clone_args arguments{};
  arguments.flags = request.flags;
  arguments.exit_signal = request.exit_signal;
  if (request.pidfd != nullptr) {
    arguments.flags |= CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(request.pidfd);
  }
  if (request.cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<unsigned>(request.cgroup);
  }
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid >= 0 || errno != ENOSYS || request.cgroup >= 0) return pid;
  // Linux before 5.3, or a filter of system calls that cannot look into clone3's arguments.
  return syscall(SYS_clone, arguments.flags | arguments.exit_signal, nullptr, request.pidfd, nullptr, nullptr);
}

/// A program that is run by another user than root, as any is before ids are mapped, would lose them.
bool keep_capabilities_over_exec() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (__user_cap_data_struct& set : sets) set.inheritable = set.permitted;
  if (syscall(SYS_capset, &header, sets.data()) != 0) return false;
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
  return true;
}

[[noreturn]] void become_init(Plan plan) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // the init looks whether that was in time: its socket is closed then
  if (plan.request.new_session) setsid();
  if (!keep_capabilities_over_exec()) give_up(plan.report, Step::capabilities);
  if (!place_descriptors(plan.fds, {&plan.report, &plan.memory_copy})) give_up(plan.report, Step::descriptors);
  execute(plan.request.program.c_str(), plan.memory_copy, plan.arguments, plan.environment);
  give_up(plan.report, Step::exec);
}

/// The process in between.
[[noreturn]] void join_and_make_init(const Plan& plan) {
  if (setns(plan.request.network, CLONE_NEWNET) != 0) give_up(plan.report, Step::network);
  const long pid = clone_process({.flags = plan.flags | CLONE_PARENT, .cgroup = plan.request.cgroup, .exit_signal = 0});
  if (pid == 0) become_init(plan);
  if (pid < 0) give_up(plan.report, Step::clone);
  tell(plan.report, Step::made, static_cast<int>(pid));
  _exit(0);
}

bool is_about_cgroups(int number) {
  return number == EACCES || number == EBUSY || number == EBADF || number == EOPNOTSUPP || number == ENODEV;
}

std::unexpected<Error> explain(Step step, int number, const InitProcess& request) {
  switch (step) {
    case Step::made:
    case Step::clone:
      if (request.cgroup >= 0 && is_about_cgroups(number))
        return fail(
            fmt::format("start in the cgroup of descriptor {}", request.cgroup), number,
            "It must be a folder of cgroup 2 that was delegated to this user, without processes beside folders");
      return std::unexpected(userns_refused(number));
    case Step::network:
      return fail(fmt::format("join the network namespace of descriptor {}", request.network), number,
                  number == EPERM ? "Only a process with CAP_SYS_ADMIN in the user namespace that owns it can: start "
                                    "this program there"
                                  : "");
    case Step::capabilities:
      return fail("keep the capabilities of the container's init", number);
    case Step::descriptors:
      return fail("pass descriptors to the container's init", number);
    case Step::exec:
      break;
  }
  return fail("run " + request.program, number, "It must be executable, in folders that you may search");
}

/// What the children have said until exec has closed the pipe.
struct Said {
  pid_t made = -1;
  std::optional<Report> failure;
};

Said listen(int pipe) {
  Said said;
  Report report;
  for (;;) {
    const ssize_t size = read(pipe, &report, sizeof report);
    if (size < 0 && errno == EINTR) continue;
    if (size != static_cast<ssize_t>(sizeof report)) return said;
    if (report.step == Step::made)
      said.made = report.number;
    else
      said.failure = report;
  }
}

Result<Child> start_directly(const Plan& plan, int pipe_reader, UniqueFd pipe_writer) {
  int pidfd = -1;
  const long pid = clone_process({.flags = plan.flags, .cgroup = plan.request.cgroup, .pidfd = &pidfd});
  if (pid == 0) become_init(plan);
  if (pid < 0) return explain(Step::clone, errno, plan.request);
  Child child = Child::adopt(static_cast<pid_t>(pid), UniqueFd(pidfd));
  pipe_writer.reset();
  if (const auto failure = listen(pipe_reader).failure) return explain(failure->step, failure->number, plan.request);
  return child;
}

Result<Child> start_in_network(const Plan& plan, int pipe_reader, UniqueFd pipe_writer) {
  const long between = clone_process({});
  if (between == 0) join_and_make_init(plan);
  if (between < 0) return fail("start a process", errno);
  pipe_writer.reset();
  const Said said = listen(pipe_reader);
  waitpid(static_cast<pid_t>(between), nullptr, 0);
  std::optional<Child> child;
  if (said.made > 0) child = Child::adopt(said.made, open_pidfd(said.made));
  if (said.failure) return explain(said.failure->step, said.failure->number, plan.request);
  if (!child) return fail("start the container's init: it has been killed");
  return std::move(*child);
}

}  // namespace

Result<Child> start_init(const InitProcess& request) {
  const UniqueFd memory_copy = TRY(copy_if_noexec(request.program));
  const std::vector<std::string> argument{"wg4netns-container"};
  const auto arguments = to_pointers(argument);
  const auto environment = to_pointers({});
  std::vector<InheritedFd> fds = request.fds;
  Pipe pipe = TRY(make_pipe());
  const bool new_network = request.network < 0 && request.own_network;
  const Plan plan{request,
                  memory_copy.get(),
                  arguments.data(),
                  environment.data(),
                  fds,
                  pipe.writer.get(),
                  namespaces | (new_network ? std::uint64_t{CLONE_NEWNET} : 0)};

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const ScopeExit restore([&before] { pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  return request.network < 0 ? start_directly(plan, pipe.reader.get(), std::move(pipe.writer))
                             : start_in_network(plan, pipe.reader.get(), std::move(pipe.writer));
}

}  // namespace wg4::container
