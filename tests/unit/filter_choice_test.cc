// The word that a user gives, the files that it may name, and what is printed of it.

#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "shared/sys/syscall_filter.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <ios>
#include <string>
#include <vector>

#include "netns-helper/container/filter/bpf_file.h"
#include "tests/support/filter_machine.h"
#include "tests/support/machine.h"
#include "tests/support/temporary_folder.h"

namespace wg4::container::filter {
namespace {

std::string error_of(const std::string& word) {
  const auto choice = parse_choice(word);
  if (!choice) return choice.error().message();
  const auto filter = make_filter(*choice, {});
  return filter ? "" : filter.error().message();
}

TEST_CASE("the words") {
  CHECK(parse_choice("off").value() == Choice{.source = Source::off});
  CHECK(parse_choice("default").value() == Choice{.source = Source::presets, .presets = default_presets});
  CHECK(parse_choice("strict").value().presets == strict_presets);
  CHECK(parse_choice("ext,deny-tty").value().presets == (Preset::ext | Preset::deny_tty));
  CHECK(parse_choice("default,deny-ns,linux32").value().presets ==
        (default_presets | Preset::deny_ns | Preset::linux32));
  CHECK(parse_choice("deny-devel,deny-bypass").value().presets == (Preset::deny_devel | Preset::deny_bypass));
  CHECK(parse_choice("a.bpf").value() == Choice{.source = Source::bpf, .path = "a.bpf"});
  CHECK(parse_choice("/etc/seccomp.json").value() == Choice{.source = Source::json, .path = "/etc/seccomp.json"});
}

TEST_CASE("wrong words are one sentence") {
  CHECK(error_of("strikt") == "there is no filter preset \"strikt\". Did you mean strict?");
  CHECK(error_of("deny_ns") == "there is no filter preset \"deny_ns\". Did you mean deny-ns?");
  CHECK(error_of("").starts_with("there is no filter preset \"\". There are default, strict, off, FILE.bpf"));
  CHECK(error_of("ext,").starts_with("there is no filter preset \"\""));
  CHECK(error_of("ext,off").starts_with("there is no filter preset \"off\""));
  CHECK(error_of("/etc/passwd").starts_with("the filter /etc/passwd is neither FILE.bpf nor FILE.json"));
  CHECK(error_of(std::string("a\0b.bpf", 7)) == "the path of a filter has a zero byte in it");
  CHECK(error_of("\x1b[2J").find('\x1b') == std::string::npos);
}

/// The bytes of a program that does `steps`, and allows.
std::string program_of(const std::vector<sock_filter>& steps) {
  std::vector<sock_filter> program(steps);
  program.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

std::string fault_of(const std::string& bytes) {
  const auto program = parse_bpf(bytes, "f.bpf");
  return program ? "" : program.error().what;
}

TEST_CASE("a program that the kernel would take is taken as it is") {
  const std::string bytes = program_of({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                                        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 39},
                                        {BPF_RET | BPF_K, 0, 0, refuse(EDOM)}});
  const FilterProgram program = parse_bpf(bytes, "f.bpf").value();
  CHECK(std::memcmp(program.data(), bytes.data(), bytes.size()) == 0);
  CHECK(test::result_of(program, {AUDIT_ARCH_X86_64, 39, {}}) == refuse(EDOM));
  CHECK(test::result_of(program, {AUDIT_ARCH_X86_64, 40, {}}) == allow);
}

TEST_CASE("a file that is no program is refused for what is wrong with it") {
  const std::string whole = program_of({});
  CHECK(fault_of("") == "f.bpf is not a filter: 0 bytes are no number of instructions of 8");
  CHECK(fault_of(whole.substr(1)) == "f.bpf is not a filter: 7 bytes are no number of instructions of 8");
  CHECK(fault_of("#!/bin/sh -e\nid\n") ==
        "f.bpf is not a filter: instruction 0 of the program is none that a filter of system calls may have");
  CHECK(fault_of(program_of(std::vector<sock_filter>(max_instructions))) ==
        "f.bpf is not a filter: the program has 4097 instructions: the kernel takes 4096");
  CHECK(fault_of(std::string(8, '\0')) == "f.bpf is not a filter: the program does not end by returning a result");
  CHECK(fault_of(program_of({{BPF_LD | BPF_W | BPF_ABS, 0, 0, sizeof(seccomp_data)}}))
            .ends_with("loads from beyond a call's data"));
  CHECK(fault_of(program_of({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}})).ends_with("loads from beyond a call's data"));
  CHECK(fault_of(program_of({{BPF_LD | BPF_B | BPF_ABS, 0, 0, 0}})).ends_with("may have"));
  CHECK(fault_of(program_of({{BPF_LD | BPF_W | BPF_IND, 0, 0, 0}})).ends_with("may have"));
  CHECK(fault_of(program_of({{BPF_LD | BPF_MEM, 0, 0, 16}})).ends_with("uses a memory word that there is not"));
  CHECK(fault_of(program_of({{BPF_JMP | BPF_JA, 0, 0, 1}})).ends_with("jumps beyond the end"));
  CHECK(fault_of(program_of({{BPF_JMP | BPF_JA, 0, 0, 0xFFFF'FFFF}})).ends_with("jumps beyond the end"));
  CHECK(fault_of(program_of({{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0}})).ends_with("jumps beyond the end"));
  CHECK(fault_of(program_of({{BPF_JMP | BPF_JSET | BPF_X, 0, 255, 0}})).ends_with("jumps beyond the end"));
  CHECK(fault_of(program_of({{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}})).ends_with("divides by zero"));
  CHECK(fault_of(program_of({{BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32}})).ends_with("shifts by more than a word"));
  CHECK(fault_of(program_of({{BPF_ALU | BPF_MOD | BPF_K, 0, 0, 3}})).ends_with("may have"));
}

struct Files {
  TemporaryFolder folder;
  [[nodiscard]] std::string path(const std::string& name) const { return folder.path() + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
};

TEST_CASE("files that are missing, no files, or too large") {
  const Files files;
  CHECK(error_of(files.path("no.bpf")) == "open the filter " + files.path("no.bpf") + ": No such file or directory");
  CHECK(error_of(files.path("no.json")).ends_with("No such file or directory"));
  REQUIRE(mkdir(files.path("d.json").c_str(), 0700) == 0);
  CHECK(error_of(files.path("d.json")) ==
        "the filter " + files.path("d.json") + " is a directory. It must be a regular file");
  REQUIRE(mkfifo(files.path("p.bpf").c_str(), 0600) == 0);
  CHECK(error_of(files.path("p.bpf")).ends_with("is a FIFO or pipe. It must be a regular file"));
  CHECK(error_of(files.write("big.bpf", std::string(100'000, 'x'))).ends_with("is larger than 32768 bytes"));
  CHECK(error_of(files.write("big.json", std::string(2'000'000, ' '))).ends_with("is larger than 1048576 bytes"));
  CHECK(error_of(files.write("empty.bpf", "")).find("empty.bpf is not a filter: 0 bytes") != std::string::npos);
  CHECK(error_of(files.write("x.json", "{\n\"x\": 1}")).find("x.json:2:1: the key \"x\" is unknown") !=
        std::string::npos);
}

TEST_CASE("files that are filters") {
  if (!has_syscall_filters()) return say_skipped("libseccomp makes no filters where the kernel takes none");
  const Files files;
  const auto raw = make_filter(parse_choice(files.write("f.bpf", program_of({}))).value(), {.log_denied = true});
  REQUIRE(raw.has_value());
  CHECK((*raw)->program.size() == 1);
  CHECK((*raw)->log_denied);
  const std::string profile = files.write("p.json", R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
      [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_BPF"]}}]})");
  const auto size = [&](std::uint64_t capabilities) {
    return make_filter(parse_choice(profile).value(), {.capabilities = capabilities}).value()->program.size();
  };
  CHECK(size(std::uint64_t{1} << CAP_BPF) > size(0));
}

TEST_CASE("Podman's own profile is taken as it is") {
  if (!has_syscall_filters()) return say_skipped("libseccomp makes no filters where the kernel takes none");
  const std::string profile = "/usr/share/containers/seccomp.json";
  if (access(profile.c_str(), R_OK) != 0) return say_skipped("Podman is not installed");
  CHECK(error_of(profile) == "");
}

TEST_CASE("off is no filter") {
  const auto filter = make_filter(parse_choice("off").value(), {});
  REQUIRE(filter.has_value());
  CHECK(!filter->has_value());
}

TEST_CASE("a profile's condition on namespaces is printed with all of their names") {
  const Policy policy{
      .otherwise = refuse(EPERM),
      .architectures = {AUDIT_ARCH_X86_64},
      .rules = {{.call = "clone", .action = allow, .tests = {{0, Comparison::masked, 0, 2114060288}}}},
  };
  CHECK(print(policy).find("\nclone       flags without CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|"
                           "CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET  allowed\n") != std::string::npos);
}

TEST_CASE("what is in a filter is printed with names") {
  const Policy policy{
      .architectures = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386},
      .rules = {{.call = "syslog"},
                {.call = "clone", .tests = {bits(0, 0x1000'0000, 0x1000'0000)}},
                {.call = "clone", .action = allow, .tests = {{0, Comparison::masked, 0, 2114060288}}},
                {.call = "ioctl", .tests = {equals(1, 0x5412)}},
                {.call = "personality", .tests = {{0, Comparison::not_equal, 8}}},
                {.call = "socket", .action = refuse(EAFNOSUPPORT), .tests = {{0, Comparison::at_least, 17}}},
                {.call = "read",
                 .action = kill_process,
                 .tests = {{0, Comparison::masked, 1, 3}, {2, Comparison::less, 4096}}},
                {.call = "subpage_prot"},
                {.call = "no_such_call"},
                {.call = "open_tree_attr", .action = refuse(ENOSYS)}}};
  CHECK(print(policy) ==
        R"(# architectures: x86_64, x86; a call of another: ends the process
syslog                                       EPERM
clone           flags has CLONE_NEWUSER      EPERM
ioctl           request = TIOCSTI            EPERM
personality     persona != PER_LINUX32       EPERM
socket          domain >= AF_PACKET          EAFNOSUPPORT
read            arg0 & 3 = 1, arg2 < 0x1000  ends the process
open_tree_attr                               ENOSYS
all others                                   allowed
# no calls of these architectures: subpage_prot no_such_call
)");
}

}  // namespace
}  // namespace wg4::container::filter
