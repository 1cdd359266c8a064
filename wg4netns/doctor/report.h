#pragma once
// The doctor's report: one line for each check, for people and for programs.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wg4::doctor {

enum class Verdict : std::uint8_t {
  ok,
  note,     ///< something is missing that tunnels can do without
  unknown,  ///< it could not be tried
  problem,  ///< no tunnel will work, or not the one in question
};

[[nodiscard]] std::string_view name(Verdict verdict);

/// One check. `name` is stable, for programs.
struct CheckResult {
  std::string name;
  Verdict verdict = Verdict::ok;
  std::string seen;    ///< what was found
  std::string next{};  ///< what to do; empty if nothing
  std::string peer{};  ///< public key of the peer that this is about; empty = the host or the configuration
  friend bool operator==(const CheckResult&, const CheckResult&) = default;
};

using Report = std::vector<CheckResult>;

/// No problem, and nothing that could not be tried.
[[nodiscard]] inline bool is_well(const Report& report) {
  return std::ranges::none_of(report, [](const CheckResult& result) { return result.verdict >= Verdict::unknown; });
}

/// "problem  tun-device: what was seen. What to do"
[[nodiscard]] std::string line_of(const CheckResult& result);
/// An object of one line, as wireguard4netns-doctor(1) describes it.
[[nodiscard]] std::string to_json(const Report& report);

}  // namespace wg4::doctor
