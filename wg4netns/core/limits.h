#pragma once
// Every limit of the protocol and of this implementation, under the whitepaper's names (section 6) where it has them.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "wg4netns/core/time.h"

namespace wg4 {

using namespace std::chrono_literals;

// Whitepaper 6.1
inline constexpr std::uint64_t rekey_after_messages = 1ULL << 60;
inline constexpr std::uint64_t reject_after_messages = UINT64_MAX - (1ULL << 13);
inline constexpr Duration rekey_after_time = 120s;
inline constexpr Duration reject_after_time = 180s;
inline constexpr Duration rekey_attempt_time = 90s;
inline constexpr Duration rekey_timeout = 5s;
inline constexpr Duration keepalive_timeout = 10s;

inline constexpr Duration rekey_timeout_jitter_max = 333ms;  // so that two sides that start together drift apart
inline constexpr int crossing_jitter_factor = 4;  // times the jitter, after initiations crossed on a slow path
inline constexpr unsigned max_timer_handshakes = rekey_attempt_time / rekey_timeout;
inline constexpr Duration key_zeroing_time = 3 * reject_after_time;
inline constexpr unsigned initiations_per_second = 50;  // that the responder accepts from one peer

inline constexpr Duration cookie_secret_max_age = 120s;  // whitepaper 5.4.7
inline constexpr Duration cookie_latency = 5s;           // a cookie is not used in its last seconds of life
inline constexpr std::size_t replay_window_bits = 8192;  // of which one word is slack, RFC 6479

inline constexpr std::size_t max_staged_packets = 128;       // per peer, oldest dropped first
inline constexpr std::size_t max_staged_bytes = 512 * 1024;  // per peer
inline constexpr std::size_t max_queued_handshakes = 1024;   // per device
inline constexpr std::size_t max_handshakes_per_turn = 8;    // a millisecond of curve arithmetic, for which data waits
inline constexpr std::size_t under_load_queue = max_queued_handshakes / 8;
inline constexpr std::size_t cookie_holders_share = max_queued_handshakes / 8;  // for those with a valid mac2
inline constexpr std::size_t refusals_per_handshake = 16;  // a cookie reply costs that much less than curve arithmetic
inline constexpr Duration under_load_memory = 1s;          // "under load" lasts at least this long
inline constexpr std::size_t max_peers = 1U << 20;         // the kernel's limit, too

inline constexpr unsigned ratelimiter_packets_per_second = 20;
inline constexpr unsigned ratelimiter_burst = 5;
inline constexpr std::size_t max_ratelimiter_sources = 16 * 1024;

inline constexpr std::size_t max_batch = 64;  // datagrams in one step: what UDP_SEGMENT takes in every kernel
inline constexpr std::size_t max_datagram_size = 65507;          // UDP over IPv4
inline constexpr std::size_t max_run_size = 65507;               // of one sendmsg with UDP_SEGMENT
inline constexpr std::size_t max_batch_size = 2 * max_run_size;  // bytes of datagrams sealed in one step
inline constexpr std::size_t padding_multiple = 16;              // whitepaper 5.4.6

}  // namespace wg4
