#pragma once
// /dev/net/tun, where TUN interfaces come from, and each way in which hosts and containers spoil it. What is seen and
// what is said of it are apart, so that a test can present a file that nobody has.

#include <optional>
#include <string>

#include "shared/base/result.h"

namespace wg4 {

inline constexpr const char* tun_file_path = "/dev/net/tun";
inline constexpr unsigned tun_file_major = 10;
inline constexpr unsigned tun_file_minor = 200;

/// What is there.
struct TunFile {
  enum class Kind : unsigned char { character_device, file, folder, pipe, other };

  int look_error = 0;              ///< errno of stat(2)
  bool folder_is_missing = false;  ///< /dev/net is
  Kind kind = Kind::character_device;
  unsigned major = tun_file_major;
  unsigned minor = tun_file_minor;
  unsigned mode = 0666;   ///< permission bits
  bool on_nodev = false;  ///< on a mount where devices do not work
  int open_error = 0;     ///< errno of opening it to read and write; only tried with the right device
};

/// What is wrong: the errno that goes with it, if any, and the next step.
[[nodiscard]] std::optional<Error> fault_of(const TunFile& file);

/// Looks at it, and opens it for a moment where it is the right device.
[[nodiscard]] TunFile look_at_tun_file();

/// "0666".
[[nodiscard]] std::string octal(unsigned mode);

}  // namespace wg4
