#include "wg4netns/capture/pcapng.h"

#include <algorithm>
#include <array>

#include "shared/base/check.h"

namespace wg4::pcapng {
namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t interface_statistics = 5;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::uint32_t decryption_secrets = 10;

constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;

constexpr std::size_t frame_size = 12;         // type and length in front, length behind
constexpr std::size_t option_header_size = 4;  // code and length; also the end of the options

constexpr std::uint16_t opt_comment = 1;
constexpr std::uint16_t shb_userappl = 4;
constexpr std::uint16_t if_name = 2;
constexpr std::uint16_t if_description = 3;
constexpr std::uint16_t if_tsresol = 9;
constexpr std::uint16_t epb_flags = 2;
constexpr std::uint16_t isb_ifrecv = 4;
constexpr std::uint16_t isb_ifdrop = 5;

constexpr std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }
constexpr std::size_t option_size(std::size_t size) { return option_header_size + padded(size); }

ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // NOLINT: characters are bytes
}

/// Writes a block field by field, and its length at both ends.
class Block {
 public:
  Block(ByteSpan out, std::uint32_t type, std::size_t size) : begin_(out.data()), at_(out.data()), size_(size) {
    CHECK(size <= out.size() && size % 4 == 0);
    number(type);
    number(static_cast<std::uint32_t>(size));
  }

  template <class Number>
  void number(Number value) {
    store_le(at_, value);
    at_ += sizeof value;
  }
  void bytes(ByteView bytes) {
    copy_bytes(at_, bytes);
    at_ += bytes.size();
  }
  void pad() {
    while ((at_ - begin_) % 4 != 0) *at_++ = 0;
  }
  void option(std::uint16_t code, ByteView value) {
    number(code);
    number(static_cast<std::uint16_t>(value.size()));
    bytes(value);
    pad();
  }
  void option(std::uint16_t code, std::uint64_t value) {
    number(code);
    number(static_cast<std::uint16_t>(sizeof value));
    number(value);
  }
  void end_of_options() { number(std::uint32_t{0}); }
  std::size_t finish() {
    number(static_cast<std::uint32_t>(size_));
    CHECK(at_ == begin_ + size_);
    return size_;
  }

 private:
  std::uint8_t* begin_;
  std::uint8_t* at_;
  std::size_t size_;
};

/// Writes a time stamp, upper half first.
void time_of(Block& block, std::uint64_t time_ns) {
  block.number(static_cast<std::uint32_t>(time_ns >> 32));
  block.number(static_cast<std::uint32_t>(time_ns));
}

std::size_t length_of(const Packet& packet) {
  std::size_t length = 0;
  for (const ByteView piece : packet.pieces) length += piece.size();
  return length;
}

}  // namespace

std::size_t section_size(const Section& section) {
  return frame_size + 16 + option_size(section.comment.size()) + option_size(section.application.size()) +
         option_header_size;
}

std::size_t write_section(ByteSpan out, const Section& section) {
  Block block(out, section_header, section_size(section));
  block.number(byte_order_magic);
  block.number(std::uint16_t{1});  // version 1.0
  block.number(std::uint16_t{0});
  block.number(UINT64_MAX);  // length of the section: unknown
  block.option(opt_comment, bytes_of(section.comment));
  block.option(shb_userappl, bytes_of(section.application));
  block.end_of_options();
  return block.finish();
}

std::size_t interface_size(const Interface& interface) {
  return frame_size + 8 + option_size(interface.name.size()) + option_size(interface.description.size()) +
         option_size(1) + option_header_size;
}

std::size_t write_interface(ByteSpan out, const Interface& interface) {
  constexpr std::array<std::uint8_t, 1> nanoseconds{9};  // 10^-9
  Block block(out, interface_description, interface_size(interface));
  block.number(interface.linktype);
  block.number(std::uint16_t{0});
  block.number(std::uint32_t{0});  // no limit of the packets' length
  block.option(if_name, bytes_of(interface.name));
  block.option(if_description, bytes_of(interface.description));
  block.option(if_tsresol, nanoseconds);
  block.end_of_options();
  return block.finish();
}

std::size_t packet_size(const Packet& packet) {
  return frame_size + 20 + padded(length_of(packet)) + option_size(4) + option_header_size;
}

std::size_t write_packet(ByteSpan out, const Packet& packet) {
  const auto length = static_cast<std::uint32_t>(length_of(packet));
  Block block(out, enhanced_packet, packet_size(packet));
  block.number(packet.interface);
  time_of(block, packet.time_ns);
  block.number(length);  // in the file
  block.number(length);  // on the wire
  for (const ByteView piece : packet.pieces) block.bytes(piece);
  block.pad();
  block.number(epb_flags);
  block.number(std::uint16_t{4});
  block.number(static_cast<std::uint32_t>(packet.direction));
  block.end_of_options();
  return block.finish();
}

std::size_t statistics_size() { return frame_size + 12 + 2 * option_size(8) + option_header_size; }

std::size_t write_statistics(ByteSpan out, const Statistics& statistics) {
  Block block(out, interface_statistics, statistics_size());
  block.number(statistics.interface);
  time_of(block, statistics.time_ns);
  block.option(isb_ifrecv, statistics.received);
  block.option(isb_ifdrop, statistics.dropped);
  block.end_of_options();
  return block.finish();
}

std::size_t secrets_size(std::size_t text_size) { return frame_size + 8 + padded(text_size); }

std::size_t write_secrets(ByteSpan out, std::uint32_t type, std::string_view text) {
  Block block(out, decryption_secrets, secrets_size(text.size()));
  block.number(type);
  block.number(static_cast<std::uint32_t>(text.size()));
  block.bytes(bytes_of(text));
  block.pad();
  return block.finish();
}

}  // namespace wg4::pcapng
