#pragma once
// The rules in force, by number. Numbers start at 1 and are never reused, so that a client which removes a rule by an
// old number cannot hit another rule.

#include <map>
#include <optional>

#include "wg4netns/forward/rule.h"

namespace wg4::forward {

class RuleTable {
 public:
  static constexpr RuleId last_id = (RuleId{1} << 28) - 1;  ///< a number has to fit a Token

  /// The number that the next rule gets; nothing once all are used up.
  [[nodiscard]] std::optional<RuleId> next_id() const { return next_ > last_id ? std::nullopt : std::optional(next_); }
  /// next_id() must have a value.
  RuleId add(const Rule& rule) {
    rules_.emplace(next_, rule);
    return next_++;
  }
  [[nodiscard]] std::optional<Rule> remove(RuleId id) {
    const auto found = rules_.extract(id);
    return found.empty() ? std::nullopt : std::optional(found.mapped());
  }
  /// In the order in which they were added.
  [[nodiscard]] const std::map<RuleId, Rule>& all() const { return rules_; }

 private:
  std::map<RuleId, Rule> rules_;
  RuleId next_ = 1;
};

}  // namespace wg4::forward
