#pragma once
// The filters that we bring: sets of rules with a name, each of which can be taken alone. Their theory, and what they
// have from hakurei and flatpak, is in README.md.

#include <cstdint>
#include <vector>

#include "netns-helper/container/filter/policy.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {

/// Each refuses some calls. They are bits, so sums of them are sets. The common rules are in force with each set, and
/// with the empty one.
enum class Preset : std::uint8_t {
  none = 0,
  ext = 1,           ///< changes the machine: clocks, modules, swap, reboot; with deny_ns also users and owners
  deny_ns = 2,       ///< namespaces, mounts, chroot
  deny_tty = 4,      ///< types into the terminal
  deny_devel = 8,    ///< observes and changes processes: ptrace, perf; execution domains
  linux32 = 16,      ///< the execution domain that deny_devel leaves is PER_LINUX32
  deny_bypass = 32,  ///< ours: acts past a filter, or on another process's memory and descriptors
};

[[nodiscard]] constexpr Preset operator|(Preset a, Preset b) {
  return static_cast<Preset>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(Preset set, Preset one) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) == static_cast<unsigned>(one);
}

/// Programs can still make user namespaces: sandboxes of browsers, bwrap(1).
inline constexpr Preset default_presets = Preset::ext | Preset::deny_tty | Preset::deny_devel;
inline constexpr Preset strict_presets = default_presets | Preset::deny_ns | Preset::deny_bypass;

/// What the filter leaves open beyond that.
struct Flags {
  bool multiarch = false;  ///< programs of the machine's 32-bit architecture, and modify_ldt(2) for them
  bool can = false;        ///< sockets of CAN buses
  bool bluetooth = false;  ///< Bluetooth sockets

  friend bool operator==(const Flags&, const Flags&) = default;
};

/// For programs of `architecture`. The common rules, those of the presets, and the families of sockets.
[[nodiscard]] Policy make_policy(Preset presets, const Flags& flags,
                                 std::uint32_t architecture = native_architecture());

/// Rules of the caller's own instead of the presets', with the same families of sockets and architectures.
[[nodiscard]] Policy make_policy(std::vector<Rule> rules, const Flags& flags,
                                 std::uint32_t architecture = native_architecture());

/// Refuses to type into the terminal and nothing else, in all architectures of this machine: for a command that shares
/// the terminal with the shell that it was started from.
[[nodiscard]] Policy make_tty_policy();

}  // namespace wg4::container::filter
