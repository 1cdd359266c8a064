#include "wg4netns/engines/pasta.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <string>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/background.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {
namespace {

/// Opened before anything else, since a file that is there already may not be ours to overwrite. Invalid if no file is
/// wanted.
Result<UniqueFd> open_pid_file(const std::string& path) {
  if (path.empty()) return UniqueFd();
  constexpr int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd file(open(path.c_str(), flags, 0644));
  if (!file.valid() && (errno == ELOOP || errno == ENXIO))
    return fail("the pid file " + path + " is a link, a FIFO or a socket", 0, "It must be a regular file");
  if (!file.valid()) return fail("open " + path, errno, "The folder must exist, and be writable for this user");
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return fail("look at " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail("the pid file " + path + " is not a regular file", 0, "Choose another path");
  return file;
}

Result<void> write_pid(const UniqueFd& file, const std::string& path, pid_t pid) {
  if (!file.valid()) return {};
  const std::string text = std::to_string(pid) + "\n";
  if (ftruncate(file.get(), 0) != 0 || write(file.get(), text.data(), text.size()) != std::ssize(text))
    return fail("write " + path, errno);
  return {};
}

Result<void> stay_in_foreground(const PastaCommand& command, UniqueFd pid_file) {
  TRY(write_pid(pid_file, command.pid_file, getpid()));
  pid_file.reset();
  return attach(command.attach);
}

/// Returns once the namespace has its network.
Result<void> stay_in_background(const PastaCommand& command, UniqueFd pid_file) {
  AttachCommand attachment = command.attach;  // for a process in the root directory
  const std::string config = TRY(locate_config(attachment.tunnel.config, attachment.tunnel.profile));
  attachment.tunnel.config = TRY(absolute_path(config));
  attachment.tunnel.profile.reset();
  if (attachment.target_type == TargetType::path) attachment.target = TRY(absolute_path(attachment.target));
  if (attachment.userns_path) attachment.userns_path = TRY(absolute_path(*attachment.userns_path));

  const std::array kept{pid_file.get()};
  const pid_t pid = TRY(run_in_background(
      [&](UniqueFd ready_fd) {
        pid_file.reset();
        attachment.tunnel.ready_fd = ready_fd.release();
        return attach(attachment);
      },
      kept));
  auto written = write_pid(pid_file, command.pid_file, pid);
  if (!written) kill(pid, SIGTERM);  // no program could find it, to end it
  return written;
}

}  // namespace

Result<void> run_pasta(const PastaCommand& command) {
  UniqueFd pid_file = TRY(open_pid_file(command.pid_file));
  const bool has_file = pid_file.valid();
  auto ended = command.foreground ? stay_in_foreground(command, std::move(pid_file))
                                  : stay_in_background(command, std::move(pid_file));
  if (!ended && has_file) unlink(command.pid_file.c_str());
  return ended;
}

}  // namespace wg4
