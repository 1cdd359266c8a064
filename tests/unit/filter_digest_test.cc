// The bytes of the programs that we ship, as their SHA-256: a change of any kind shows, and has to be wanted. The bytes
// are libseccomp's: Debian 12's and Debian 13's make the same, and a later version may make others of the same rules.
// What the programs do is tested in filter_presets_test.cc, with any version.

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <openssl/evp.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/sys/syscall_filter.h"
#include "tests/support/machine.h"

namespace wg4::container::filter {
namespace {

std::string sha256(const FilterProgram& program) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(program.data(), program.size() * sizeof(sock_filter), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string text;
  constexpr std::string_view digits = "0123456789abcdef";
  for (const unsigned char byte : digest) text.append({digits[byte / 16], digits[byte % 16]});
  return text;
}

struct Shipped {
  const char* name;
  Preset presets;
  Flags flags;
  std::uint32_t architecture;
  const char* digest;
};

const std::vector<Shipped>& shipped() {
  static const std::vector<Shipped> all{
      {"default on x86_64",
       default_presets,
       {},
       AUDIT_ARCH_X86_64,
       "aea7dfa711f40bbb186b29b4fddb6258f61b31f97a2bf5eb57a8cfa97b410ad0"},
      {"default, multiarch on x86_64",
       default_presets,
       {.multiarch = true},
       AUDIT_ARCH_X86_64,
       "03561504c80e4c8753e69faf8c24d5e009636192fb58efeb592efbc1361185ff"},
      {"strict on x86_64",
       strict_presets,
       {},
       AUDIT_ARCH_X86_64,
       "e291845dcb89e0c319ee984581455f9a02ddc89336b5996da3097ff427dbcee2"},
      {"strict, multiarch on x86_64",
       strict_presets,
       {.multiarch = true},
       AUDIT_ARCH_X86_64,
       "0824455ec4c4f3b4f38fc946c7bf6e305f864b0e21f1b559c8870d3428154ec0"},
      {"default on aarch64",
       default_presets,
       {},
       AUDIT_ARCH_AARCH64,
       "60234570365a5d1be461950cbd43de73875552d37871825169999816be29326b"},
      {"default, multiarch on aarch64",
       default_presets,
       {.multiarch = true},
       AUDIT_ARCH_AARCH64,
       "6d021ee0460c87b2988f0de42a18825e396ee53fb90633e2ab27defbe76aab75"},
      {"strict on aarch64",
       strict_presets,
       {},
       AUDIT_ARCH_AARCH64,
       "5727441e146665c249cc55094f76296c43059ba0efd6b2003bf6d23c3edaffca"},
      {"strict, multiarch on aarch64",
       strict_presets,
       {.multiarch = true},
       AUDIT_ARCH_AARCH64,
       "7d2f82a5343c8dd4dbf083541fb044ce2339d01f8997a76eeab7c00d4c94a9e4"},
  };
  return all;
}

constexpr std::array<std::string_view, 2> known_versions{"2.5.4", "2.6.0"};

std::string library_version() {
  const scmp_version* const version = seccomp_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->micro);
}

TEST_CASE("the programs are those that they were") {
  if (!has_syscall_filters()) return say_skipped("libseccomp makes no filters where the kernel takes none");
  if (std::ranges::find(known_versions, library_version()) == known_versions.end())
    return say_skipped("which bytes this version of libseccomp makes is not known");
  for (const Shipped& one : shipped()) {
    CAPTURE(one.name);
    CHECK(sha256(compile(make_policy(one.presets, one.flags, one.architecture)).value()) == one.digest);
  }
}

}  // namespace
}  // namespace wg4::container::filter
