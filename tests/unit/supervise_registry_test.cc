// The registry of tunnels, with real processes, and with what others may put in its place.

#include "wg4netns/supervise/registry.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/sys/process_identity.h"
#include "tests/support/machine.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;
using registry::Entry;

const Entry ours{.name = "wg0", .config = "/etc/wireguard/vpn.conf", .netns = "process 4711"};

/// A user's runtime folder.
class Runtime {
 public:
  Runtime() { REQUIRE(mkdtemp(path_.data()) != nullptr); }
  ~Runtime() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] std::vector<std::string> folders() const { return {path_}; }
  [[nodiscard]] fs::path path() const { return path_; }
  [[nodiscard]] fs::path tunnels() const { return path() / "wireguard4netns" / "tunnels"; }
  [[nodiscard]] fs::path file(const ProcessIdentity& process) const { return tunnels() / process.to_string(); }
  /// As if the registry had made it.
  void make_tunnels() const {
    for (const fs::path& folder : {path() / "wireguard4netns", tunnels()}) {
      fs::create_directory(folder);
      REQUIRE(chmod(folder.c_str(), 0700) == 0);
    }
  }
  void write(const fs::path& path, const std::string& text) const {
    std::ofstream(path, std::ios::binary) << text;
    REQUIRE(chmod(path.c_str(), 0600) == 0);
  }
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(tunnels()), fs::directory_iterator()));
  }
  [[nodiscard]] bool finds_nobody() const { return registry::find_running(folders()).empty(); }

 private:
  std::string path_ = "/tmp/wg4-registry-XXXXXX";
};

ProcessIdentity identity_of(pid_t pid) {
  const auto identity = ProcessIdentity::of(pid);
  REQUIRE_MESSAGE(identity.has_value(), identity.error().message());
  return *identity;
}

/// A process that does `work`, says so, and stays until it is killed.
class Other {
 public:
  explicit Other(const std::function<void()>& work) {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      work();
      if (::write(writer.get(), "1", 1) != 1) _exit(1);
      for (;;) pause();
    }
    writer.reset();
    char word = 0;
    REQUIRE(::read(reader.get(), &word, 1) == 1);
  }
  ~Other() { end(); }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill() const { REQUIRE(::kill(pid_, SIGKILL) == 0); }
  void end() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

TEST_CASE("a tunnel is found in the registry for as long as it holds its entry") {
  const Runtime runtime;
  {
    const auto file = registry::add(ours, runtime.folders());
    REQUIRE_MESSAGE(file.has_value(), file.error().message());
    const auto found = registry::find_running(runtime.folders());
    REQUIRE(found.size() == 1);
    CHECK(found[0].pid == getpid());
    CHECK(found[0].entry == ours);
    struct stat info{};
    REQUIRE(stat(runtime.file(identity_of(getpid())).c_str(), &info) == 0);
    CHECK((info.st_mode & ALLPERMS) == 0600);
    REQUIRE(stat(runtime.tunnels().c_str(), &info) == 0);
    CHECK((info.st_mode & ALLPERMS) == 0700);
    CHECK(runtime.count() == 1);
  }
  CHECK(runtime.finds_nobody());
  CHECK(runtime.count() == 0);
}

TEST_CASE("the mode does not depend on the umask") {
  const Runtime runtime;
  runtime.make_tunnels();
  const mode_t before = umask(0277);
  const auto file = registry::add(ours, runtime.folders());
  umask(before);
  REQUIRE_MESSAGE(file.has_value(), file.error().message());
  CHECK(registry::find_running(runtime.folders()).size() == 1);
}

TEST_CASE("a path of any bytes stays a line, and comes back") {
  const Entry strange{.name = "wg0", .config = "/a\nnetns=b\\\t\"'=\xe4\xf6\x01/\xf0\x9f\x94\x91", .netns = ""};
  const std::string text = registry::encode(strange);
  CHECK(std::ranges::count(text, '\n') == 4);
  CHECK(registry::decode(text) == strange);
}

TEST_CASE("an entry is whole, or nothing") {
  const std::string text = registry::encode(ours);
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(registry::decode(text.substr(0, size)));
  CHECK_FALSE(registry::decode(text + "config=/other\n"));
  CHECK_FALSE(registry::decode("name\n\n"));
  CHECK_FALSE(registry::decode("name=\\x\n\n"));
  CHECK(registry::decode("kind=of a later version\n" + text) == ours);
}

TEST_CASE("half a file is no entry") {
  const Runtime runtime;
  runtime.make_tunnels();
  const std::string text = registry::encode(ours);
  runtime.write(runtime.file(identity_of(getpid())), text.substr(0, text.size() / 2));
  CHECK(runtime.finds_nobody());
  runtime.write(runtime.file(identity_of(getpid())), text + std::string(std::size_t{70} * 1024, '\n'));
  CHECK(runtime.finds_nobody());
  runtime.write(runtime.file(identity_of(getpid())).string() + ".new", text);
  CHECK(runtime.finds_nobody());
  runtime.write(runtime.file(identity_of(getpid())), text);
  CHECK(registry::find_running(runtime.folders()).size() == 1);
}

TEST_CASE("the entry of a killed process is removed by the next look into the registry") {
  const Runtime runtime;
  Other other([&] {
    auto file = registry::add(ours, runtime.folders());
    if (!file) _exit(1);
    static_cast<void>(file->release());
    std::ofstream(runtime.file(*ProcessIdentity::of(getpid())).string() + ".new") << "name=";
  });
  CHECK(registry::find_running(runtime.folders()).size() == 1);
  CHECK(runtime.count() == 2);
  SUBCASE("while nobody has asked how it ended") {
    other.kill();
    siginfo_t info{};
    REQUIRE(waitid(P_PID, static_cast<id_t>(other.pid()), &info, WEXITED | WNOWAIT) == 0);
  }
  SUBCASE("once it is gone") { other.end(); }
  CHECK(runtime.finds_nobody());
  CHECK(runtime.count() == 0);
}

TEST_CASE("a PID that has come to mean another process has no entry") {
  const Runtime runtime;
  runtime.make_tunnels();
  ProcessIdentity earlier = identity_of(getpid());
  earlier.start -= 1;
  runtime.write(runtime.file(earlier), registry::encode(ours));
  CHECK(runtime.finds_nobody());
  CHECK(runtime.count() == 0);
}

TEST_CASE("a process of another PID namespace is not known here, and its entry stays") {
  const Runtime runtime;
  runtime.make_tunnels();
  ProcessIdentity elsewhere = identity_of(getpid());
  elsewhere.pid_namespace += 1;
  runtime.write(runtime.file(elsewhere), registry::encode(ours));
  CHECK(runtime.finds_nobody());
  CHECK(runtime.count() == 1);
}

TEST_CASE("a file that is not as a process makes it is no entry, and is not waited for") {
  const Runtime runtime;
  runtime.make_tunnels();
  const fs::path other = runtime.path() / "other";
  const fs::path place = runtime.file(identity_of(getpid()));
  runtime.write(other, registry::encode(ours));
  SUBCASE("a symbolic link") { fs::create_symlink(other, place); }
  SUBCASE("a hard link") { fs::create_hard_link(other, place); }
  SUBCASE("a FIFO") { REQUIRE(mkfifo(place.c_str(), 0600) == 0); }
  SUBCASE("a folder") { fs::create_directory(place); }
  SUBCASE("a file that others may read") {
    runtime.write(place, registry::encode(ours));
    REQUIRE(chmod(place.c_str(), 0644) == 0);
  }
  CHECK(runtime.finds_nobody());
}

TEST_CASE("files that are no entries are left alone") {
  const Runtime runtime;
  runtime.make_tunnels();
  for (const char* name : {"notes", "1.2", "1.2.3.4", "1.-2.3", "01.2.3", "1..3", ".new", "4026531836.x.1"})
    runtime.write(runtime.tunnels() / name, registry::encode(ours));
  CHECK(runtime.finds_nobody());
  CHECK(runtime.count() == 8);
}

TEST_CASE("a second entry of one process takes the place of the first, and outlives it") {
  const Runtime runtime;
  auto first = registry::add(ours, runtime.folders());
  REQUIRE(first.has_value());
  Entry changed = ours;
  changed.config = "/etc/wireguard/other.conf";
  const auto second = registry::add(changed, runtime.folders());
  REQUIRE(second.has_value());
  first->remove();
  const auto found = registry::find_running(runtime.folders());
  REQUIRE(found.size() == 1);
  CHECK(found[0].entry == changed);
}

TEST_CASE("an entry does not follow a link that waits where it is written") {
  const Runtime runtime;
  runtime.make_tunnels();
  const fs::path victim = runtime.path() / "victim";
  runtime.write(victim, "whole");
  const fs::path place = runtime.file(identity_of(getpid()));
  fs::create_symlink(victim, place);
  fs::create_symlink(victim, place.string() + ".new");
  const auto file = registry::add(ours, runtime.folders());
  REQUIRE_MESSAGE(file.has_value(), file.error().message());
  std::string text;
  std::getline(std::ifstream(victim), text);
  CHECK(text == "whole");
  CHECK(registry::find_running(runtime.folders()).size() == 1);
}

TEST_CASE("many begin at the same moment, in a folder that is not there yet") {
  const Runtime runtime;
  constexpr std::size_t count = 20;
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const UniqueFd gate(ends[0]);
  UniqueFd closed(ends[1]);
  std::array<pid_t, count> pids{};
  for (std::size_t i = 0; i < count; ++i) {
    pids[i] = fork();
    REQUIRE(pids[i] >= 0);
    if (pids[i] != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    closed.reset();
    char word = 0;
    if (read(gate.get(), &word, 1) != 0) _exit(1);  // its end is the signal
    Entry entry = ours;
    entry.name = "wg" + std::to_string(i);
    const auto file = registry::add(entry, runtime.folders());
    if (!file) _exit(1);
    for (;;) pause();
  }
  closed.reset();
  std::vector<registry::Running> found;
  for (int i = 0; i < 2000 && found.size() < count; ++i) {
    found = registry::find_running(runtime.folders());
    usleep(10'000);
  }
  CHECK(found.size() == count);
  for (const registry::Running& each : found) {
    const auto at = std::ranges::find(pids, each.pid);
    REQUIRE(at != pids.end());
    CHECK(each.entry.name == "wg" + std::to_string(at - pids.begin()));
  }
  CHECK(runtime.count() == count);  // no drafts
  for (const pid_t pid : pids) kill(pid, SIGKILL);
  for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
  CHECK(runtime.finds_nobody());
  CHECK(runtime.count() == 0);
}

/// Neither written to, nor believed.
void check_refused(const Runtime& runtime, const std::string& why) {
  const auto file = registry::add(ours, runtime.folders());
  REQUIRE_FALSE(file.has_value());
  CHECK_MESSAGE(file.error().message().find(why) != std::string::npos, file.error().message());
  CHECK(runtime.finds_nobody());
}

TEST_CASE("a folder that others can write to is not used") {
  const Runtime runtime;
  runtime.make_tunnels();
  runtime.write(runtime.file(identity_of(getpid())), registry::encode(ours));
  const fs::path folder = runtime.path() / "wireguard4netns";
  SUBCASE("it") { REQUIRE(chmod(runtime.tunnels().c_str(), 0777) == 0); }
  SUBCASE("the one that it is in") { REQUIRE(chmod(folder.c_str(), 0770) == 0); }
  check_refused(runtime, "is not this user's alone");
}

TEST_CASE("a folder of another user is not used") {
  if (geteuid() != 0) return say_skipped("only root can give a folder away");
  const Runtime runtime;
  runtime.make_tunnels();
  runtime.write(runtime.file(identity_of(getpid())), registry::encode(ours));
  constexpr uid_t another = 12345;
  SUBCASE("it") {
    REQUIRE(chown(runtime.tunnels().c_str(), another, another) == 0);
    check_refused(runtime, "is not this user's alone");
  }
  SUBCASE("the runtime folder") {
    REQUIRE(chown(runtime.path().c_str(), another, another) == 0);
    check_refused(runtime, "belongs to another user");
  }
  SUBCASE("an entry of another user is none") {
    REQUIRE(chown(runtime.file(identity_of(getpid())).c_str(), another, another) == 0);
    CHECK(runtime.finds_nobody());
  }
}

TEST_CASE("a link in the place of the folder is not followed") {
  const Runtime runtime;
  const Runtime other;
  other.make_tunnels();
  other.write(other.file(identity_of(getpid())), registry::encode(ours));
  fs::create_symlink(other.path() / "wireguard4netns", runtime.path() / "wireguard4netns");
  check_refused(runtime, "open the folder");
}

TEST_CASE("without a runtime folder there is an error with the next step, and no tunnel is found") {
  const auto file = registry::add(ours, {});
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().message().find("XDG_RUNTIME_DIR is not set") != std::string::npos);
  CHECK(registry::find_running({}).empty());
  CHECK_FALSE(registry::add(ours, {"/nonexistent"}).has_value());
  CHECK(registry::find_running({"/nonexistent"}).empty());
}

TEST_CASE("the next folder is taken where the first one cannot be") {
  const Runtime runtime;
  const std::vector<std::string> folders{"/nonexistent", runtime.path()};
  const auto file = registry::add(ours, folders);
  REQUIRE(file.has_value());
  CHECK(registry::find_running(folders).size() == 1);
}

}  // namespace
}  // namespace wg4
