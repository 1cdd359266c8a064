#pragma once
// Makes pcapng blocks of packets, and keeps them until they are taken. Bounded: packets that do not fit are only
// counted.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "shared/base/bytes.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/capture/pcapng.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::capture {

/// The numbers of the interfaces in the file.
enum class Side : std::uint8_t { inner, outer };

class BlockBuffer {
 public:
  using Direction = pcapng::Direction;

  struct Names {
    std::string_view application;
    std::string_view interface;
    bool with_keys = false;
  };
  /// Keeps at most `capacity` bytes of blocks; at least the head of the file must fit. `port` is the UDP socket's.
  BlockBuffer(std::size_t capacity, const Names& names, std::uint16_t port);
  BlockBuffer(const BlockBuffer&) = delete;
  BlockBuffer& operator=(const BlockBuffer&) = delete;
  /// Wipes the blocks that were not taken: they may hold keys.
  ~BlockBuffer() { sodium_memzero(filling_.get(), used_); }

  // Packets, at `time_ns` since 1970.
  void inner(std::span<const crypto::Plaintext> packets, std::uint64_t time_ns);  ///< from the namespace
  void inner(std::span<const ByteSpan> packets, std::uint64_t time_ns);           ///< to the namespace
  void outer(const DatagramRun& run, std::uint64_t time_ns);                      ///< received, still sealed
  void outer(const SendRun& run, ByteView bytes, std::uint64_t time_ns);  ///< sent, sealed; `bytes` are its datagrams

  /// Keys for the packets behind them.
  void keys(const KeyLogEntry& entry);
  /// Adds blocks that say how many packets there were on each side, and how many were dropped.
  void statistics(std::uint64_t time_ns);

  struct Counts {
    std::uint64_t packets = 0;
    std::uint64_t dropped = 0;
  };
  /// Of both sides.
  [[nodiscard]] Counts counts() const;

  [[nodiscard]] bool empty() const { return used_ == 0; }
  /// Takes the blocks so far. The span is valid until the next call; new blocks go to another buffer.
  [[nodiscard]] ByteSpan take();

 private:
  // Not a vector, which would be zeroed: only pages with blocks take memory.
  using Room = std::unique_ptr<std::uint8_t[]>;  // NOLINT(modernize-avoid-c-arrays)

  [[nodiscard]] static Room make_room(std::size_t capacity);
  void packet(Side side, Direction direction, std::span<const ByteView> pieces, std::uint64_t time_ns);
  void datagrams(const Path& path, Direction direction, std::uint8_t tos, ByteView bytes, std::size_t segment_size,
                 std::uint64_t time_ns);
  [[nodiscard]] ByteSpan room() const { return ByteSpan(filling_.get(), capacity_).subspan(used_); }

  std::size_t capacity_;
  std::uint16_t port_;
  Room filling_;
  Room taken_;
  std::size_t used_ = 0;  // of filling_
  std::array<Counts, 2> counts_;
};

}  // namespace wg4::capture
