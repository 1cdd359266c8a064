#include "wg4netns/commands/capture_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/log.h"
#include "shared/sys/signals.h"
#include "wg4netns/capture/capture_file.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {
namespace {

constexpr std::size_t read_size = 256UL * 1024;

ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // NOLINT: text as bytes
}

/// Writes to the file what the tunnel sends, until its end. Returns 0, or the errno of a write that failed.
int copy(int from, capture::CaptureFile& to) {
  SecretText bytes;
  for (;;) {
    const auto room = bytes.room(read_size);
    const ssize_t got = recv(from, room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    bytes.added(static_cast<std::size_t>(got));
    if (!to.write(bytes_of(bytes.view()))) return errno;
    bytes.clear();
  }
}

/// True if a signal asks for the end; false if the tunnel has ended the capture.
Result<bool> wait_for_end(SignalFd& signals, int connection) {
  std::array<pollfd, 2> waiting{
      {{.fd = signals.fd(), .events = POLLIN, .revents = 0}, {.fd = connection, .events = 0, .revents = 0}}};
  while (poll(waiting.data(), waiting.size(), -1) < 0)
    if (errno != EINTR) return fail("wait for the end of the capture", errno);
  return signals.read().has_value();
}

}  // namespace

Parsed<CaptureCommand> parse_capture(const Arguments& arguments) {
  CaptureCommand command;
  Parser parser("Captures a running tunnel, inside and outside, as pcapng, until Ctrl-C.", arguments);
  parser.argument("NAME", command.tunnel, "The tunnel").required().is_tunnel();
  parser.argument("FILE", command.file, "Where to; - is stdout").required().is_file();
  parser.flag("--keys", command.keys, "With the keys that decrypt it: the file is a secret then");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_capture(const CaptureCommand& command) {
  const RunningTunnel tunnel = TRY(find_tunnel(command.tunnel));
  std::signal(SIGPIPE, SIG_IGN);
  if (command.keys) capture::warn_of_keys("--keys");
  capture::CaptureFile file = TRY(capture::CaptureFile::open(command.file));
  SignalFd signals = TRY(SignalFd::create({SIGINT, SIGTERM, SIGHUP}));
  const UniqueFd connection = TRY(begin_capture(tunnel, command.keys));
  log::info("{}: the capture has begun; Ctrl-C ends it", tunnel.name);
  int error = 0;
  std::thread copier;
  try {
    copier = std::thread([&] {
      error = copy(connection.get(), file);
      shutdown(connection.get(), SHUT_RDWR);
    });
  } catch (const std::system_error& failure) {
    return fail("start a thread", failure.code().value(), "Raise the limit on processes");
  }
  const auto wanted = wait_for_end(signals, connection.get());
  shutdown(connection.get(), SHUT_WR);  // what has been recorded by now still comes
  file.hurry();
  copier.join();
  if (wanted && !*wanted && error == 0) log::info("{} has ended, and the capture with it", tunnel.name);
  if (error != 0 && error != EPIPE && error != EAGAIN) return fail("write the capture", error);
  if (error == EAGAIN) log::warning("the end of the capture is missing: no program reads the file");
  return wanted ? Result<void>{} : std::unexpected(wanted.error());
}

}  // namespace wg4
