#include "wg4netns/supervise/broker_message.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace wg4::broker {
namespace {

constexpr std::string_view start_word = "start";
constexpr std::string_view stop_word = "stop";
constexpr std::size_t stop_words = 2;
constexpr std::size_t start_words = 5;  // and the ports

}  // namespace

Result<std::vector<std::uint8_t>> encode(const Request& request) {
  std::vector<std::uint8_t> bytes;
  const auto add = [&bytes](std::string_view word) {
    bytes.insert(bytes.end(), word.begin(), word.end());
    bytes.push_back(0);
  };
  const bool start = request.kind == Request::Kind::start;
  add(start ? start_word : stop_word);
  add(request.key);
  if (start) {
    add(request.ifname);
    add(request.config);
    add(request.mtu);
    for (const std::string& port : request.ports) add(port);
  }
  if (bytes.size() > max_message)
    return fail("the container's names and ports are too long", EMSGSIZE, "Publish ranges instead of single ports");
  return bytes;
}

Result<Request> decode(ByteView bytes) {
  std::vector<std::string> words;
  for (auto at = bytes.begin(); at != bytes.end();) {
    const auto end = std::find(at, bytes.end(), 0);
    if (end == bytes.end()) return fail("a request to the broker is cut off");
    words.emplace_back(at, end);
    at = end + 1;
  }
  const bool stop = words.size() == stop_words && words[0] == stop_word;
  const bool start = words.size() >= start_words && words[0] == start_word;
  if ((!stop && !start) || words[1].empty() || words[1].size() > max_key)
    return fail("a request to the broker makes no sense", 0, "Are the plugin and the broker of one version?");
  if (stop)
    return Request{.kind = Request::Kind::stop, .key = words[1], .ifname = {}, .config = {}, .mtu = {}, .ports = {}};
  return Request{.kind = Request::Kind::start,
                 .key = words[1],
                 .ifname = words[2],
                 .config = words[3],
                 .mtu = words[4],
                 .ports = {words.begin() + start_words, words.end()}};
}

}  // namespace wg4::broker
