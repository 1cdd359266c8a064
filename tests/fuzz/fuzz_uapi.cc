// A client of the control socket: no bytes may crash the connection or make it store much, however they are cut; a set
// means the same when it is written out again. And in the other direction: no program may crash a client.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/check.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/net/prefix.h"
#include "tests/fuzz/fuzz_input.h"
#include "wg4netns/core/control.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/connection.h"

namespace {

using namespace wg4;

/// Keeps the changes as text.
class Recorder final : public uapi::Target {
 public:
  uapi::Errno apply(DeviceChange change) override {
    SecretText text;
    uapi::write(text, change);
    check_round_trip(text.view());
    return change.listen_port == 13 ? 98 : 0;
  }
  uapi::InterfaceStatus interface_status() override { return {.private_key = {}, .listen_port = 1}; }
  std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) override {
    if (cursor.peer == 3) return std::nullopt;
    StatusPiece piece;
    piece.peer.allowed_ips.assign(most / ++cursor.peer, Prefix{});
    return piece;
  }
  void write_own_status(SecretText& out) override { out.append("mtu=1\n"); }
  uapi::Errno follow(std::vector<uapi::NamedEndpoint> names) override {
    CHECK(names.size() <= uapi::NameReader::max_names);
    uapi::NameReader reader;
    for (const uapi::NamedEndpoint& name : names) {
      SecretText text;
      uapi::write(text, name);
      CHECK(reader.line(text.view().substr(0, text.size() - 1)) == 0);
    }
    return names.size() == 13 ? 95 : 0;
  }
  uapi::Errno follow_link(uapi::LinkStatus link) override { return link.addresses.empty() ? EINVAL : 0; }
  void begin_capture(UniqueFd /*client*/, bool /*with_keys*/) override {}
  void give_tun(UniqueFd /*client*/) override {}

 private:
  static void check_round_trip(std::string_view text) {
    uapi::ChangeReader reader;
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1))
      CHECK(reader.line(rest.substr(0, rest.find('\n'))) == 0);
    SecretText again;
    uapi::write(again, reader.take_all());
    CHECK(again.view() == text);
  }
};

void read_status(std::string_view text) {
  uapi::StatusReader reader;
  for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
    end = std::min(text.find('\n'), text.size());
    if (end > 0 && reader.line(text.substr(0, end)) != 0) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);
  read_status(text);

  Recorder target;
  uapi::Connection connection(target);
  const std::size_t step = 1 + data[0] * std::size_t{data[0]};
  const std::size_t reads = 1 + (data[0] & 7U) * std::size_t{4000};
  std::size_t at = 0;
  while (!connection.done() && connection.handover() == uapi::Connection::Handover::none) {
    if (connection.wants_input() && at < text.size()) {
      const std::size_t length = std::min({step, text.size() - at, uapi::Connection::max_read});
      std::ranges::copy(std::string_view(text).substr(at, length), connection.room().begin());
      connection.received(length);
      at += length;
    } else if (connection.wants_input()) {
      connection.received_end();
    }
    CHECK(connection.output().size() < 4 * uapi::Connection::piece_size);
    connection.sent(std::min(reads, connection.output().size()));
  }
  return 0;
}
