#pragma once
// Containers of tests: a command's output and its end, as this user and, for root, as an ordinary one.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "netns-helper/container/container.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/pipe.h"
#include "tests/support/machine.h"
#include "tests/support/ordinary_user.h"

namespace wg4::container {

/// `script` for sh(1), which sees the host's programs.
inline Container shell(const std::string& script) {
  Container container;
  container.arguments = {"sh", "-c", script};
  container.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  container.operations = {Root{}, Dev{}, Proc{}, Tmpfs{.target = "/tmp"}};
  return container;
}

inline std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  return text;
}

/// "exited with status 3", with what is beyond that: ", cancelled".
inline std::string describe(const Ending& ending) {
  std::string text = ending.status.to_string();
  if (ending.cancelled) text += ", cancelled";
  if (ending.forced) text += ", forced";
  if (ending.orphans_killed) text += ", orphans killed";
  if (ending.init_killed) text += ", init killed";
  return text;
}

/// A container that serves, and what its standard output comes from; or why it does not run, with the status.
struct Served {
  std::optional<RunningContainer> running = {};
  UniqueFd output = {};
  std::string why_not = {};
};

inline Served serve(Container container) {
  auto pipe = make_pipe();
  if (!pipe) return {.why_not = "no pipe"};
  container.standard_streams = {-1, pipe->writer.get(), 2};
  auto running = RunningContainer::start(std::move(container));
  pipe->writer.reset();
  if (!running) return {.why_not = "not started: " + running.error().message()};
  if (const auto served = running->serve(); !served)
    return {.why_not = fmt::format("not served, {}: {}", running->failure_status(), served.error().message())};
  return {.running = std::move(*running), .output = std::move(pipe->reader)};
}

/// What it has written to its standard output, and how it ended; or why it did not run, with the status.
inline std::string run(Container container) {
  Served served = serve(std::move(container));
  if (!served.running) return served.why_not;
  std::string text = read_to_end(served.output.get());
  const auto ending = served.running->wait();
  if (!ending) return text + "not waited: " + ending.error().message();
  if (describe(*ending) != "exited with status 0") text += describe(*ending);
  return text;
}

/// The same as the ordinary user.
inline std::string run_as_user(const Container& container) {
  return said_by(ordinary_user(), [&] { return run(container); });
}

/// Why there are no containers here; empty if there are.
inline const std::string& why_no_containers() {
  static const std::string why = [] {
    const std::string said = run_as_user(shell("echo works"));
    return said == "works\n" ? std::string() : said;
  }();
  return why;
}

#define SKIP_WITHOUT_CONTAINERS \
  if (!why_no_containers().empty()) return say_skipped(why_no_containers().c_str())

/// Expects the same for both users.
inline void check_run(const Container& container, const std::string& expected) {
  CHECK(run(container) == expected);
  CHECK(run_as_user(container) == expected);
}

inline void check_output(const std::string& script, const std::string& expected) { check_run(shell(script), expected); }

}  // namespace wg4::container
