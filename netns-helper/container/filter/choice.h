#pragma once
// The filter that a user asks for by one word, --seccomp=WORD, and what is made of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/base/result.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {

enum class Source : std::uint8_t {
  presets,
  off,   ///< no filter
  bpf,   ///< a program for the kernel as it is, as seccomp_export_bpf(3) writes it: FILE.bpf
  json,  ///< a profile as container engines have them: FILE.json
};

struct Choice {
  Source source = Source::presets;
  Preset presets = default_presets;  ///< with Source::presets
  std::string path = {};             ///< of the file

  friend bool operator==(const Choice&, const Choice&) = default;
};

/// "default", "strict", "off", a list of presets such as "ext,deny-tty", or a file's path that ends in .bpf or .json.
[[nodiscard]] Result<Choice> parse_choice(std::string_view word);

/// One preset by its name: "deny-ns".
[[nodiscard]] Result<Preset> parse_preset(std::string_view name);

/// What a filter is made for.
struct Target {
  Flags flags = {};                ///< with Source::presets
  std::uint64_t capabilities = 0;  ///< the command's bounding set: a profile has rules that depend on it
  bool log_denied = false;         ///< --log-denied
};

/// A filter that is ready to be put in force: it can be sent to another process as it is.
struct Filter {
  FilterProgram program;
  bool log_denied = false;
};

/// Reads the file, if it is one, and compiles. Nothing for Source::off. Errors name the file, and the line in it.
[[nodiscard]] Result<std::optional<Filter>> make_filter(const Choice& choice, const Target& target);

/// The rules behind a choice, for print(): an error for FILE.bpf, in which there are none.
[[nodiscard]] Result<Policy> make_policy(const Choice& choice, const Target& target);

/// Puts it in force for this thread and its descendants, for good: the last thing before the command, for a filter of
/// the user's own may refuse anything. Needs no_new_privs, or CAP_SYS_ADMIN in this user namespace.
[[nodiscard]] Result<void> install(const Filter& filter);

/// Why this kernel does not log refused calls although a filter asks for it; empty if it does.
[[nodiscard]] std::string why_not_logged();

}  // namespace wg4::container::filter
