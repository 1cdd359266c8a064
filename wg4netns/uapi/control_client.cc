#include "wg4netns/uapi/control_client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <system_error>

#include "shared/base/escaped_text.h"
#include "shared/base/secret_text.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/unix_socket.h"
#include "wg4netns/core/control.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience{10};  // with each step
constexpr std::size_t read_size = 64UL * 1024;
constexpr std::size_t max_line = 64UL * 1024;
constexpr std::size_t max_answer = 32;                                        // to the request for a capture
constexpr AnswerLimits outcome_limits{64UL * 1024, std::chrono::minutes(1)};  // for a change, which may take long

Result<void> send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return fail("talk to the tunnel", errno);
    } else if (!TRY(wait_until(fd, POLLOUT, deadline_in(patience)))) {
      return fail("the tunnel does not listen", ETIMEDOUT);
    }
  }
  return {};
}

using TakeLine = std::function<uapi::Errno(std::string_view)>;

/// Calls `take` for each whole line and removes it from `text`. True after the empty line.
Result<bool> take_lines(SecretText& text, const TakeLine& take) {
  std::size_t used = 0;
  for (std::size_t end = 0; (end = text.view().find('\n', used)) != std::string_view::npos; used = end + 1) {
    if (end == used) return true;
    if (take(text.view().substr(used, end - used)) != 0) return fail("understand the tunnel", EPROTO);
  }
  text.drop_front(used);
  if (text.size() > max_line) return fail("understand the tunnel: its line has no end", EPROTO);
  return false;
}

/// Calls `take` for each line up to the empty one.
Result<void> receive_lines(int fd, const AnswerLimits& limits, const TakeLine& take) {
  const Deadline end = deadline_in(limits.time);
  SecretText text;
  for (std::size_t left = limits.bytes; std::chrono::steady_clock::now() < end;) {
    const auto room = text.room(read_size);
    const ssize_t got = recv(fd, room.data(), room.size(), 0);
    if (got == 0) return fail("the tunnel ended the talk", EPROTO);
    if (got < 0 && errno != EAGAIN && errno != EINTR) return fail("listen to the tunnel", errno);
    if (got < 0) {
      const bool says_more = TRY(wait_until(fd, POLLIN, std::min(deadline_in(patience), end)));
      if (says_more || std::chrono::steady_clock::now() >= end) continue;
      return fail("the tunnel does not answer", ETIMEDOUT);
    }
    const auto size = static_cast<std::size_t>(got);
    text.added(size);
    if (TRY(take_lines(text, take))) return {};
    if (size > left)
      return fail("the tunnel says more than " + std::to_string(limits.bytes) + " bytes", 0,
                  "Its socket may be another program's");
    left -= size;
  }
  return fail("the tunnel has not said all after " + std::to_string(limits.time / std::chrono::seconds(1)) + " s");
}

Result<void> talk(const RunningTunnel& tunnel, std::string_view request, const AnswerLimits& limits,
                  const TakeLine& take) {
  const UniqueFd fd = TRY(uapi::connect_to(tunnel.path));
  TRY(send_all(fd.get(), request));
  return receive_lines(fd.get(), limits, take);
}

}  // namespace

std::vector<RunningTunnel> find_tunnels() {
  std::vector<RunningTunnel> found;
  for (const std::string& folder : uapi::search_folders()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.path().extension() != ".sock" || !uapi::connect_to(entry.path())) continue;
      found.push_back({entry.path().stem(), entry.path()});
    }
  }
  std::ranges::sort(found, {}, &RunningTunnel::name);
  return found;
}

Result<RunningTunnel> find_tunnel(const std::string& name) {
  auto tunnels = find_tunnels();
  const auto found = std::ranges::find(tunnels, name, &RunningTunnel::name);
  if (found != tunnels.end()) return std::move(*found);
  std::string names;
  for (const RunningTunnel& tunnel : tunnels) names.append(names.empty() ? "" : ", ").append(tunnel.name);
  const std::string what = "no tunnel of this user is called " + name;
  if (!names.empty()) return fail(what, 0, "There are: " + names);
  const auto folder = uapi::expect_a_folder();
  return fail(what, 0, "None runs that has a control socket" + (folder ? "" : ": " + folder.error().message()));
}

Result<pid_t> owner_of(const RunningTunnel& tunnel) {
  const UniqueFd fd = TRY(uapi::connect_to(tunnel.path));
  const auto peer = peer_of(fd.get());
  if (!peer) return fail("find out who listens at " + tunnel.path, errno);
  return peer->pid;
}

Result<uapi::StatusReader> ask_status(const RunningTunnel& tunnel, const AnswerLimits& limits) {
  uapi::StatusReader reader;
  auto told = talk(tunnel, "get=1\n\n", limits, [&](std::string_view line) { return reader.line(line); });
  if (!told) return fail_in(tunnel.name, std::move(told).error());
  if (reader.result.value_or(EPROTO) != 0) return fail("ask " + tunnel.name, reader.result.value_or(EPROTO));
  return reader;
}

OwnStatus ask_own_status(const RunningTunnel& tunnel, const AnswerLimits& limits) {
  OwnStatus lines;
  const auto told = talk(tunnel, "wg4netns=1\n\n", limits, [&](std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return EPROTO;
    auto value = unescape(line.substr(equals + 1));
    if (!value) return EPROTO;
    if (line.substr(0, equals) != "errno") lines.emplace_back(line.substr(0, equals), *std::move(value));
    return 0;
  });
  return told ? lines : OwnStatus{};
}

Result<UniqueFd> begin_capture(const RunningTunnel& tunnel, bool with_keys) {
  UniqueFd fd = TRY(uapi::connect_to(tunnel.path));
  TRY(send_all(fd.get(), with_keys ? "wg4netns=capture-keys\n\n" : "wg4netns=capture\n\n"));
  std::string answer;
  const Deadline deadline = deadline_in(patience);
  // Byte by byte, since the bytes behind the answer belong to the capture.
  for (char letter = 0; !answer.ends_with("\n\n"); answer += letter) {
    if (!TRY(wait_until(fd.get(), POLLIN, deadline))) return fail(tunnel.name + " does not answer");
    if (recv(fd.get(), &letter, 1, 0) != 1 || answer.size() > max_answer)
      return fail(tunnel.name + " knows of no captures", 0, "It is another program, or an older version of this one");
  }
  if (answer.starts_with("errno=16\n"))
    return fail("capture " + tunnel.name, EBUSY, "As many captures as there can be have begun already");
  if (answer != "errno=0\n\n") return fail("capture " + tunnel.name + ": " + answer.substr(0, answer.find('\n')));
  if (fcntl(fd.get(), F_SETFL, 0) != 0) return fail("prepare a connection", errno);
  return fd;
}

Result<void> send_names(const RunningTunnel& tunnel, const std::vector<uapi::NamedEndpoint>& names) {
  SecretText text;
  text.append("wg4netns=follow\n");
  for (const uapi::NamedEndpoint& name : names) uapi::write(text, name);
  text.append("\n");
  uapi::StatusReader reader;
  TRY(talk(tunnel, text.view(), outcome_limits, [&](std::string_view line) { return reader.line(line); }));
  if (const auto number = reader.result.value_or(EPROTO); number != 0)
    return fail("follow the names of " + tunnel.name, number);
  return {};
}

Result<UniqueFd> ask_for_tun(const RunningTunnel& tunnel) {
  const UniqueFd fd = TRY(uapi::connect_to(tunnel.path));
  TRY(send_all(fd.get(), "wg4netns=tun\n\n"));
  if (!TRY(wait_until(fd.get(), POLLIN, deadline_in(patience)))) return fail(tunnel.name + " does not answer");
  std::array<std::uint8_t, max_answer> answer{};
  auto message = TRY(receive_message(fd.get(), answer, 1));
  if (!message || message->fds.size() != 1)
    return fail(tunnel.name + " gives nobody its interface", 0, "It is another program, or an older version");
  return std::move(message->fds.front());
}

Result<void> send_link(const RunningTunnel& tunnel, const uapi::LinkStatus& link) {
  SecretText text;
  text.append("wg4netns=link\n");
  uapi::write(text, link);
  text.append("\n");
  uapi::StatusReader reader;
  TRY(talk(tunnel, text.view(), outcome_limits, [&](std::string_view line) { return reader.line(line); }));
  if (const auto number = reader.result.value_or(EPROTO); number != 0)
    return fail("tell " + tunnel.name + " of its interface", number);
  return {};
}

Result<void> send_change(const RunningTunnel& tunnel, const DeviceChange& change) {
  SecretText text;
  text.append("set=1\n");
  uapi::write(text, change);
  text.append("\n");
  uapi::StatusReader reader;
  auto told = talk(tunnel, text.view(), outcome_limits, [&](std::string_view line) { return reader.line(line); });
  if (!told) return fail_in(tunnel.name, std::move(told).error());
  if (const auto number = reader.result.value_or(EPROTO); number != 0) return fail("change " + tunnel.name, number);
  return {};
}

}  // namespace wg4
