#pragma once
// Captures that begin and end while a tunnel serves: `wireguard4netns capture` asks for one at the control socket, and
// is sent the file over that connection from then on. A client that reads slowly misses packets, which are counted,
// but never holds the tunnel up. A capture ends when its client ends its half of the connection, or is gone.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/event_loop.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/capture/recording.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/dataplane/shared_device.h"

namespace wg4 {

class LiveCaptures final : public EventSource {
 public:
  static constexpr std::size_t max_captures = 4;

  /// `taps` and `device` outlive this; `interface` is the name inside.
  [[nodiscard]] static Result<std::unique_ptr<LiveCaptures>> create(capture::Taps& taps, SharedDevice& device,
                                                                    std::string interface);
  /// Sends what is left, as far as clients take it within a moment.
  ~LiveCaptures() override;

  /// Answers this client "errno=0", and then with a capture, or else with the errno of why there is none. `port` is
  /// that of the UDP socket.
  void begin(UniqueFd client, bool with_keys, std::uint16_t port);

  [[nodiscard]] int fd() const override { return loop_.fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;
  [[nodiscard]] std::optional<Instant> next_deadline() const override { return next_turn_; }

 private:
  enum class Source : std::uint32_t { client };
  using Loop = EventLoop<Source>;

  struct Live {
    Live(UniqueFd connection, const capture::BlockBuffer::Names& names, std::uint16_t port);
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;
    ~Live();
    UniqueFd client;
    capture::Recording recording;
    ByteSpan pending{};                ///< taken from `recording`, and not sent yet
    std::optional<Instant> ends_at{};  ///< whatever is left then; nothing = its client has not ended it
  };

  LiveCaptures(Loop loop, capture::Taps& taps, SharedDevice& device, std::string interface)
      : loop_(std::move(loop)), taps_(taps), device_(device), interface_(std::move(interface)) {}
  [[nodiscard]] bool add(UniqueFd& client, bool with_keys, std::uint16_t port);
  void stop_recording(Live& live);
  [[nodiscard]] static bool client_has_ended(const Live& live);
  [[nodiscard]] static bool send_some(Live& live);
  [[nodiscard]] bool serve(Live& live, Instant now);

  Loop loop_;
  capture::Taps& taps_;
  SharedDevice& device_;
  std::string interface_;
  std::vector<std::unique_ptr<Live>> captures_;
  std::optional<Instant> next_turn_;
};

}  // namespace wg4
