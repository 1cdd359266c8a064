#pragma once
// What processes have sent that have ended since. The kernel goes on to send it for them, and tells the other end that
// nothing follows; but the end of a network namespace takes all of that along.

#include <chrono>
#include <cstddef>
#include <string_view>

namespace wg4::keeper {

/// TCP connections that no process has open any more, and whose other end has not got everything.
struct Orphans {
  std::size_t connections = 0;
  std::size_t bytes = 0;  ///< that the other end has not acknowledged

  void operator+=(const Orphans& more);
  friend bool operator==(const Orphans&, const Orphans&) = default;
};

/// Adds up a text of the form of /proc/net/tcp and tcp6. Lines of another form do not count.
[[nodiscard]] Orphans orphans_in(std::string_view table);

/// That of the network namespace that this process is in.
class UnsentData {
 public:
  /// `proc`, a descriptor of /proc, stays the caller's: the process may come to have a root without one.
  explicit UnsentData(int proc) : proc_(proc) {}

  /// Nothing is left, or nothing of it has got away for seconds. To be asked again while it is false.
  [[nodiscard]] bool is_settled();

 private:
  int proc_;
  Orphans last_;
  std::chrono::steady_clock::time_point changed_;
};

}  // namespace wg4::keeper
