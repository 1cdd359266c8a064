#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/escaped_text.h"
#include "wg4netns/doctor/report.h"
#include "wg4netns/verify/facts.h"
#include "wg4netns/verify/inside_facts.h"
#include "wg4netns/verify/isolation_checks.h"

namespace wg4::verify {
namespace {

using doctor::CheckResult;
using doctor::Report;
using doctor::Verdict;
using Kind = Attempt::Kind;

/// Some of a list that may be long.
std::string some_of(const std::vector<std::string>& all) {
  constexpr std::size_t shown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), shown); ++i)
    text.append(i == 0 ? "" : ", ").append(printable(all[i]));
  return all.size() > shown ? text + ", and more" : text;
}

// ---------------------------------------------------------------- files

/// The words of the line that begins with `key`.
std::string line_of_file(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (const std::string_view line = text.substr(at, end - at); line.starts_with(key)) {
      const std::size_t first = line.find_first_not_of(" \t", key.size());
      return first == std::string_view::npos ? "" : std::string(line.substr(first));
    }
    at = end + 1;
  }
  return "";
}

CheckResult check_name_file(const Facts& facts, const NameFile& file) {
  const std::string path = "/etc/" + file.name;
  const std::string again = "Something was mounted or removed there: end the tunnel, and start it again";
  if (!file.found) return {"names", Verdict::problem, path + " is not there", again};
  const auto is_it = [&file](const HostFile& host) { return host.device == file.device && host.inode == file.inode; };
  if (std::ranges::any_of(facts.host_files, is_it)) return {"names", Verdict::problem, path + " is the host's", again};
  if (file.device != file.folder_device || file.device == 0)
    return {"names", Verdict::problem, path + " is not in the tunnel's own /etc", again};
  const std::string hosts = line_of_file(file.text, "hosts:");
  if (file.name == "nsswitch.conf" && hosts != "files dns")
    return {"names", Verdict::problem, path + " has names resolved by '" + printable(hosts) + "', not by 'files dns'",
            again};
  if (!file.read_only) return {"names", Verdict::problem, path + " can be written to from inside", again};
  return {"names", Verdict::ok, path + " is the tunnel's own, and read-only"};
}

// ---------------------------------------------------------------- services and sockets

/// /var/run is /run.
std::string_view normal(std::string_view path) {
  constexpr std::string_view var = "/var";
  return path.starts_with("/var/run/") ? path.substr(var.size()) : path;
}

/// Open by itself, or in a folder that is.
bool is_open_on_purpose(const Facts& facts, const std::string& path, bool also_in_folder) {
  return std::ranges::any_of(facts.state.open, [&](const std::string& open) {
    const std::string_view wanted = normal(path);
    const std::string_view each = normal(open);
    return wanted == each || (also_in_folder && wanted.starts_with(each) && wanted[each.size()] == '/');
  });
}

/// With these errors it is certain that nothing leads out; any other one leaves it open.
bool is_closed(int error) {
  constexpr std::array reasons{ENOENT, ENOTDIR, EACCES, EPERM, ECONNREFUSED, ELOOP, ENOTSOCK, ESRCH, ENXIO};
  return std::ranges::find(reasons, error) != reasons.end();
}

struct AttemptRule {
  Kind kind;
  const char* check;
  const char* closed;
  const char* open;  ///< behind the path
  const char* next;
};

constexpr const char* run_changed = "The tunnel's /run is not as it was made: end the tunnel, and start it again";
constexpr std::array rules{
    AttemptRule{Kind::nscd, "nscd", "the name service cache cannot be reached", "answers: names can be asked for there",
                run_changed},
    AttemptRule{Kind::resolved, "systemd-resolved", "it cannot be reached by varlink",
                "answers: names can be asked for there", run_changed},
    AttemptRule{Kind::avahi, "avahi", "it cannot be reached", "answers: names can be asked for there", run_changed},
    AttemptRule{Kind::system_bus, "system-bus", "the host's D-Bus cannot be reached",
                "answers: names can be asked for, and programs started outside", run_changed},
    AttemptRule{Kind::session_bus, "session-bus", "the user's D-Bus cannot be reached",
                "answers: names can be asked for, and programs started outside",
                "Start the tunnel with an XDG_RUNTIME_DIR below /run, where it is hidden"},
    AttemptRule{Kind::engine, "container-engines", "they cannot be reached",
                "answers: containers can be started outside", run_changed},
    AttemptRule{Kind::service_manager, "service-manager", "it cannot be reached",
                "answers: programs can be started outside", run_changed},
    AttemptRule{Kind::run_socket, "sockets", "no other socket below /run leads out", "leads to a program outside",
                run_changed},
};

Report check_attempts(const Facts& facts, const AttemptRule& rule) {
  std::vector<std::string> open;
  std::vector<std::string> purposely;
  std::vector<std::string> unclear;
  for (const Attempt& attempt : facts.inside.attempts) {
    if (attempt.kind != rule.kind || is_closed(attempt.error)) continue;
    const bool on_purpose = is_open_on_purpose(facts, attempt.path, rule.kind == Kind::run_socket);
    (attempt.error != 0 ? unclear : on_purpose ? purposely : open).push_back(attempt.path);
  }
  Report report;
  if (!open.empty()) report.push_back({rule.check, Verdict::problem, some_of(open) + " " + rule.open, rule.next});
  if (!unclear.empty()) report.push_back({rule.check, Verdict::unknown, some_of(unclear) + " could not be tried"});
  if (!purposely.empty())
    report.push_back({rule.check, Verdict::note, some_of(purposely) + " " + rule.open + ", on purpose"});
  if (report.empty()) report.push_back({rule.check, Verdict::ok, rule.closed});
  return report;
}

CheckResult check_abstract(const Facts& facts) {
  constexpr const char* name = "abstract-sockets";
  if (facts.abstract_reached)
    return {name, Verdict::problem, "a UNIX socket of the host's with an abstract name was reached from inside",
            "The network namespace is not isolated: end the tunnel"};
  const bool has_own = facts.inside.rights && facts.inside.rights->own_sockets > 0;
  return {name, Verdict::ok,
          std::string("one that was opened on the host for a trial cannot be reached") +
              (has_own ? "; those that there are belong to the tunnel's network" : "")};
}

/// No problem: commands share the host's file system (wireguard4netns-run(1), CAVEATS).
Report list_other_sockets(const Facts& facts) {
  std::vector<std::string> paths;
  for (const Attempt& attempt : facts.inside.attempts)
    if (attempt.kind == Kind::other_socket && attempt.error == 0) paths.push_back(attempt.path);
  if (paths.empty()) return {};
  return {{"other-sockets", Verdict::note, "programs outside listen at files that are seen inside: " + some_of(paths)}};
}

// ---------------------------------------------------------------- the tunnel's own secrets

Report check_keys(const Facts& facts) {
  constexpr const char* name = "keys";
  constexpr const char* uncovered =
      "It was hidden when the tunnel was made, and no longer is: end the tunnel, and start it again";
  Report report;
  for (const Attempt& attempt : facts.inside.attempts) {
    if (attempt.error != 0) continue;
    const std::string path = printable(attempt.path);
    if (attempt.kind == Kind::keys)
      report.push_back({name, Verdict::problem, path + " can be reached from inside", uncovered});
    if (attempt.kind == Kind::memory)
      report.push_back({name, Verdict::problem, "the memory of the tunnel's process can be read from inside",
                        "End the tunnel, and report that"});
    const bool is_hidden = attempt.path.starts_with(facts.hidden_folder + "/");
    if (attempt.kind == Kind::configuration && is_hidden)
      report.push_back({name, Verdict::problem, path + " can be read from inside", uncovered});
    if (attempt.kind == Kind::configuration && !is_hidden)
      report.push_back({name, Verdict::note, path + ", with its key, can be read from inside",
                        "In ~/.config/wireguard4netns/profiles it would be hidden"});
  }
  if (report.empty())
    report.push_back(
        {name, Verdict::ok, "the configuration, the control sockets and the tunnel's memory are out of reach"});
  return report;
}

void append(Report& report, Report more) {
  for (CheckResult& each : more) report.push_back(std::move(each));
}

}  // namespace

Report check_ways(const Facts& facts) {
  Report report;
  for (const NameFile& file : facts.inside.name_files) report.push_back(check_name_file(facts, file));
  for (const AttemptRule& rule : rules) append(report, check_attempts(facts, rule));
  append(report, list_other_sockets(facts));
  report.push_back(check_abstract(facts));
  append(report, check_keys(facts));
  return report;
}

}  // namespace wg4::verify
