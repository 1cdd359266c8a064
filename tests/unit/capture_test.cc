#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/capture/capture.h"
#include "wg4netns/capture/capture_file.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/capture/pcapng.h"
#include "wg4netns/capture/recording.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/offload/checksum.h"

namespace wg4::capture {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Block {
  std::uint32_t type = 0;
  Bytes body;  // without the frame

  [[nodiscard]] std::uint32_t word(std::size_t at) const { return load_le<std::uint32_t>(&body.at(at)); }
};

/// All blocks of a file, with their frames checked.
std::vector<Block> parse(ByteView file) {
  std::vector<Block> blocks;
  while (!file.empty()) {
    REQUIRE(file.size() >= 12);
    const auto size = load_le<std::uint32_t>(file.data() + 4);
    REQUIRE((size % 4 == 0 && size >= 12 && size <= file.size()));
    CHECK(load_le<std::uint32_t>(file.data() + size - 4) == size);
    const ByteView body = file.subspan(8, size - 12);
    blocks.push_back({load_le<std::uint32_t>(file.data()), Bytes(body.begin(), body.end())});
    file = file.subspan(size);
  }
  return blocks;
}

std::vector<Block> of_type(const std::vector<Block>& blocks, std::uint32_t type) {
  std::vector<Block> found;
  for (const Block& block : blocks)
    if (block.type == type) found.push_back(block);
  return found;
}

/// The value of a block's option, whose options begin at `at`.
std::optional<Bytes> option(const Block& block, std::size_t at, std::uint16_t code) {
  for (;;) {
    const auto has = load_le<std::uint16_t>(&block.body.at(at));
    const auto size = load_le<std::uint16_t>(&block.body.at(at + 2));
    if (has == code) return Bytes(&block.body.at(at + 4), &block.body.at(at + 4) + size);
    if (has == 0) return std::nullopt;
    at += 4U + (size + 3U) / 4U * 4U;
  }
}

constexpr std::uint32_t interface_block = 1;
constexpr std::uint32_t statistics_block = 5;
constexpr std::uint32_t packet_block = 6;
constexpr std::uint32_t secrets_block = 10;

const BlockBuffer::Names names{.application = "test 1", .interface = "wg0"};
constexpr std::uint64_t some_time = 0x1122334455667788;

crypto::Plaintext plaintext(ByteView bytes) { return {.head = {}, .body = bytes}; }

TEST_CASE("a file begins with its section and both interfaces") {
  BlockBuffer buffer(4096, names, 1);
  const auto blocks = parse(buffer.take());
  REQUIRE(blocks.size() == 3);
  CHECK(blocks[0].type == 0x0a0d0d0a);
  CHECK(blocks[0].word(0) == 0x1a2b3c4d);
  CHECK(option(blocks[0], 16, 4) == Bytes{'t', 'e', 's', 't', ' ', '1'});
  for (const Block& block : of_type(blocks, interface_block)) {
    CHECK(load_le<std::uint16_t>(block.body.data()) == pcapng::linktype_raw);
    CHECK(option(block, 8, 9) == Bytes{9});
  }
  CHECK(option(blocks[1], 8, 2) == Bytes{'w', 'g', '0'});
  CHECK(buffer.empty());
}

TEST_CASE("inner packets, of every length that padding distinguishes") {
  BlockBuffer buffer(4096, names, 1);
  static_cast<void>(buffer.take());
  Bytes bytes{0x45, 1, 2, 3, 4, 5, 6, 7};
  for (std::size_t size = 4; size <= 8; ++size) {
    const std::array out{plaintext(ByteView(bytes).first(size))};
    buffer.inner(out, some_time);
    const std::array in{ByteSpan(bytes).first(size)};
    buffer.inner(in, some_time);
    const auto blocks = parse(buffer.take());
    REQUIRE(blocks.size() == 2);
    for (const Block& block : blocks) {
      CHECK(block.type == packet_block);
      CHECK(block.word(0) == 0);  // the interface
      CHECK(block.word(4) == 0x11223344);
      CHECK(block.word(8) == 0x55667788);
      CHECK(block.word(12) == size);
      CHECK(block.word(16) == size);
      CHECK(Bytes(&block.body[20], &block.body[20] + size) ==
            Bytes(bytes.begin(), bytes.begin() + std::ptrdiff_t(size)));
    }
    CHECK(option(blocks[0], 20 + (size + 3) / 4 * 4, 2) == Bytes{2, 0, 0, 0});  // out
    CHECK(option(blocks[1], 20 + (size + 3) / 4 * 4, 2) == Bytes{1, 0, 0, 0});  // in
  }
}

TEST_CASE("a packet in two pieces is one") {
  BlockBuffer buffer(4096, names, 1);
  static_cast<void>(buffer.take());
  const Bytes head(64, 0x45);
  const Bytes body(3, 7);
  buffer.inner(std::array{crypto::Plaintext{head, body}}, 1);
  const auto blocks = parse(buffer.take());
  CHECK(blocks[0].word(12) == 67);
  CHECK(blocks[0].body[20 + 66] == 7);
}

TEST_CASE("outer datagrams of a run, with the headers that they have") {
  BlockBuffer buffer(4096, names, 51820);
  static_cast<void>(buffer.take());
  Bytes bytes(25, 9);
  const Path path{.remote = *Endpoint::parse("192.0.2.7:4500"), .local = *IpAddress::parse("10.0.0.1")};
  buffer.outer(DatagramRun{path, 0x88, bytes, 10}, 1);
  buffer.outer(SendRun{path, 0, 2, 25, 25}, bytes, 1);
  const auto blocks = parse(buffer.take());
  REQUIRE(blocks.size() == 4);
  const std::array<std::size_t, 4> sizes{10, 10, 5, 25};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Bytes& body = blocks[i].body;
    CHECK(blocks[i].word(0) == 1);
    CHECK(blocks[i].word(12) == 28 + sizes[i]);
    const ByteView ip = ByteView(body).subspan(20, 28 + sizes[i]);
    CHECK(offload::fold(offload::add_bytes(0, ip.first(20))) == 0xffff);
    const auto length = static_cast<std::uint16_t>(8 + sizes[i]);
    const auto sum = offload::add_word(offload::pseudo_header(ip.data(), 17), length);
    CHECK(offload::fold(offload::add_bytes(sum, ip.subspan(20))) == 0xffff);
  }
  const std::uint8_t* in = &blocks[0].body[20];
  CHECK(in[1] == 0x88);
  CHECK(Bytes(in + 12, in + 24) == Bytes{192, 0, 2, 7, 10, 0, 0, 1, 4500 >> 8, 4500 & 255, 51820 >> 8, 51820 & 255});
  const std::uint8_t* out = &blocks[3].body[20];
  CHECK(out[1] == 2);
  CHECK(Bytes(out + 12, out + 24) == Bytes{10, 0, 0, 1, 192, 0, 2, 7, 51820 >> 8, 51820 & 255, 4500 >> 8, 4500 & 255});
}

TEST_CASE("outer datagrams of IPv6, from an address that the routing table chooses") {
  BlockBuffer buffer(4096, names, 1000);
  static_cast<void>(buffer.take());
  const Bytes bytes(9, 9);
  const Path path{.remote = *Endpoint::parse("[fd00::7]:4500"), .local = {}};
  buffer.outer(SendRun{path, 0, 0x88, 9, 9}, bytes, 1);
  const auto blocks = parse(buffer.take());
  const ByteView ip = ByteView(blocks.at(0).body).subspan(20, 57);
  CHECK(load_be<std::uint32_t>(ip.data()) == 0x68800000);
  CHECK(load_be<std::uint16_t>(&ip[4]) == 17);
  CHECK(ip[6] == 17);
  CHECK(std::ranges::all_of(ip.subspan(8, 16), [](auto byte) { return byte == 0; }));
  CHECK(ip[39] == 7);
  const auto sum = offload::add_word(offload::pseudo_header(ip.data(), 17), 17);
  CHECK(offload::fold(offload::add_bytes(sum, ip.subspan(40))) == 0xffff);
}

TEST_CASE("outer datagrams up to the limits of each family and field, and longer") {
  const std::array<std::pair<std::string_view, std::size_t>, 11> sizes{{{"192.0.2.7:4500", 1},
                                                                        {"192.0.2.7:4500", 65506},
                                                                        {"192.0.2.7:4500", 65507},
                                                                        {"[fd00::7]:4500", 1},
                                                                        {"[fd00::7]:4500", 65507},
                                                                        {"[fd00::7]:4500", 65508},
                                                                        {"[fd00::7]:4500", 65527},
                                                                        {"[fd00::7]:4500", 65528},
                                                                        {"[fd00::7]:4500", 65536},
                                                                        {"192.0.2.7:4500", 65508},
                                                                        {"192.0.2.7:4500", 65536}}};
  for (const auto& [remote, size] : sizes) {
    BlockBuffer buffer(std::size_t{1} << 18, names, 1000);
    static_cast<void>(buffer.take());
    Bytes bytes(size, 9);
    const Path path{.remote = *Endpoint::parse(remote), .local = {}};
    buffer.outer(DatagramRun{path, 0, bytes, size}, 1);
    buffer.outer(SendRun{path, 0, 0, size, size}, bytes, 1);
    const auto blocks = parse(buffer.take());
    REQUIRE(blocks.size() == 2);
    for (const Block& block : blocks) {
      const bool v4 = path.remote.address.is_v4();
      const std::size_t ip_size = v4 ? 20 : 40;
      CHECK(block.word(12) == ip_size + 8 + size);
      const ByteView ip = ByteView(block.body).subspan(20, ip_size + 8 + size);
      const auto field = [](std::size_t length) { return length > UINT16_MAX ? 0 : length; };
      CHECK(load_be<std::uint16_t>(&ip[v4 ? 2 : 4]) == field(v4 ? 28 + size : 8 + size));
      CHECK(load_be<std::uint16_t>(&ip[ip_size + 4]) == field(8 + size));
      auto sum = offload::add_word(offload::pseudo_header(ip.data(), 17), static_cast<std::uint16_t>((8 + size) >> 16));
      sum = offload::add_word(sum, static_cast<std::uint16_t>(8 + size));
      CHECK(offload::fold(offload::add_bytes(sum, ip.subspan(ip_size))) == 0xffff);
    }
  }
}

TEST_CASE("packets that do not fit are counted, and the statistics say so") {
  BlockBuffer buffer(1024, names, 1);
  static_cast<void>(buffer.take());
  Bytes bytes(500, 0x45);
  const std::array four{ByteSpan(bytes), ByteSpan(bytes), ByteSpan(bytes), ByteSpan(bytes)};
  buffer.inner(four, 1);
  CHECK(buffer.counts().packets == 4);
  CHECK(buffer.counts().dropped == 3);
  CHECK(of_type(parse(buffer.take()), packet_block).size() == 1);
  buffer.statistics(some_time);
  const auto told = of_type(parse(buffer.take()), statistics_block);
  REQUIRE(told.size() == 2);
  CHECK(option(told[0], 12, 4) == Bytes{4, 0, 0, 0, 0, 0, 0, 0});
  CHECK(option(told[0], 12, 5) == Bytes{3, 0, 0, 0, 0, 0, 0, 0});
  CHECK(option(told[1], 12, 4) == Bytes{0, 0, 0, 0, 0, 0, 0, 0});
  buffer.inner(std::array{ByteSpan(bytes)}, 1);
  CHECK(buffer.counts().dropped == 3);
}

TEST_CASE("keys are a block of lines as Wireshark reads them") {
  PrivateKey mine;
  PrivateKey ephemeral;
  PublicKey theirs{};
  mine.data()[0] = 1;
  ephemeral.data()[0] = 2;
  theirs[0] = 3;
  const KeyLogEntry entry(theirs, ephemeral, PresharedKey{});
  CHECK(KeyLogEntry(mine).text() == "LOCAL_STATIC_PRIVATE_KEY = AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
  CHECK(entry.text() ==
        "REMOTE_STATIC_PUBLIC_KEY = AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "LOCAL_EPHEMERAL_PRIVATE_KEY = AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "PRESHARED_KEY = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
  BlockBuffer buffer(4096, names, 1);
  static_cast<void>(buffer.take());
  buffer.keys(entry);
  const auto blocks = parse(buffer.take());
  REQUIRE(blocks.at(0).type == secrets_block);
  CHECK(blocks[0].word(0) == 0x57474b4c);
  CHECK(blocks[0].word(4) == entry.text().size());
  CHECK(std::string(&blocks[0].body[8], &blocks[0].body[8] + entry.text().size()) == entry.text());
}

/// A path in a folder of one's own.
class Scratch {
 public:
  Scratch() {
    std::string pattern = std::filesystem::temp_directory_path() / "wg4-capture-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string path() const { return folder_ + "/file"; }

 private:
  std::string folder_;
};

Bytes contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("a capture to a file, by several threads") {
  const Scratch scratch;
  constexpr int per_thread = 2000;
  {
    Capture capture(*CaptureFile::open(scratch.path()), names, 1);
    REQUIRE(capture.start().has_value());
    std::vector<std::jthread> threads;
    threads.reserve(3);
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        Bytes bytes(100, 0x45);
        for (int n = 0; n < per_thread; ++n) capture.inner(std::array{ByteSpan(bytes)});
      });
  }
  const auto blocks = parse(contents(scratch.path()));
  CHECK(of_type(blocks, packet_block).size() == 3 * per_thread);
  CHECK(blocks.back().type == statistics_block);
}

TEST_CASE("a file is this user's alone, and is overwritten") {
  const Scratch scratch;
  std::ofstream(scratch.path()) << "what was there before";
  REQUIRE(chmod(scratch.path().c_str(), 0666) == 0);
  {
    const Capture capture(*CaptureFile::open(scratch.path()), names, 1);
  }
  struct stat status{};
  REQUIRE(stat(scratch.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(status.st_size == 0);
  CHECK_FALSE(CaptureFile::open(scratch.path() + "/no/such").has_value());
}

std::string refusal(const std::string& path) {
  const auto opened = CaptureFile::open(path);
  return opened ? "" : opened.error().message();
}

TEST_CASE("a process that has the old file open does not see the capture") {
  const Scratch scratch;
  std::ofstream(scratch.path()) << "before";
  REQUIRE(chmod(scratch.path().c_str(), 0644) == 0);
  const UniqueFd reader(open(scratch.path().c_str(), O_RDONLY));
  {
    Capture capture(*CaptureFile::open(scratch.path()), names, 1);
    REQUIRE(capture.start().has_value());
  }
  CHECK(parse(contents(scratch.path())).size() == 5);
  std::array<char, 64> read_on{};
  CHECK(read(reader.get(), read_on.data(), read_on.size()) == 6);
}

TEST_CASE("a link, a device and a FIFO open to all are refused for a capture, and not changed") {
  const Scratch scratch;
  const std::string target = scratch.path() + "-target";
  std::ofstream(target) << "before";
  REQUIRE(symlink(target.c_str(), scratch.path().c_str()) == 0);
  CHECK(refusal(scratch.path()).find("symbolic link") != std::string::npos);
  REQUIRE(unlink(scratch.path().c_str()) == 0);
  REQUIRE(link(target.c_str(), scratch.path().c_str()) == 0);
  CHECK(refusal(scratch.path()).find("hard link") != std::string::npos);
  CHECK(contents(target).size() == 6);
  REQUIRE(unlink(scratch.path().c_str()) == 0);
  REQUIRE(mkfifo(scratch.path().c_str(), 0600) == 0);
  REQUIRE(chmod(scratch.path().c_str(), 0640) == 0);
  CHECK(refusal(scratch.path()).find("mkfifo -m 600") != std::string::npos);
  CHECK(refusal("/dev/null").find("neither a file nor a FIFO") != std::string::npos);
  CHECK(refusal("/").find("Is a directory") != std::string::npos);
}

TEST_CASE("another user's file is refused for a capture, even for root's") {
  if (geteuid() != 0) return;  // tests/netns/test_capture.py has two users in any case
  constexpr uid_t somebody = 65534;
  const Scratch scratch;
  std::ofstream(scratch.path()) << "before";
  REQUIRE(chown(scratch.path().c_str(), somebody, somebody) == 0);
  CHECK(refusal(scratch.path()).find("another user") != std::string::npos);
  CHECK(contents(scratch.path()).size() == 6);
  REQUIRE(unlink(scratch.path().c_str()) == 0);
  REQUIRE(mkfifo(scratch.path().c_str(), 0600) == 0);
  REQUIRE(chown(scratch.path().c_str(), somebody, somebody) == 0);
  CHECK(refusal(scratch.path()).find("another user") != std::string::npos);
}

TEST_CASE("a slow reader blocks nothing, and learns how much was lost") {
  const Scratch scratch;
  REQUIRE(mkfifo(scratch.path().c_str(), 0600) == 0);
  const UniqueFd reader(open(scratch.path().c_str(), O_RDONLY | O_NONBLOCK));
  std::optional<Capture> capture;
  capture.emplace(*CaptureFile::open(scratch.path()), names, 1);
  REQUIRE(capture->start().has_value());
  Bytes bytes(1400, 0x45);
  const std::vector<ByteSpan> batch(64, ByteSpan(bytes));
  for (int i = 0; i < 1000; ++i) capture->inner(batch);
  const auto counts = capture->counts();
  CHECK(counts.packets == 64000);
  CHECK(counts.dropped > 10000);  // nobody has read a byte so far, so this did not wait for a reader

  Bytes file;
  std::array<std::uint8_t, 65536> buffer;
  pollfd ready{reader.get(), POLLIN, 0};
  const auto read_more = [&](int patience_ms) {
    if (poll(&ready, 1, patience_ms) != 1) return false;
    const ssize_t size = read(reader.get(), buffer.data(), buffer.size());
    if (size > 0) file.insert(file.end(), buffer.data(), buffer.data() + size);
    return size > 0;
  };
  // First read what is there: at its end the capture gives its reader two seconds, which a busy machine may exceed.
  while (read_more(1000)) {
  }
  const std::jthread ender([&] { capture.reset(); });
  while (read_more(-1)) {
  }
  const auto blocks = parse(file);
  CHECK(of_type(blocks, packet_block).size() == counts.packets - counts.dropped);
  const auto told = of_type(blocks, statistics_block);
  REQUIRE(told.size() >= 2);
  CHECK(load_le<std::uint64_t>(option(told[told.size() - 2], 12, 5)->data()) == counts.dropped);
}

TEST_CASE("the end waits neither for a reader that never reads, nor for one that has gone") {
  const Scratch scratch;
  REQUIRE(mkfifo(scratch.path().c_str(), 0600) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  UniqueFd reader(open(scratch.path().c_str(), O_RDONLY | O_NONBLOCK));
  for (const bool stays : {true, false}) {
    Capture capture(*CaptureFile::open(scratch.path()), names, 1);
    REQUIRE(capture.start().has_value());
    if (!stays) reader.reset();
    Bytes bytes(60000, 0x45);
    for (int i = 0; i < 10; ++i) capture.inner(std::array{ByteSpan(bytes)});
  }  // it ends, although nothing reads in this process
}

TEST_CASE("recordings come and go, and only those that asked for keys get them") {
  constexpr std::size_t capacity = 4096;
  BlockBuffer::Names secret = names;
  secret.with_keys = true;
  Taps taps;
  CHECK_FALSE(taps.active());
  Recording first(capacity, names, 1);
  Recording second(capacity, secret, 1);
  Bytes bytes(100, 0x45);
  const std::array packets{ByteSpan(bytes)};

  taps.inner(packets);
  taps.add(first);
  CHECK(taps.active());
  CHECK_FALSE(taps.want_keys());
  taps.inner(packets);
  taps.add(second);
  CHECK(taps.want_keys());
  taps.inner(packets);
  taps.identity_key(PrivateKey{});
  taps.remove(first);
  taps.inner(packets);
  taps.remove(second);
  CHECK_FALSE(taps.active());
  taps.inner(packets);

  const auto of_first = parse(first.take());
  CHECK(of_type(of_first, packet_block).size() == 2);
  CHECK(of_type(of_first, secrets_block).empty());
  const auto of_second = parse(second.take());
  CHECK(of_type(of_second, packet_block).size() == 2);
  CHECK(of_type(of_second, secrets_block).size() == 1);
}

TEST_CASE("the number of dropped packets is behind the recorded ones") {
  Recording recording(2000, names, 1);
  Bytes bytes(1000, 0x45);
  for (int i = 0; i < 3; ++i) recording.inner(std::array{ByteSpan(bytes)});
  const auto blocks = parse(recording.take());
  CHECK(of_type(blocks, packet_block).size() == 1);
  REQUIRE(blocks.back().type == statistics_block);
  CHECK(recording.counts().dropped == 2);
  CHECK(recording.take().empty());
  recording.inner(std::array{ByteSpan(bytes)});
  CHECK(parse(recording.take()).size() == 1);
}

}  // namespace
}  // namespace wg4::capture
