#include "netns-helper/container/id_plan.h"

#include <algorithm>
#include <cstddef>

namespace wg4::container {
namespace {

constexpr std::uint32_t no_id = 0xffff'ffff;  // (uid_t)-1 is no user
constexpr std::size_t max_ranges = 100;  // the kernel takes a map of less than 4096 bytes: 124 of the longest lines

std::uint64_t end_of(const IdRange& range) { return std::uint64_t{range.first} + range.count; }

/// The ids from..to, without `to`.
IdRange between(std::uint64_t from, std::uint64_t to) {
  return {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to > from ? to - from : 0)};
}

/// Appends to `free` the ids of `range` that are not in `taken`.
void add_free(const IdRange& range, std::span<const IdRange> taken, std::vector<IdRange>& free) {
  if (range.count == 0) return;
  const auto overlap = std::ranges::find_if(
      taken, [&](const IdRange& other) { return other.first < end_of(range) && range.first < end_of(other); });
  if (overlap == taken.end()) {
    free.push_back(range);
    return;
  }
  add_free(between(range.first, overlap->first), taken, free);
  add_free(between(end_of(*overlap), end_of(range)), taken, free);
}

/// Each id of `ranges` once, without `own`.
std::vector<IdRange> distinct(std::span<const IdRange> ranges, std::uint32_t own) {
  std::vector<IdRange> taken{{own, 1}};
  for (const IdRange& range : ranges) {
    std::vector<IdRange> free;
    add_free(between(range.first, std::min<std::uint64_t>(end_of(range), no_id)), taken, free);
    taken.insert(taken.end(), free.begin(), free.end());
  }
  taken.erase(taken.begin());
  if (taken.size() > max_ranges) taken.resize(max_ranges);
  return taken;
}

}  // namespace

IdMap plan_map(const IdPlan& plan, std::uint32_t own, std::span<const IdRange> ranges) {
  const std::uint32_t kept = own_inside(plan, own);  // inside it is the user's, and no other id's
  IdMap map{{kept, own, 1}};
  if (!plan.sub_ids) return map;
  std::uint32_t next = 0;
  for (IdRange left : distinct(ranges, own)) {
    while (left.count > 0 && next < no_id) {
      if (next == kept) ++next;
      const std::uint32_t room = (next < kept ? kept : no_id) - next;
      const std::uint32_t count = std::min(room, left.count);
      if (count == 0) break;
      map.push_back({next, left.first, count});
      next += count;
      left = {left.first + count, left.count - count};
    }
  }
  std::ranges::sort(map, {}, &IdMapLine::inside);
  return map;
}

}  // namespace wg4::container
