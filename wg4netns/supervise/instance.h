#pragma once
// One tunnel that was started for a client: a process of this program, followed from its start to its end.
//
//   starting ── the "1" of --ready-fd ──► ready
//       └────── an end ──────────► ended ◄──┘
//
// Its owner waits for three descriptors, and calls the function that is named at each. If an Instance is destroyed, or
// the thread that started it ends, its process is killed: no tunnel goes on without an owner.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"

namespace wg4 {

class Instance {
 public:
  struct Order {
    std::vector<std::string> arguments;  ///< behind the program's name and --ready-fd
    std::vector<InheritedFd> fds{};      ///< beyond 0, 1, 2 and ready_number
    std::string program{};               ///< that takes them; empty = this one
  };
  static constexpr int ready_number = 3;

  enum class State : std::uint8_t { starting, ready, ended };
  enum class EndedBy : std::uint8_t {
    itself,
    order,  ///< SIGTERM of end()
    force,  ///< SIGKILL, as it did not end in time
  };
  struct Ending {
    ExitStatus status;
    EndedBy by = EndedBy::itself;
  };

  /// Runs the program with this process' environment and without its standard streams.
  [[nodiscard]] static Result<Instance> start(const Order& order);

  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] State state() const { return state_; }

  /// Readable when take_ready() is to be called; invalid from then on.
  [[nodiscard]] int ready_fd() const { return ready_.get(); }
  /// True if the tunnel is ready. If not, it is about to end, and error() says why then.
  bool take_ready();

  /// Readable when pass_on() is to be called; invalid once there is no more to come.
  [[nodiscard]] int output_fd() const { return output_.get(); }
  /// Writes to our standard error what it has written to its own.
  void pass_on();

  /// Readable when take_end() is to be called.
  [[nodiscard]] int end_fd() const { return process_.pidfd(); }
  void take_end();

  /// SIGTERM; returns at once.
  void ask_to_end();
  /// Ends it by SIGTERM, and by SIGKILL if it takes more than `time` to clear away what it has made.
  void end(std::chrono::milliseconds time);

  /// How it ended; nothing while it runs.
  [[nodiscard]] const std::optional<Ending>& ending() const { return ending_; }
  /// Why it has ended before it was ready: its error, without the program's name, or else how it ended.
  [[nodiscard]] std::string error() const;

 private:
  static constexpr std::size_t max_said = 4096;  // bytes of its last messages before it was ready

  Instance(Child process, UniqueFd ready, UniqueFd output)
      : process_(std::move(process)), ready_(std::move(ready)), output_(std::move(output)) {}
  void ended(const ExitStatus& status, EndedBy by);

  Child process_;
  UniqueFd ready_;
  UniqueFd output_;
  State state_ = State::starting;
  std::string said_;
  bool asked_to_end_ = false;
  std::optional<Ending> ending_;
};

}  // namespace wg4
