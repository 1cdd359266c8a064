#include "wg4netns/verify/isolation_checks.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "wg4netns/verify/inside_facts.h"

namespace wg4::verify {
namespace {

using doctor::CheckResult;
using doctor::Report;
using doctor::Verdict;

/// Options that open something.
struct Opening {
  std::string_view option;
  const char* what;
};
constexpr std::array openings{
    Opening{"--publish=", "a port of the tunnel's is reached from the host"},
    Opening{"--session-bus", "the user's D-Bus"},
    Opening{"--system-bus", "the host's D-Bus"},
    Opening{"--root", "root inside, which may change the tunnel's network"},
    Opening{"--map-auto", "subordinate ids, and sudo inside"},
};

Report list_unseen(const Facts& facts) {
  Report report;
  for (const Unseen& unseen : facts.inside.unseen)
    report.push_back({"look-inside", Verdict::unknown, Error{printable(unseen.what), unseen.error, ""}.message()});
  if (!facts.inside.rights)
    report.push_back({"look-inside", Verdict::unknown, "the process that looks from inside has not come to its end"});
  return report;
}

}  // namespace

Report list_exceptions(const Facts& facts) {
  Report report;
  for (const std::string& option : facts.state.options)
    for (const Opening& opening : openings)
      if (option.starts_with(opening.option))
        report.push_back({"on-purpose", Verdict::note, printable(option) + ": " + opening.what});
  for (const std::string& way : facts.state.ways) report.push_back({"on-purpose", Verdict::note, printable(way)});
  if (facts.state.forwarded_port != 0)
    report.push_back(
        {"on-purpose", Verdict::note, "port " + std::to_string(facts.state.forwarded_port) + " of the provider's"});
  std::string open;
  for (const std::string& path : facts.state.open) open.append(open.empty() ? "" : ", ").append(printable(path));
  if (!open.empty()) report.push_back({"on-purpose", Verdict::note, "of the host's files these are seen: " + open});
  return report;
}

Report check_isolation(const Facts& facts) {
  Report report;
  for (const auto& check : {check_network, check_ways, check_processes, list_exceptions, list_unseen})
    for (CheckResult& each : check(facts)) report.push_back(std::move(each));
  return report;
}

}  // namespace wg4::verify
