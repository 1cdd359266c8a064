// Files that a user names as a filter of system calls: as a profile and as a program, none may crash, an error is one
// line, and a program that is taken stays within itself and ends.

#include <linux/audit.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "netns-helper/container/filter/bpf_file.h"
#include "netns-helper/container/filter/oci_profile.h"
#include "netns-helper/container/filter/policy.h"
#include "shared/base/check.h"
#include "shared/base/result.h"
#include "shared/sys/syscall_filter.h"
#include "tests/support/filter_machine.h"

namespace {

using namespace wg4::container;

void check_error(const wg4::Error& error) {
  const std::string text = error.message();
  CHECK(text.starts_with("x:") || text.starts_with("x is"));
  for (const char c : text) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

void as_profile(const std::string& text) {
  const filter::ProfileFacts facts{.architecture = AUDIT_ARCH_X86_64, .capabilities = 1U << 21U, .kernel = {6, 1}};
  const auto policy = filter::parse_oci_profile(text, "x", facts);
  if (!policy) return check_error(policy.error());
  CHECK(!policy->architectures.empty());
  for (const filter::Rule& rule : policy->rules)
    for (const wg4::ArgumentTest& test : rule.tests) CHECK(test.index < 6);
  CHECK(filter::print(*policy).ends_with('\n'));
}

void as_program(const std::string& bytes) {
  const auto program = filter::parse_bpf(bytes, "x");
  if (!program) return check_error(program.error());
  for (const int number : {0, 56, 467})
    wg4::test::result_of(*program, {AUDIT_ARCH_X86_64, number, {1, 2, 3, 4, 5, UINT64_MAX}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  as_profile(text);
  as_program(text);
  return 0;
}
