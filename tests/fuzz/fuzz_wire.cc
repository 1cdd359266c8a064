// What our own processes say to each other: no bytes may crash a reader of any of the messages, and what is taken is
// the only way to write it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/handoff/handoff.h"
#include "shared/wire/wire.h"
#include "tests/support/wire_messages.h"
#include "wg4netns/supervise/broker_message.h"

namespace {

using namespace wg4;

template <class M>
void read_as(ByteView bytes) {
  const auto message = wire::decode<M>(bytes);
  if (!message) return;
  const auto again = wire::encode(*message);
  CHECK(again.has_value() && std::ranges::equal(*again, bytes));
}

template <class... M>
void read_as_each(ByteView bytes, std::type_identity<std::tuple<M...>> /*all*/) {
  (read_as<M>(bytes), ...);
}

/// In two parts it is the same plan, or none.
void read_in_parts(ByteView bytes) {
  const auto whole = wire::decode<handoff::Plan>(bytes);
  const ByteView first = bytes.first(bytes.size() / 2);
  const ByteView rest = bytes.subspan(first.size());
  handoff::PlanReader reader;
  const auto nothing = reader.add({.bytes = {first.begin(), first.end()}, .last = false});
  CHECK(nothing.has_value() && *nothing == std::nullopt);
  const auto plan = reader.add({.bytes = {rest.begin(), rest.end()}, .last = true});
  CHECK(plan.has_value() == whole.has_value() && (!plan || **plan == whole->plan));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  read_as_each(bytes, std::type_identity<test::Messages>{});
  read_in_parts(bytes);
  static_cast<void>(broker::decode(bytes));
  return 0;
}
