#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "shared/net/prefix.h"
#include "wg4netns/core/batch_sizes.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/time.h"
#include "wg4netns/metrics/tunnel_metrics.h"

namespace wg4::metrics {
namespace {

using namespace std::chrono_literals;

Facts facts() {
  return {.interface = "wg0",
          .version = "1.2.3",
          .cipher = "openssl",
          .offloads = {{"tso", true}, {"uso", false}},
          .threads = 2,
          .mtu = 1420,
          .start = WallTime(1700000000500ms)};
}

PeerSample peer(std::uint8_t first_byte) {
  PeerSample sample;
  sample.public_key[0] = first_byte;
  sample.allowed_ips = {*Prefix::parse("10.0.0.2/32"), *Prefix::parse("fd00::/64")};
  sample.last_handshake = WallTime(1700000123999ms);
  sample.rx_bytes = 10;
  sample.tx_bytes = 20;
  return sample;
}

bool has_line(const std::string& text, const std::string& line) { return text.contains("\n" + line + "\n"); }

TEST_CASE("peers have prometheus_wireguard_exporter's names and labels") {
  Sample sample;
  sample.peers = {peer(1), peer(2)};
  sample.peers[1].friendly_name = "Ann's \"phone\"";
  sample.peers[1].last_handshake.reset();
  sample.peer_count = 2;
  const std::string text = render(facts(), sample);
  const std::string labels =
      R"({interface="wg0",public_key="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",allowed_ips="10.0.0.2/32,fd00::/64"})";
  CHECK(has_line(text, "wireguard_sent_bytes_total" + labels + " 20"));
  CHECK(has_line(text, "wireguard_received_bytes_total" + labels + " 10"));
  CHECK(has_line(text, "wireguard_latest_handshake_seconds" + labels + " 1700000123"));
  CHECK(text.contains(R"(fd00::/64",friendly_name="Ann's \"phone\""} 0)"));
  CHECK(has_line(text, R"(wireguard4netns_peers{interface="wg0"} 2)"));
  CHECK(has_line(text, R"(wireguard4netns_peers_not_listed{interface="wg0"} 0)"));
}

TEST_CASE("the label of a peer with very many prefixes has only the first ones") {
  Sample sample;
  sample.peers = {peer(1)};
  sample.peers[0].allowed_ips.assign(max_listed_prefixes + 1, *Prefix::parse("10.0.0.2/32"));
  sample.peers[0].allowed_ips.front() = *Prefix::parse("10.0.0.1/32");
  sample.peer_count = 5;
  const std::string text = render(facts(), sample);
  CHECK(text.contains(R"(allowed_ips="10.0.0.1/32,10.0.0.2/32,)"));
  CHECK(text.contains(R"(,10.0.0.2/32,..."})"));
  CHECK(has_line(text, R"(wireguard4netns_peers_not_listed{interface="wg0"} 4)"));
}

TEST_CASE("counters and state") {
  Sample sample;
  sample.drops.add(DropReason::no_route, 7);
  sample.drops.add(DropReason::bad_mac1, 2);
  sample.drops.add(DropReason::handshake_rejected, 3);
  sample.handshakes = {.completed = 4, .unanswered = 5, .gave_up = 6};
  sample.edges.udp_refused = 8;
  sample.sealed.add(1);
  sample.sealed.add(64);
  sample.opened.add(3);
  sample.process.cpu_seconds = 1.5;
  const std::string text = render(facts(), sample);
  CHECK(has_line(text, R"(wireguard4netns_dropped_packets_total{interface="wg0",reason="no-route"} 7)"));
  CHECK(has_line(text, R"(wireguard4netns_dropped_packets_total{interface="wg0",reason="bad-tag"} 0)"));
  CHECK(has_line(text, R"(wireguard4netns_handshakes_total{interface="wg0",outcome="completed"} 4)"));
  CHECK(has_line(text, R"(wireguard4netns_handshakes_total{interface="wg0",outcome="gave-up"} 6)"));
  CHECK(has_line(text, R"(wireguard4netns_handshakes_total{interface="wg0",outcome="rejected"} 5)"));
  CHECK(has_line(text, R"(wireguard4netns_io_errors_total{interface="wg0",operation="udp-send"} 8)"));
  CHECK(has_line(text, R"(wireguard4netns_batch_datagrams_bucket{interface="wg0",direction="out",le="32"} 1)"));
  CHECK(has_line(text, R"(wireguard4netns_batch_datagrams_bucket{interface="wg0",direction="out",le="64"} 2)"));
  CHECK(has_line(text, R"(wireguard4netns_batch_datagrams_sum{interface="wg0",direction="out"} 65)"));
  CHECK(has_line(text, R"(wireguard4netns_batch_datagrams_bucket{interface="wg0",direction="in",le="4"} 1)"));
  CHECK(has_line(text, R"(wireguard4netns_aead_info{interface="wg0",backend="openssl"} 1)"));
  CHECK(has_line(text, R"(wireguard4netns_offload_active{interface="wg0",offload="uso"} 0)"));
  CHECK(has_line(text, R"(wireguard4netns_build_info{version="1.2.3"} 1)"));
  CHECK(has_line(text, "process_cpu_seconds_total 1.5"));
  CHECK(has_line(text, "process_start_time_seconds 1700000000.5"));
  CHECK_FALSE(text.contains("process_resident_memory_bytes"));
}

TEST_CASE("each size of a batch has its bucket") {
  BatchSizes sizes;
  for (std::size_t size = 1; size <= BatchSizes::bound(BatchSizes::bucket_count - 1); ++size) {
    BatchSizes single;
    single.add(size);
    for (std::size_t i = 0; i < BatchSizes::bucket_count; ++i)
      CHECK_EQ(single[i], size <= BatchSizes::bound(i) && (i == 0 || size > BatchSizes::bound(i - 1)) ? 1 : 0);
    sizes.add(size);
  }
  CHECK_EQ(sizes.datagrams(), 256 * 257 / 2);
}

}  // namespace
}  // namespace wg4::metrics
