#pragma once
// A command in an unprivileged container: with a root, ids, processes, a host name and a network of its own, without
// rights, under filters of system calls and Landlock. A program needs this header alone.
//
//   Container container;
//   container.arguments = {"sh", "-c", "id"};
//   container.operations = {Root{}, Proc{}, Dev{}, Tmpfs{.target = "/tmp"}};
//   RunningContainer running = TRY(RunningContainer::start(std::move(container)));
//   TRY(running.serve());
//   const Ending ending = TRY(running.wait());
//
//   this program                      the init: wg4netns-container, process 1 inside          the command
//     start() ─── clone3, exec ─────► waits for its instructions
//     serve() ─── maps the ids
//             ─── the set-up ───────► makes the container (init.h), gives up all rights
//             ◄── it runs, or why not ─ fork ─────────────────────────────────────────────► filters, exec
//     wait()                          reaps, passes signals on, keeps the time limits
//             ◄── how it ended ──────
//
// The container ends, with all processes in it, when the object does, and when the *thread* that has called start()
// ends. SIGCHLD must not be ignored in this program.

#include <sys/types.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "netns-helper/container/id_mapping.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container {

inline constexpr std::chrono::milliseconds max_wait_delay = std::chrono::seconds(30);

/// What the command is kept from by Landlock (shared/sys/landlock.h), beyond signals to processes outside, and abstract
/// sockets of theirs. Paths are inside. With `files` or `path_sockets` the command can mount nothing, not even in user
/// namespaces of its own, so that sandboxes of browsers do not work.
struct LandlockSettings {
  enum class Mode : std::uint8_t {
    automatic,  ///< as far as this kernel can
    require,    ///< all of it, or an error
    off,
  };
  Mode mode = Mode::automatic;
  bool files = false;  ///< all but those below `readable` and `writable`
  std::vector<std::string> readable = {};
  std::vector<std::string> writable = {};
  bool path_sockets = false;  ///< UNIX sockets with a path, of processes outside
  bool tcp = false;           ///< all but the ports below
  bool udp = false;           ///< likewise
  std::vector<std::uint16_t> ports_to_bind = {};
  std::vector<std::uint16_t> ports_to_connect = {};
};

/// All parameters. Descriptors stay the caller's; the container has duplicates.
struct Container {
  // the command
  std::string path = {};  ///< inside; a name is searched for in PATH, and so is arguments[0] if this is empty
  std::vector<std::string> arguments = {};         ///< arguments[0] included
  std::vector<std::string> environment = {};       ///< "NAME=value", all of it
  std::string directory = "/";                     ///< inside; where it starts
  std::vector<std::string> else_directories = {};  ///< tried in this order if that is missing
  bool as_pid_1 = false;  ///< it takes the place of the init: nothing reaps, and nothing below is kept

  // who it is
  std::optional<uid_t> uid = {};  ///< inside; else the kernel's overflow id, nobody
  std::optional<gid_t> gid = {};
  bool sub_ids = false;            ///< with the ranges of /etc/subuid and /etc/subgid (id_plan.h)
  std::string hostname = {};       ///< else as the host's
  bool privileged = false;         ///< keeps CAP_SYS_ADMIN inside
  std::uint64_t capabilities = 0;  ///< bits 1 << CAP_...: others that it keeps

  // what it sees
  std::vector<Operation> operations = {};  ///< in this order; none give it an empty root
  mode_t parent_mode = 0755;               ///< of folders that are made on the way to a target
  bool host_network = false;
  int network = -1;            ///< the descriptor of another network namespace, over which this process has rights
  bool host_abstract = false;  ///< it may connect to abstract sockets of processes outside
  std::array<int, 3> standard_streams = {0, 1, 2};  ///< -1: /dev/null
  std::vector<InheritedFd> extra_files = {};        ///< under numbers above 2
  bool retain_session = false;  ///< stays in this process's session. If not, it can never type into a terminal
  int cgroup = -1;              ///< a folder of cgroup 2, in which it starts

  // what it may not do
  filter::Choice seccomp = {};
  std::vector<filter::Rule> seccomp_rules = {};  ///< if there are any, in the place of the presets
  filter::Flags seccomp_flags = {};
  std::vector<FilterProgram> seccomp_programs = {};  ///< further ones, put in force one after the other
  bool log_denied = false;                           ///< the kernel logs refused system calls
  LandlockSettings landlock = {};

  // its end
  int cancel_signal = SIGUSR2;                 ///< to the init: what cancel() sends
  bool forward_cancel = false;                 ///< the command gets SIGINT, and time; else all ends at once
  std::chrono::milliseconds wait_delay{5000};  ///< that time; at most max_wait_delay
  /// For processes that are left when the command has ended; 0 and less: none.
  std::chrono::milliseconds adopt_wait_delay{5000};

  std::string init = {};  ///< the path of wg4netns-container; else beside this program, or where it is installed
};

/// How a container ended.
struct Ending {
  ExitStatus status;            ///< the command's
  bool cancelled = false;       ///< cancel() was called before it ended
  bool forced = false;          ///< and it has not ended within `wait_delay`: it was killed
  bool orphans_killed = false;  ///< processes that it had left were still there after `adopt_wait_delay`
  bool init_killed = false;     ///< somebody on the host has killed the init, and so all
};

class RunningContainer {
 public:
  /// Makes the namespaces, and in them the init, which waits. Can be called from a program with threads.
  [[nodiscard]] static Result<RunningContainer> start(Container container);

  /// Maps the ids, sends the set-up, and returns when the command runs. An error of the init, or of starting the
  /// command, is this one's, and the container has ended.
  [[nodiscard]] Result<void> serve();
  /// After an error of serve(), as env(1) ends: 125 the error is ours, 126 the command cannot be run, 127 there is
  /// none.
  [[nodiscard]] int failure_status() const { return failure_status_; }

  /// Waits for the end of the command, and of the processes that it has left. To be called once, after serve().
  [[nodiscard]] Result<Ending> wait();

  /// Ends the command. From any thread, also while another one waits; without an effect once it has ended.
  [[nodiscard]] Result<void> cancel() const;

  /// The init's.
  [[nodiscard]] pid_t pid() const { return init_.pid(); }
  /// Readable once all has ended. Signals that are sent to it are passed on to the command (send_signal()).
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// As serve() has mapped them.
  [[nodiscard]] const IdMapping& ids() const { return ids_; }

 private:
  RunningContainer(Container container, std::vector<FilterProgram> filters, Child init, UniqueFd pidfd, UniqueFd socket)
      : container_(std::move(container)),
        filters_(std::move(filters)),
        init_(std::move(init)),
        pidfd_(std::move(pidfd)),
        socket_(std::move(socket)) {}

  [[nodiscard]] Result<void> send_set_up();
  [[nodiscard]] Result<void> await_start();

  Container container_;
  std::vector<FilterProgram> filters_;
  Child init_;
  UniqueFd pidfd_;  // of the init, also while wait() closes init_'s
  UniqueFd socket_;
  IdMapping ids_;
  int failure_status_ = 0;
};

}  // namespace wg4::container
