#include "wg4netns/doctor/report.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace wg4::doctor {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::note:
      return "note";
    case Verdict::unknown:
      return "unknown";
    case Verdict::problem:
      return "problem";
  }
  return "problem";
}

std::string line_of(const CheckResult& result) {
  std::string line(name(result.verdict));
  line.resize(9, ' ');
  line.append(result.name).append(": ");
  if (!result.peer.empty()) line.append("peer ").append(result.peer).append(": ");
  line.append(result.seen);
  if (!result.next.empty()) line.append(". ").append(result.next);
  return line;
}

std::string to_json(const Report& report) {
  nlohmann::ordered_json checks = nlohmann::ordered_json::array();
  for (const CheckResult& result : report) {
    nlohmann::ordered_json each{{"check", result.name}, {"verdict", name(result.verdict)}, {"seen", result.seen}};
    if (!result.next.empty()) each["next"] = result.next;
    if (!result.peer.empty()) each["peer"] = result.peer;
    checks.push_back(std::move(each));
  }
  const nlohmann::ordered_json whole{{"version", 1}, {"ok", is_well(report)}, {"checks", std::move(checks)}};
  // The version that a program prints need not be UTF-8.
  return whole.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace wg4::doctor
