#include "wg4netns/verify/verify.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <iterator>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/process.h"
#include "wg4netns/commands/join_tunnel.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/doctor/report.h"
#include "wg4netns/verify/gather.h"
#include "wg4netns/verify/isolation_checks.h"

namespace wg4 {
namespace {

using doctor::CheckResult;
using doctor::Report;
using doctor::Verdict;

std::size_t count(const Report& report, Verdict verdict) {
  return static_cast<std::size_t>(std::ranges::count(report, verdict, &CheckResult::verdict));
}

int status_of(const Report& report) {
  if (count(report, Verdict::problem) > 0) return EXIT_FAILURE;
  return count(report, Verdict::unknown) > 0 ? verify_unknown : EXIT_SUCCESS;
}

std::string conclusion(const std::string& name, const Report& report) {
  const std::size_t problems = count(report, Verdict::problem);
  if (problems > 0)
    return fmt::format("{}: not isolated, {} {}", name, problems, problems == 1 ? "problem" : "problems");
  if (count(report, Verdict::unknown) > 0) return name + ": it cannot be told whether it is isolated";
  return name + ": isolated";
}

Result<void> print(const Report& report, bool json) {
  if (json) fmt::print("{}\n", doctor::to_json(report));
  if (!json)
    for (const CheckResult& each : report) fmt::print("{}\n", doctor::line_of(each));
  if (std::fflush(stdout) != 0) return fail("write", errno);
  return {};
}

/// What is new in it.
Report changes(const Report& before, const Report& after) {
  Report report;
  std::ranges::copy_if(after, std::back_inserter(report),
                       [&before](const CheckResult& each) { return std::ranges::find(before, each) == before.end(); });
  return report;
}

/// Until a mount inside has changed, the tunnel ends, or the time is over.
void wait_for_change(const JoinedTunnel& tunnel, const UniqueFd& mounts, std::chrono::milliseconds interval) {
  std::array<pollfd, 3> entries{
      pollfd{mounts.get(), POLLPRI, 0}, {tunnel.room.keeper.get(), POLLIN, 0}, {tunnel.room.tunnel.get(), POLLIN, 0}};
  poll(entries.data(), entries.size(), static_cast<int>(interval.count()));
}

/// The keeper ends the tunnel, and itself a moment later; or it stays, since processes are inside.
Result<bool> has_ended(const JoinedTunnel& tunnel) {
  constexpr std::chrono::seconds patience{10};
  if (process_has_ended(tunnel.room.keeper.get())) return true;
  if (!process_has_ended(tunnel.room.tunnel.get())) return false;
  if (TRY(wait_until(tunnel.room.keeper.get(), POLLIN, deadline_in(patience)))) return true;
  return fail("the tunnel " + tunnel.folder.name() + " has no network any more, since its process has ended");
}

/// Looks again and again, and prints what is new, until there is a problem or the tunnel has ended.
Result<int> watch(JoinedTunnel& tunnel, Report report, const VerifyCommand& command) {
  const std::string& name = tunnel.folder.name();
  const std::string keeper = std::to_string(verify::pid_of(tunnel.room.keeper));
  const UniqueFd mounts(open(("/proc/" + keeper + "/mountinfo").c_str(), O_RDONLY | O_CLOEXEC));
  while (status_of(report) != EXIT_FAILURE) {
    wait_for_change(tunnel, mounts, *command.watch);
    auto facts = TRY(has_ended(tunnel)) ? std::unexpected(Error{}) : verify::gather(tunnel);
    if (!facts && TRY(has_ended(tunnel))) {
      fmt::print(stderr, "wireguard4netns: the tunnel {} has ended\n", name);
      return status_of(report);
    }
    if (!facts) return std::unexpected(std::move(facts).error());
    Report next = verify::check_isolation(*facts);
    if (const Report news = changes(report, next); !news.empty()) TRY(print(news, command.json));
    report = std::move(next);
  }
  return status_of(report);
}

}  // namespace

Parsed<VerifyCommand> parse_verify(const Arguments& arguments) {
  VerifyCommand command;
  std::optional<double> seconds;
  Parser parser("Proves that commands in a tunnel have no way out but the tunnel.", arguments);
  parser.argument("NAME", command.name, "The tunnel, or the PID of a process in it; default the only one");
  parser.flag("--json", command.json, "Print one JSON object, for programs");
  parser
      .option("--watch", "SECONDS", seconds,
              "Look again when a mount changes, and every so many seconds (default 5), until there is a problem")
      .or_alone("5")
      .within(0.1, 86400.0);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  if (seconds) command.watch = std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
  return command;
}

Result<int> run_verify(const VerifyCommand& command) {
  JoinedTunnel tunnel = TRY(join_running(command.name));
  tunnel.folder.unlock();
  Report report = verify::check_isolation(TRY(verify::gather(tunnel)));
  TRY(print(report, command.json));
  if (!command.json && !command.watch) fmt::print("{}\n", conclusion(tunnel.folder.name(), report));
  return command.watch ? watch(tunnel, std::move(report), command) : status_of(report);
}

}  // namespace wg4
