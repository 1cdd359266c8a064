#include "wg4netns/app/pasta.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "shared/sys/daemon.h"
#include "wg4netns/app/attach.h"
#include "wg4netns/app/config_file.h"

namespace wg4 {
namespace {

Result<void> write_pid(const std::string& path, pid_t pid) {
  if (path.empty()) return {};
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return fail("open " + path, errno, "The folder must exist, and be writable for this user");
  const std::string text = std::to_string(pid) + "\n";
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail("write " + path, errno);
  return {};
}

Result<void> stay_in_foreground(const PastaCommand& command) {
  TRY(write_pid(command.pid_file, getpid()));
  auto ended = attach(command.attach);
  if (!ended && !command.pid_file.empty()) unlink(command.pid_file.c_str());
  return ended;
}

}  // namespace

Result<void> run_pasta(const PastaCommand& command) {
  if (command.foreground) return stay_in_foreground(command);
  AttachCommand attachment = command.attach;  // for a process in the root directory
  const std::string config = TRY(locate_config(attachment.tunnel.config, attachment.tunnel.profile));
  attachment.tunnel.config = TRY(absolute_path(config));
  attachment.tunnel.profile.reset();
  if (attachment.target_type == TargetType::path) attachment.target = TRY(absolute_path(attachment.target));
  if (attachment.userns_path) attachment.userns_path = TRY(absolute_path(*attachment.userns_path));

  const pid_t pid = TRY(run_in_background([&](UniqueFd ready_fd) {
    attachment.tunnel.ready_fd = ready_fd.release();
    return attach(attachment);
  }));
  const auto written = write_pid(command.pid_file, pid);
  if (!written) kill(pid, SIGTERM);  // nobody could end it later on
  return written;
}

}  // namespace wg4
