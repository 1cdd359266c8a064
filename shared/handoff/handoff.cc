#include "shared/handoff/handoff.h"

#include <algorithm>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/wire/wire.h"

namespace wg4::handoff {
namespace {

constexpr std::size_t part_size = wire::max_message_size - 16;  // bytes, with room for what is around them

}  // namespace

Result<std::vector<PlanPart>> split(const LinkPlan& plan) {
  const std::vector<std::uint8_t> bytes = TRY(wire::encode(Plan{plan}));
  std::vector<PlanPart> parts;
  for (ByteView rest = bytes; !rest.empty();) {
    const ByteView part = rest.first(std::min(rest.size(), part_size));
    rest = rest.subspan(part.size());
    parts.push_back({.bytes = {part.begin(), part.end()}, .last = rest.empty()});
  }
  return parts;
}

Result<std::optional<LinkPlan>> PlanReader::add(const PlanPart& part) {
  if (part.bytes.size() > max_plan_size - bytes_.size()) return wire::no_sense();
  bytes_.insert(bytes_.end(), part.bytes.begin(), part.bytes.end());
  if (!part.last) return std::nullopt;
  return TRY(wire::decode<Plan>(bytes_)).plan;
}

}  // namespace wg4::handoff
