#include "wg4netns/supervise/unsent_data.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"

namespace wg4::keeper {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds patience{3000};  // for some retransmissions
constexpr std::size_t max_table = 16UL * 1024 * 1024;

// Of the states in include/net/tcp_states.h of the kernel: FIN_WAIT1, LAST_ACK, CLOSING.
constexpr std::array<std::string_view, 3> unfinished{"04", "09", "0B"};

/// The text behind `head`; "" if there is none.
std::string_view text_behind(std::string_view text, std::string_view head) {
  const std::size_t found = text.find(head);
  return found == std::string_view::npos ? "" : text.substr(found + head.size());
}

/// The number that the text begins with; otherwise 0.
std::size_t leading_number(std::string_view text, int base) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

/// "" without such a file: a kernel may have no IPv6.
std::string read_file(int proc, const char* path) {
  const UniqueFd fd(openat(proc, path, O_RDONLY | O_CLOEXEC));
  return fd.valid() ? read_all(fd.get(), path, max_table, deadline_in(patience)).value_or("") : "";
}

/// Paths in /proc. The kernel walks through a large table for the second file, and has the number of all connections
/// at hand.
struct Table {
  const char* count;
  std::string_view before_number;
  const char* connections;
};
constexpr std::array<Table, 2> tables{{
    {"self/net/sockstat", "TCP: inuse ", "self/net/tcp"},
    {"self/net/sockstat6", "TCP6: inuse ", "self/net/tcp6"},
}};

Orphans orphans(int proc) {
  Orphans found;
  for (const auto& [count, before_number, connections] : tables)
    if (leading_number(text_behind(read_file(proc, count), before_number), 10) > 0)
      found += orphans_in(read_file(proc, connections));
  return found;
}

/// Columns: number, local and remote address, state, "UNSENT:UNREAD", timer, retransmissions, uid, timeouts, inode.
Orphans orphans_of(std::string_view line) {
  std::array<std::string_view, 10> words;
  for (std::string_view& word : words) {
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
    word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
  }
  const bool is_open = words[9] != "0";
  if (is_open || std::ranges::find(unfinished, words[3]) == unfinished.end()) return {};
  return {.connections = 1, .bytes = leading_number(words[4], 16)};
}

}  // namespace

void Orphans::operator+=(const Orphans& more) {
  connections += more.connections;
  bytes += more.bytes;
}

Orphans orphans_in(std::string_view table) {
  Orphans found;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    found += orphans_of(line);
  }
  return found;
}

bool UnsentData::is_settled() {
  const Orphans found = orphans(proc_);
  const auto now = std::chrono::steady_clock::now();
  if (found != std::exchange(last_, found)) changed_ = now;
  return found.connections == 0 || now - changed_ > patience;
}

}  // namespace wg4::keeper
