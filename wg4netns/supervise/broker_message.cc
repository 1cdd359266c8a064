#include "wg4netns/supervise/broker_message.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "shared/wire/wire.h"

namespace wg4::broker {

Result<std::vector<std::uint8_t>> encode(const Request& request) {
  auto bytes = wire::encode(request);
  if (!bytes && bytes.error().number == EMSGSIZE)
    return fail("the container's names and ports are too long", EMSGSIZE, "Publish ranges instead of single ports");
  if (!bytes) return fail_in("the container's names and ports", std::move(bytes).error());
  return bytes;
}

Result<Request> decode(ByteView bytes) {
  auto request = wire::decode<Request>(bytes);
  if (!request) return fail_in("a request to the broker", std::move(request).error());
  if (request->key.empty()) return fail("a request to the broker names no tunnel");
  return request;
}

Reply reply_of(std::string_view error) {
  Reply reply{std::string(error.substr(0, max_error))};
  std::ranges::replace(reply.error, '\0', '?');
  return reply;
}

}  // namespace wg4::broker
