#include "shared/sys/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <expected>
#include <fstream>
#include <initializer_list>
#include <utility>

#include "shared/sys/deadline.h"
#include "shared/sys/log_reader.h"
#include "shared/sys/pipe.h"

// Order of things in spawn():
//   1. the parent prepares everything that allocates (argv, a copy of a program on a noexec mount);
//   2. fork; between fork and exec the child makes system calls only, for another thread may hold malloc's lock;
//   3. a close-on-exec pipe tells the parent how it went: its end without a word means that exec worked.

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace wg4 {
namespace {

constexpr int child_failed_status = 127;  // of a child in which exec failed; it is not used

/// What the child reports before it exits.
struct ChildFailure {
  enum class Step : std::uint8_t { descriptors, exec } step;
  int number;  // errno
};

Result<UniqueFd> make_executable_memory_file() {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(memfd_create("program", flags | MFD_EXEC));
  if (!file.valid() && errno == EINVAL) file.reset(memfd_create("program", flags));  // before Linux 6.3
  if (file.valid()) return file;
  if (errno == EACCES)
    return fail("create an executable file in memory", errno,
                "The sysctl vm.memfd_noexec forbids it on this host: put the program on a mount without noexec");
  return fail("create an executable file in memory", errno);
}

Result<UniqueFd> copy_to_memory(const std::string& path, int source, off_t size) {
  UniqueFd copy = TRY(make_executable_memory_file());
  for (off_t offset = 0; offset < size;) {
    const ssize_t copied = sendfile(copy.get(), source, &offset, static_cast<std::size_t>(size - offset));
    if (copied < 0 && errno == EINTR) continue;
    if (copied <= 0) return fail("copy " + path + " to memory", copied == 0 ? EIO : errno);
  }
  if (fcntl(copy.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return fail("seal the copy of " + path + " in memory", errno);
  return copy;
}

/// The parameters of the child. They are prepared before the fork.
struct ChildPlan {
  pid_t parent;
  const char* path;
  int memory_copy;  // -1: run `path`
  char* const* arguments;
  char* const* environment;
  std::span<InheritedFd> fds;  // a scratch copy, which the child changes
  int report;
};

[[noreturn]] void give_up(int report, ChildFailure::Step step) {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const ssize_t written = write(report, &failure, sizeof failure);
  _exit(child_failed_status);
}

/// Blocked and ignored signals are inherited through exec, and ours (signalfd) are blocked.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) static_cast<void>(signal(number, SIG_DFL));  // not SIGKILL, SIGSTOP
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// SIGINT and the like are for the parent, which then ends the child; SIGPIPE would end it instead of an error from
/// write.
void ignore_terminating_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) static_cast<void>(signal(number, SIG_IGN));
}

/// Closes from..to, both included. Linux before 5.9 has no close_range.
void close_from_to(int from, int to) {
  if (from > to || close_range(static_cast<unsigned>(from), static_cast<unsigned>(to), 0) == 0) return;
  const auto limit = static_cast<int>(sysconf(_SC_OPEN_MAX));
  for (int fd = from; fd <= std::min(to, limit); ++fd) close(fd);
}

/// For a child that does not exec.
void keep_only(std::span<const int> fds) {
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; ++fd) dup2(null, fd);
  log::leave_syslog();
  close_others(fds);
}

[[noreturn]] void run_child(ChildPlan plan) {
  if (!die_with_parent(plan.parent)) _exit(child_failed_status);
  reset_signals();
  if (!place_descriptors(plan.fds, {&plan.report, &plan.memory_copy}))
    give_up(plan.report, ChildFailure::Step::descriptors);
  execute(plan.path, plan.memory_copy, plan.arguments, plan.environment);
  give_up(plan.report, ChildFailure::Step::exec);
}

std::unexpected<Error> explain(const ChildFailure& failure, const std::string& program) {
  if (failure.step == ChildFailure::Step::descriptors) return fail("pass descriptors to " + program, failure.number);
  if (failure.number == EACCES)
    return fail("run " + program, failure.number,
                "Make it executable (chmod +x) and its folders searchable, and see whether a security module "
                "(AppArmor, SELinux) forbids it");
  if (failure.number == ENOENT)
    return fail("run " + program, failure.number,
                "The interpreter that it names is missing; and a script cannot be run from a noexec mount");
  return fail("run " + program, failure.number);
}

/// What the child wrote before it exited; nothing if exec closed the pipe.
std::optional<ChildFailure> read_report(int pipe) {
  ChildFailure failure{};
  ssize_t size = 0;
  do size = read(pipe, &failure, sizeof failure);
  while (size < 0 && errno == EINTR);
  if (size != static_cast<ssize_t>(sizeof failure)) return std::nullopt;
  return failure;
}

}  // namespace

Result<UniqueFd> copy_if_noexec(const std::string& path) {
  const UniqueFd source(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!source.valid()) {
    if (errno == EACCES) return UniqueFd();  // a program may be executable but not readable
    return fail("open " + path, errno);
  }
  struct stat status{};
  struct statvfs mount{};
  if (fstat(source.get(), &status) != 0 || fstatvfs(source.get(), &mount) != 0) return fail("stat " + path, errno);
  if (!S_ISREG(status.st_mode)) return fail("run " + path + ": it is not a regular file");
  if ((mount.f_flag & ST_NOEXEC) == 0) return UniqueFd();
  return copy_to_memory(path, source.get(), status.st_size);
}

void execute(const char* path, int memory_copy, char* const* arguments, char* const* environment) {
  if (memory_copy >= 0)
    syscall(SYS_execveat, memory_copy, "", arguments, environment, AT_EMPTY_PATH);
  else
    execve(path, arguments, environment);
}

/// A descriptor's number may be another one's target, so all descriptors are first moved to other numbers.
bool place_descriptors(std::span<InheritedFd> fds, std::initializer_list<int*> moved) {
  int above = 2;
  for (const InheritedFd& fd : fds) above = std::max(above, fd.to);
  const auto move_up = [above](int& fd) {
    const int other = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, above + 1);
    if (fd >= 0 && other < 0) return false;
    fd = other;
    return true;
  };
  // First those by which failures of the others are reported; all targets of dup2 are below them.
  for (int* const fd : moved)
    if (!move_up(*fd)) return false;
  for (InheritedFd& fd : fds)
    if (!move_up(fd.from)) return false;
  // All of our descriptors are close-on-exec; this is for those that a library or our caller left open. It fails before
  // Linux 5.11, where those stay open.
  close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  return std::ranges::all_of(fds, [](const InheritedFd& fd) { return dup2(fd.from, fd.to) >= 0; });
}

Result<void> forbid_looking_in() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail("forbid core dumps", errno);
  return {};
}

bool die_with_parent(pid_t parent) {
  // In the other order, the parent could end unnoticed in between.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == parent;
}

UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

std::vector<char*> to_pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  // execve only reads them, although its parameter is not const.
  for (const std::string& text : strings)
    pointers.push_back(const_cast<char*>(text.c_str()));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  pointers.push_back(nullptr);
  return pointers;
}

Result<void> send_signal(int pidfd, int signal) {
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0) return fail("signal a process", errno);
  return {};
}

std::string process_name(const std::string& folder) {
  std::ifstream file(folder + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

void reap_children() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

bool process_has_ended(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  return all;
}

std::string ExitStatus::to_string() const {
  if (!signaled) return "exited with status " + std::to_string(value);
  return "was killed by signal " + std::to_string(value) + " (" + strsignal(value) + ")";
}

Result<Child> Child::spawn(const SpawnRequest& request) {
  const UniqueFd memory_copy = TRY(copy_if_noexec(request.program));
  const auto arguments = to_pointers(request.arguments);
  const auto environment = to_pointers(request.environment);
  std::vector<InheritedFd> fds = request.fds;
  Pipe report = TRY(make_pipe());

  const ChildPlan plan{getpid(), request.program.c_str(), memory_copy.get(), arguments.data(), environment.data(),
                       fds,      report.writer.get()};
  const pid_t pid = ::fork();
  if (pid < 0) return fail("start a process for " + request.program, errno);
  if (pid == 0) run_child(plan);
  report.writer.reset();

  Child child = TRY(watch(pid, request.program));
  if (const auto failure = read_report(report.reader.get())) return explain(*failure, request.program);
  return child;
}

Result<Child> Child::fork(std::span<const int> fds, const std::function<int()>& body) {
  const pid_t parent = getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail("start a process", errno);
  if (pid == 0) {
    if (!die_with_parent(parent)) _exit(child_failed_status);
    reset_signals();
    ignore_terminating_signals();
    keep_only(fds);
    _exit(body());
  }
  return watch(pid, "a child");
}

/// A Child for the process `pid`.
Result<Child> Child::watch(pid_t pid, const std::string& name) {
  Child child(pid, open_pidfd(pid));
  if (child.pidfd_.valid()) return child;
  const int number = errno;
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return fail("watch the process of " + name, number);
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill_and_reap();
    pid_ = other.pid_;
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Child::~Child() { kill_and_reap(); }

void Child::kill() {
  if (pidfd_.valid()) static_cast<void>(try_to_kill());
}

bool Child::try_to_kill() {
  const auto sent = send_signal(pidfd_.get(), SIGKILL);
  return sent || sent.error().number == ESRCH;
}

void Child::kill_and_reap() {
  if (!pidfd_.valid() || !try_to_kill()) return;
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  pidfd_.reset();
}

Result<std::optional<ExitStatus>> Child::wait(std::chrono::milliseconds timeout) {
  if (!TRY(wait_until(pidfd_.get(), POLLIN, deadline_in(timeout)))) return std::nullopt;
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0)
    return fail("wait for process " + std::to_string(pid_), errno);
  pidfd_.reset();
  return ExitStatus{info.si_code != CLD_EXITED, info.si_status};
}

void close_others(std::span<const int> keep) {
  std::vector<int> kept(keep.begin(), keep.end());
  std::ranges::sort(kept);
  int next = STDERR_FILENO + 1;
  for (const int fd : kept) {
    close_from_to(next, fd - 1);
    next = std::max(next, fd + 1);
  }
  close_from_to(next, INT_MAX);
}

}  // namespace wg4
