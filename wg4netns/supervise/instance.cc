#include "wg4netns/supervise/instance.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/sys/pipe.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds kill_patience{5};  // the kernel's own work, after SIGKILL

/// A pipe from its process to us, from which we read without waiting.
Result<Pipe> make_report_pipe() {
  Pipe pipe = TRY(make_pipe());
  if (fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) return fail("set up a pipe", errno);
  return pipe;
}

/// This program by its path: run from /proc/self/exe, its process would be called "exe".
Result<std::string> this_program() {
  std::error_code error;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("find this program", error.value());
  return path;
}

}  // namespace

Result<Instance> Instance::start(const Order& order) {
  Pipe ready = TRY(make_report_pipe());
  Pipe output = TRY(make_report_pipe());
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return fail("open /dev/null", errno);
  SpawnRequest spawn{.program = order.program.empty() ? TRY(this_program()) : order.program,
                     .arguments = {"wireguard4netns", "--ready-fd=" + std::to_string(ready_number)},
                     .environment = own_environment(),
                     .fds = order.fds};
  spawn.arguments.insert(spawn.arguments.end(), order.arguments.begin(), order.arguments.end());
  spawn.fds.insert(spawn.fds.end(), {{null.get(), STDIN_FILENO},
                                     {null.get(), STDOUT_FILENO},
                                     {output.writer.get(), STDERR_FILENO},
                                     {ready.writer.get(), ready_number}});
  return Instance(TRY(Child::spawn(spawn)), std::move(ready.reader), std::move(output.reader));
}

bool Instance::take_ready() {
  char word = 0;
  const bool ready = state_ == State::starting && read(ready_.get(), &word, 1) == 1;
  ready_.reset();
  if (ready) state_ = State::ready;
  return ready;
}

void Instance::pass_on() {
  constexpr int max_reads = 32;  // more than a pipe has room for
  std::array<char, max_said> text{};
  for (int i = 0; i < max_reads && output_.valid(); ++i) {
    const ssize_t got = read(output_.get(), text.data(), text.size());
    if (got < 0) return;
    if (got == 0) return output_.reset();
    const std::string_view said(text.data(), static_cast<std::size_t>(got));
    if (state_ == State::starting) said_.append(said);
    if (said_.size() > max_said) said_.erase(0, said_.size() - max_said);
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, said.data(), said.size());
  }
}

void Instance::take_end() {
  if (ending_) return;
  const auto status = process_.wait(std::chrono::milliseconds(0));
  if (status && *status) ended(**status, asked_to_end_ ? EndedBy::order : EndedBy::itself);
}

void Instance::ask_to_end() {
  if (ending_) return;
  kill(process_.pid(), SIGTERM);  // not reaped, so it is still the same process
  asked_to_end_ = true;
}

void Instance::end(std::chrono::milliseconds time) {
  if (ending_) return;
  ask_to_end();
  auto status = process_.wait(time);
  const bool obeyed = status && *status;
  if (!obeyed) {
    process_.kill();
    status = process_.wait(kill_patience);
  }
  if (status && *status) ended(**status, obeyed ? EndedBy::order : EndedBy::force);
}

void Instance::ended(const ExitStatus& status, EndedBy by) {
  pass_on();  // all that it has written before its end
  ending_ = Ending{status, by};
  state_ = State::ended;
}

std::string Instance::error() const {
  constexpr std::string_view mark = ": error: ";
  const std::size_t at = said_.find(mark);
  std::string text = said_.substr(at == std::string::npos ? 0 : at + mark.size());
  while (text.ends_with('\n')) text.pop_back();
  if (!text.empty()) return text;
  return "the tunnel " + (ending_ ? ending_->status.to_string() : "ended") + " before it was ready";
}

}  // namespace wg4
