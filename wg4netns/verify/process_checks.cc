#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/escaped_text.h"
#include "wg4netns/doctor/report.h"
#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/verify/facts.h"
#include "wg4netns/verify/inside_facts.h"
#include "wg4netns/verify/isolation_checks.h"

namespace wg4::verify {
namespace {

using doctor::CheckResult;
using doctor::Report;
using doctor::Verdict;

constexpr const char* end_it = "End the process; if it was started by this program, report that";

/// "4711 (firefox)"
std::string name_of(const ProcessFacts& process) {
  return std::to_string(process.pid) + " (" + printable(process.command) + ")";
}

/// The names of those for which `is_so` holds; empty if there are none.
std::string those(const Facts& facts, const std::function<bool(const ProcessFacts&)>& is_so) {
  constexpr int shown = 8;
  std::string text;
  int count = 0;
  for (const ProcessFacts& process : facts.processes) {
    if (!is_so(process)) continue;
    if (++count <= shown) text.append(text.empty() ? "" : ", ").append(name_of(process));
  }
  return count > shown ? text + ", and more" : text;
}

/// False for a process in a user namespace of its own, such as a browser's sandbox: its rights end there.
bool is_in_tunnels_users(const Facts& facts, const ProcessFacts& process) {
  return process.namespaces.user == facts.tunnel.user;
}

// ---------------------------------------------------------------- where they are

Report check_places(const Facts& facts) {
  constexpr const char* name = "processes";
  const NamespaceIds& host = facts.host;
  Report report;
  const auto find = [&](const char* what, const std::function<bool(const NamespaceIds&)>& is_so) {
    const std::string found = those(facts, [&](const ProcessFacts& process) { return is_so(process.namespaces); });
    if (!found.empty()) report.push_back({name, Verdict::problem, "with " + std::string(what) + ": " + found, end_it});
  };
  find("the host's network", [&host](const NamespaceIds& own) { return own.net == host.net; });
  find("the host's mounts", [&host](const NamespaceIds& own) { return own.mounts == host.mounts; });
  find("the host's user namespace", [&host](const NamespaceIds& own) { return own.user == host.user; });
  const std::string outer = those(facts, [](const ProcessFacts& process) { return process.outer_folder.has_value(); });
  if (!outer.empty())
    report.push_back({name, Verdict::problem,
                      "with a working or root directory outside of the tunnel's mounts, which leads to the host's "
                      "services: " +
                          outer,
                      end_it});
  if (!report.empty()) return report;
  const std::string nested = those(facts, [&](const ProcessFacts& process) {
    return !is_in_tunnels_users(facts, process) || process.namespaces.mounts != facts.tunnel.mounts ||
           process.namespaces.net != facts.tunnel.net;
  });
  if (!nested.empty()) return {{name, Verdict::note, "with namespaces of their own, within the tunnel's: " + nested}};
  return {{name, Verdict::ok,
           facts.processes.empty() ? "there are none" : "all are in the tunnel's namespaces, and in its folders"}};
}

// ---------------------------------------------------------------- what they have open

CheckResult judge(const ProcessFacts& process, const Descriptor& descriptor) {
  constexpr const char* name = "descriptors";
  const std::string it = "process " + name_of(process) + ": descriptor " + std::to_string(descriptor.number) + " is ";
  const std::string what = printable(descriptor.what);
  switch (descriptor.kind) {
    case Descriptor::Kind::socket:
      return {name, Verdict::problem, it + "a socket of another network (" + what + ")",
              "It was open where the command was started: close it there"};
    case Descriptor::Kind::channel:
      return {name, Verdict::note, it + "connected with a process outside (" + what + ")"};
    case Descriptor::Kind::folder:
      return {name, Verdict::problem, it + what + " of the host's mounts, which leads to the host's services",
              "It was open where the command was started: close it there"};
    case Descriptor::Kind::host_namespace:
      return {name, Verdict::problem, it + "a namespace of the host's (" + what + ")",
              "It was open where the command was started: close it there"};
    case Descriptor::Kind::unknown:
      break;
  }
  return {name, Verdict::unknown, it + "a socket that cannot be looked at (" + what + ")"};
}

Report check_descriptors(const Facts& facts) {
  constexpr const char* name = "descriptors";
  Report report;
  for (const ProcessFacts& process : facts.processes)
    for (const Descriptor& descriptor : process.descriptors) report.push_back(judge(process, descriptor));
  const std::string unseen = those(facts, [](const ProcessFacts& process) { return process.descriptors_error != 0; });
  if (!unseen.empty()) report.push_back({name, Verdict::unknown, "those of " + unseen + " cannot be listed"});
  if (report.empty())
    report.push_back({name, Verdict::ok, "no process has one of another network, or of the host's mounts"});
  return report;
}

// ---------------------------------------------------------------- what they may do

CheckResult check_capabilities(const Facts& facts) {
  constexpr const char* name = "capabilities";
  const bool has_root = facts.state.ids.uid == 0 || facts.state.ids.sub_ids;
  const std::uint64_t allowed = facts.allowed_capabilities;
  const std::string too_many = those(facts, [&](const ProcessFacts& process) {
    if (!process.rights || !is_in_tunnels_users(facts, process)) return false;
    const ProcessRights& own = *process.rights;
    const std::uint64_t had = own.effective | own.permitted | own.inheritable | own.ambient;
    return (had & ~(has_root ? allowed : 0)) != 0 || (own.bounding & ~allowed) != 0;
  });
  if (!too_many.empty()) return {name, Verdict::problem, "more than a command is to have: " + too_many, end_it};
  const std::string unseen = those(facts, [](const ProcessFacts& process) { return !process.rights.has_value(); });
  if (!unseen.empty()) return {name, Verdict::unknown, "they cannot be seen: " + unseen};
  if (has_root)
    return {name, Verdict::note, "root inside has those of a container, and over the tunnel's network, on purpose"};
  return {name, Verdict::ok, "no process has any"};
}

CheckResult check_privileges(const Facts& facts) {
  constexpr const char* name = "new-privileges";
  if (facts.state.ids.sub_ids)
    return {name, Verdict::note, "sudo works inside, on purpose: it gives rights over the tunnel's namespaces only"};
  const std::string without =
      those(facts, [](const ProcessFacts& process) { return process.rights && !process.rights->no_new_privs; });
  if (!without.empty()) return {name, Verdict::problem, "no_new_privs is not set: " + without, end_it};
  return {name, Verdict::ok, "no process can gain any"};
}

CheckResult check_system_calls(const Facts& facts) {
  constexpr const char* name = "terminal";
  const std::string without =
      those(facts, [](const ProcessFacts& process) { return process.rights && !process.rights->filtered; });
  if (!without.empty()) return {name, Verdict::problem, "system calls are not filtered: " + without, end_it};
  const auto& attempts = facts.inside.attempts;
  const bool types = std::ranges::any_of(
      attempts, [](const Attempt& attempt) { return attempt.kind == Attempt::Kind::typing && attempt.error != EPERM; });
  if (types)
    return {name, Verdict::problem, "a command can type into the terminal that it was started from",
            "End the tunnel, and report that"};
  return {name, Verdict::ok, "no command can type into the one that it was started from"};
}

CheckResult check_signals(const Facts& facts) {
  constexpr const char* name = "signals";
  const auto& attempts = facts.inside.attempts;
  const bool can = std::ranges::any_of(
      attempts, [](const Attempt& attempt) { return attempt.kind == Attempt::Kind::signal && attempt.error == 0; });
  if (!can) return {name, Verdict::ok, "none reaches the tunnel's process or its keeper"};
  if (!facts.can_scope_signals)
    return {name, Verdict::note,
            "a command can end the tunnel, and its own network with it: only Linux 6.12 and later can forbid it"};
  return {name, Verdict::problem, "they reach the tunnel's process, or its keeper", "End the tunnel, and report that"};
}

CheckResult tell_ids(const Facts& facts) {
  const keeper::IdsMapped& ids = facts.state.ids;
  return {"ids", Verdict::ok,
          "uid " + std::to_string(ids.uid) + ", gid " + std::to_string(ids.gid) +
              (ids.sub_ids ? ", with subordinate ids" : "") + "; mapped: " + facts.mapping};
}

}  // namespace

Report check_processes(const Facts& facts) {
  Report report = check_places(facts);
  for (CheckResult& each : check_descriptors(facts)) report.push_back(std::move(each));
  for (const auto& check : {check_capabilities, check_privileges, check_system_calls, check_signals, tell_ids})
    report.push_back(check(facts));
  return report;
}

}  // namespace wg4::verify
