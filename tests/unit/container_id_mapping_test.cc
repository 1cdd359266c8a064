#include "netns-helper/container/id_mapping.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>

#include "netns-helper/container/id_plan.h"
#include "netns-helper/container/userns_facts.h"
#include "shared/base/result.h"
#include "shared/base/scope_exit.h"
#include "shared/sys/pipe.h"
#include "shared/sys/program_file.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/support/ordinary_user.h"
#include "tests/support/temporary_folder.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

constexpr IdPlan own_ids{};
constexpr IdPlan root{.root = true};
constexpr IdPlan sub_ids{.sub_ids = true};
constexpr IdPlan root_and_sub_ids{.root = true, .sub_ids = true};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The lines of a map, with one space between numbers.
std::string read_map(pid_t process, const char* name) {
  std::ifstream file(fmt::format("/proc/{}/{}", process, name));
  std::string text;
  for (std::string inside, outside, count; file >> inside >> outside >> count;)
    text += fmt::format("{} {} {},", inside, outside, count);
  return text;
}

/// Maps the ids of a new user namespace. Returns how: "direct, uid 1 gid 1; 1 1 1, 1 1 1,"; or the error.
std::string try_to_map(const IdPlan& plan, const HostFolders& folders = {}) {
  auto ready = make_pipe();
  if (!ready) return ready.error().message();
  const pid_t process = fork();
  if (process == 0) {
    const bool made = unshare(CLONE_NEWUSER) == 0;
    if (write(ready->writer.get(), made ? "1" : "0", 1) == 1) pause();
    _exit(1);
  }
  const ScopeExit end([process] {
    kill(process, SIGKILL);
    waitpid(process, nullptr, 0);
  });
  char made = '0';
  if (read(ready->reader.get(), &made, 1) != 1 || made != '1') return "no user namespace";
  const auto mapping = map_ids(process, plan, folders);
  if (!mapping) return mapping.error().message();
  return fmt::format("{}, uid {} gid {}{}; {} {}", to_string(mapping->rung), mapping->uid, mapping->gid,
                     mapping->sub_ids ? ", sub ids" : "", read_map(process, "uid_map"), read_map(process, "gid_map"));
}

std::string map_as(const OrdinaryUser& user, const IdPlan& plan, const HostFolders& folders = {}) {
  return said_by(user, [&] { return try_to_map(plan, folders); });
}

/// Of a machine that forbids ordinary users what most of these tests do.
bool has_user_namespaces(const OrdinaryUser& user) {
  return said_by(user, [] { return unshare(CLONE_NEWUSER) == 0 ? "yes" : "no"; }) == "yes";
}

/// $PATH in a test.
class ProgramPath {
 public:
  explicit ProgramPath(const std::string& folders) { setenv("PATH", folders.c_str(), 1); }
  ProgramPath(const ProgramPath&) = delete;
  ProgramPath& operator=(const ProgramPath&) = delete;
  ~ProgramPath() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_ = std::getenv("PATH");
};

TEST_CASE("an ordinary user is mapped directly") {
  const OrdinaryUser user = ordinary_user();
  if (!has_user_namespaces(user)) return say_skipped("ordinary users have no user namespaces here");
  CHECK(map_as(user, own_ids) == fmt::format("direct, uid {0} gid {1}; {0} {0} 1, {1} {1} 1,", user.uid, user.gid));
  CHECK(map_as(user, root) == fmt::format("direct, uid 0 gid 0; 0 {} 1, 0 {} 1,", user.uid, user.gid));
}

TEST_CASE("subordinate ids are mapped by the helpers") {
  const OrdinaryUser user = ordinary_user();
  if (const std::string why = sub_ids_are_missing(user); !why.empty()) return say_skipped(why.c_str());
  if (!has_user_namespaces(user)) return say_skipped("ordinary users have no user namespaces here");
  const std::string same = map_as(user, sub_ids);
  CHECK(same.starts_with(fmt::format("helper, uid {} gid {}, sub ids; 0 ", user.uid, user.gid)));
  CHECK(contains(same, fmt::format(",{0} {0} 1,", user.uid)));
  CHECK(map_as(user, root_and_sub_ids).starts_with(fmt::format("helper, uid 0 gid 0, sub ids; 0 {} 1,1 ", user.uid)));
}

TEST_CASE("without subordinate ids the error has every way, the host's facts and the next step") {
  const OrdinaryUser user = ordinary_user();
  if (!has_user_namespaces(user)) return say_skipped("ordinary users have no user namespaces here");
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms(0755));

  SUBCASE("newuidmap is not there") {
    for (const char* name : {"subuid", "subgid"}) folder.write(name, fmt::format("{}:100000:65536\n", user.uid));
    const ProgramPath path(folder.path());
    const std::string error = map_as(user, sub_ids, {.etc = folder.path()});
    CAPTURE(error);
    CHECK(contains(error, "\n  helper: newuidmap is not in $PATH\n  helper, uid only: newuidmap is not in $PATH\n"));
    CHECK(contains(error, "\n  newgidmap: not in $PATH\n"));
    CHECK(contains(error, "\nNext step: newuidmap is not installed. It is in the package uidmap or shadow-utils"));
    CHECK_FALSE(contains(error, "direct"));
  }
  SUBCASE("the user has no line") {
    if (const std::string why = sub_ids_are_missing(user); !why.empty()) return say_skipped(why.c_str());
    folder.write("subuid", "somebody:100000:65536\n");
    folder.write("subgid", "somebody:100000:65536\n");
    const std::string error = map_as(user, sub_ids, {.etc = folder.path()});
    CHECK(contains(error, "has no range in " + folder.path() + "/subuid\n"));
    CHECK(contains(error, "  " + folder.path() + "/subgid: no line of user "));
    CHECK(contains(error, "\nNext step: user "));
    CHECK(contains(error, "usermod --add-subuids"));
  }
  SUBCASE("newuidmap has no rights") {
    if (const std::string why = sub_ids_are_missing(user); !why.empty()) return say_skipped(why.c_str());
    for (const char* name : {"newuidmap", "newgidmap"}) {
      fs::copy_file(find_program(name), fs::path(folder.path()) / name);
      fs::permissions(fs::path(folder.path()) / name, fs::perms(0755));
    }
    const ProgramPath path(folder.path());
    const std::string error = map_as(user, sub_ids);
    CHECK(contains(error, "\n  helper: newuidmap: "));
    CHECK(contains(error, "uid_map failed: Operation not permitted\n"));
    CHECK(contains(error, "\n  " + folder.path() + "/newuidmap: mode 0755, owner uid "));
    CHECK(contains(error, "\nNext step: " + folder.path() + "/newuidmap has neither the set-user-id bit"));
    CHECK(contains(error, "chmod u+s"));
  }
}

/// A /proc in which only some files of this process can be written, and programs in place of the helpers.
class FakeHost {
 public:
  explicit FakeHost(std::initializer_list<const char*> files) {
    fs::create_directories(fs::path(folder_.path()) / std::to_string(getpid()));
    fs::create_directories(fs::path(folder_.path()) / "etc");
    for (const char* name : files) folder_.write(fmt::format("{}/{}", getpid(), name), "");
    folder_.write("sys/kernel/overflowgid", "65000\n");
  }
  void add_helper(const std::string& name, const std::string& script) {
    folder_.write("bin/" + name, "#!/bin/sh\n" + script + "\n");
    fs::permissions(fs::path(folder_.path()) / "bin" / name, fs::perms(0755));
  }
  void write(const std::string& name, const std::string& text) { folder_.write(name, text); }
  [[nodiscard]] Result<IdMapping> map(const IdPlan& plan) const {
    const ProgramPath path(folder_.path() + "/bin");
    return map_ids(getpid(), plan, {.proc = folder_.path(), .etc = folder_.path() + "/etc"});
  }
  [[nodiscard]] std::string text_of(const char* name) const {
    std::ifstream file(fmt::format("{}/{}/{}", folder_.path(), getpid(), name));
    std::string text;
    std::getline(file, text, '\0');
    return text;
  }

 private:
  TemporaryFolder folder_;
};

TEST_CASE("the first way that works is taken, and told") {
  SUBCASE("direct") {
    const FakeHost host{"uid_map", "gid_map", "setgroups"};
    const auto mapping = host.map(root);
    REQUIRE(mapping.has_value());
    CHECK(mapping->rung == Rung::direct);
    CHECK(host.text_of("uid_map") == fmt::format("0 {} 1\n", geteuid()));
    CHECK(host.text_of("setgroups") == "deny");
  }
  SUBCASE("by the helpers") {
    FakeHost host{};
    host.add_helper("newuidmap", "exit 0");
    host.add_helper("newgidmap", "exit 0");
    const auto mapping = host.map(own_ids);
    REQUIRE(mapping.has_value());
    CHECK(mapping->rung == Rung::helper);
    CHECK(mapping->gid == getegid());
  }
  SUBCASE("uid only") {
    const FakeHost host{"uid_map"};
    const auto mapping = host.map(own_ids);
    REQUIRE(mapping.has_value());
    CHECK(mapping->rung == Rung::uid_only);
    CHECK(mapping->uid == geteuid());
    CHECK(mapping->gid == 65000);
  }
  SUBCASE("uid only, by the helper") {
    FakeHost host{};
    host.add_helper("newuidmap", "exit 0");
    host.add_helper("newgidmap", "echo no group >&2; exit 1");
    const auto mapping = host.map(own_ids);
    REQUIRE(mapping.has_value());
    CHECK(mapping->rung == Rung::helper_uid_only);
  }
}

TEST_CASE("where each way fails, the error has what each said") {
  FakeHost host{};
  host.add_helper("newuidmap", R"(echo "write to uid_map failed: $2 $3 $4" >&2; echo 'second line' >&2; exit 1)");
  host.write("sys/user/max_user_namespaces", "12\n");
  host.write("sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  host.write("self/attr/current", std::string("unconfined\0", 11));
  const auto mapping = host.map(root);
  REQUIRE_FALSE(mapping.has_value());
  const std::string& error = mapping.error().what;
  CHECK(contains(error, "\n  direct: write "));
  CHECK(contains(error, "/uid_map: No such file or directory\n"));
  CHECK(contains(error, fmt::format("\n  helper: write to uid_map failed: 0 {} 1; second line\n", geteuid())));
  CHECK(contains(error, "\n  uid only: write "));
  CHECK(contains(error, "\n  helper, uid only: write to uid_map failed"));
  CHECK(contains(error, "\n  user.max_user_namespaces: 12\n"));
  CHECK(contains(error, "\n  kernel.unprivileged_userns_clone: this kernel has none\n"));
  CHECK(contains(error, "\n  security label of this process: unconfined\n"));
  CHECK(contains(error, "/bin/newuidmap: mode 0755, owner uid "));
  CHECK(contains(error, "\nNext step: AppArmor takes the rights"));
}

TEST_CASE("a helper that dies of a signal is an error") {
  FakeHost host{};
  host.add_helper("newuidmap", "kill -SEGV $$");
  const auto mapping = host.map(own_ids);
  REQUIRE_FALSE(mapping.has_value());
  CHECK(contains(mapping.error().what, "/bin/newuidmap was killed by signal 11"));
}

TEST_CASE("a refused user namespace is explained") {
  const OrdinaryUser user = ordinary_user();
  if (!has_user_namespaces(user)) return say_skipped("ordinary users have no user namespaces here");
  const std::string said = said_by(user, [] {
    if (unshare(CLONE_NEWUSER) != 0) return std::string("no user namespace");
    std::ofstream("/proc/sys/user/max_user_namespaces") << "0\n" << std::flush;
    if (unshare(CLONE_NEWUSER) == 0) return std::string("a user namespace");
    return userns_refused(errno).message();
  });
  CHECK(said.starts_with("make a user namespace: No space left on device\nThis host:\n"));
  CHECK(contains(said, "\n  user.max_user_namespaces: 0\n"));
  CHECK(said.ends_with(
      "\nNext step: This host allows no user namespaces. As root: sysctl -w user.max_user_namespaces=15000"));
}

TEST_CASE("each reason for a refused user namespace has a next step") {
  const TemporaryFolder nothing;
  const auto refused = [&](int number) {
    return userns_refused(number, {.proc = nothing.path(), .etc = nothing.path()}).message();
  };
  CHECK(contains(refused(ENOSPC), "\nNext step: The limit user.max_user_namespaces is used up"));
  CHECK(contains(refused(EUSERS), "\nNext step: User namespaces are nested too deeply"));
  CHECK(contains(refused(EINVAL), "\nNext step: This kernel has no user namespaces"));
  CHECK(contains(refused(EPERM), "\nNext step: It is refused in a chroot"));
  CHECK(contains(refused(EACCES), "\nNext step: A security module"));
}

}  // namespace
}  // namespace wg4::container
