#include "netns-helper/container/filter/choice.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <expected>
#include <fstream>
#include <span>
#include <utility>
#include <vector>

#include "netns-helper/container/filter/bpf_file.h"
#include "netns-helper/container/filter/oci_profile.h"
#include "shared/base/escaped_text.h"
#include "shared/base/near_word.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/named_file.h"
#include "shared/sys/read_all.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {
namespace {

struct NamedPreset {
  std::string_view name;
  Preset preset;
};

constexpr auto presets_by_name = std::to_array<NamedPreset>({
    {"default", default_presets},
    {"strict", strict_presets},
    {"ext", Preset::ext},
    {"deny-ns", Preset::deny_ns},
    {"deny-tty", Preset::deny_tty},
    {"deny-devel", Preset::deny_devel},
    {"deny-bypass", Preset::deny_bypass},
    {"linux32", Preset::linux32},
});

constexpr const char* what_there_is =
    "There are default, strict, off, FILE.bpf, FILE.json, and lists of ext, deny-ns, deny-tty, deny-devel, deny-bypass "
    "and linux32";

Result<Choice> parse_file(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return fail("the path of a filter has a zero byte in it");
  if (path.ends_with(".bpf")) return Choice{.source = Source::bpf, .path = std::string(path)};
  if (path.ends_with(".json")) return Choice{.source = Source::json, .path = std::string(path)};
  return fail("the filter " + printable(path) + " is neither FILE.bpf nor FILE.json", 0,
              "The name says whether it is a program or a profile");
}

Result<std::string> read_filter(const std::string& path, std::size_t limit) {
  constexpr std::chrono::seconds for_a_file{10};
  const std::string name = "the filter " + printable(path);
  const NamedFile file = TRY(NamedFile::find(path, name));
  TRY(file.expect_regular());
  const UniqueFd fd = TRY(file.open(O_RDONLY));
  return read_all(fd.get(), name, limit, deadline_in(for_a_file));
}

KernelVersion running_kernel() {
  utsname names{};
  uname(&names);
  const std::string release = names.release;
  KernelVersion version;
  const char* const end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ptr != end) std::from_chars(major.ptr + 1, end, version.minor);
  return version;
}

Result<FilterProgram> read_bpf(const std::string& path) {
  const std::string bytes = TRY(read_filter(path, max_instructions * sizeof(sock_filter)));
  return parse_bpf(bytes, printable(path));
}

}  // namespace

Result<Preset> parse_preset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const NamedPreset& known : presets_by_name) {
    if (known.name == name) return known.preset;
    names.push_back(known.name);
  }
  const std::string_view near = nearest_word(name, names);
  return fail("there is no filter preset \"" + printable(name) + "\"", 0,
              near.empty() ? what_there_is : "Did you mean " + std::string(near) + "?");
}

Result<Choice> parse_choice(std::string_view word) {
  if (word == "off") return Choice{.source = Source::off};
  if (word.find('/') != std::string_view::npos || word.ends_with(".bpf") || word.ends_with(".json"))
    return parse_file(word);
  Preset presets = Preset::none;
  for (std::size_t begin = 0; begin <= word.size();) {
    const std::size_t end = std::min(word.find(',', begin), word.size());
    presets = presets | TRY(parse_preset(word.substr(begin, end - begin)));
    begin = end + 1;
  }
  return Choice{.source = Source::presets, .presets = presets};
}

Result<Policy> make_policy(const Choice& choice, const Target& target) {
  switch (choice.source) {
    case Source::off:
      return Policy{.architectures = {native_architecture()}, .rules = {}};
    case Source::presets:
      return make_policy(choice.presets, target.flags);
    case Source::json: {
      const ProfileFacts facts{.capabilities = target.capabilities, .kernel = running_kernel()};
      return parse_oci_profile(TRY(read_filter(choice.path, max_profile_size)), printable(choice.path), facts);
    }
    case Source::bpf:
      return fail("the filter " + printable(choice.path) + " is a program, and no list of rules");
  }
  std::unreachable();
}

Result<std::optional<Filter>> make_filter(const Choice& choice, const Target& target) {
  if (choice.source == Source::off) return std::nullopt;
  if (choice.source == Source::bpf)
    return Filter{.program = TRY(read_bpf(choice.path)), .log_denied = target.log_denied};
  const Policy policy = TRY(make_policy(choice, target));
  auto program = compile(policy);
  if (!program && choice.source == Source::json) return fail_in(printable(choice.path), program.error());
  if (!program) return std::unexpected(program.error());
  return Filter{.program = *std::move(program), .log_denied = target.log_denied || policy.log_denied};
}

Result<void> install(const Filter& filter) { return install_filter(filter.program, filter.log_denied); }

std::string why_not_logged() {
  if (access("/proc/self/loginuid", F_OK) != 0)
    return "refused system calls are not logged: the kernel is built without CONFIG_AUDIT";
  std::ifstream file("/proc/sys/kernel/seccomp/actions_logged");
  bool refusals = false;
  for (std::string action; file >> action;) refusals |= action == "errno";
  if (refusals) return {};
  return "refused system calls are not logged: sysctl kernel.seccomp.actions_logged does not have errno";
}

}  // namespace wg4::container::filter
