// Access to the file system, and other ways out of the sandbox, when system calls are not filtered.

#include <arpa/inet.h>
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "shared/base/scope_exit.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/empty_root.h"
#include "shared/sys/landlock.h"
#include "shared/sys/process.h"
#include "shared/sys/unique_file.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

std::string make_folder() {
  std::string folder = fs::temp_directory_path() / "sandbox_test.XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  return folder;
}

void make_file(const std::string& path) { REQUIRE(UniqueFd(open(path.c_str(), O_CREAT | O_WRONLY, 0600)).valid()); }

/// Runs `body` in a child. Returns the number of the first of its checks that fails; 0 if none does.
template <std::size_t count>
int first_wrong(const std::array<bool, count>& right) {
  for (std::size_t i = 0; i < count; ++i)
    if (!right[i]) return static_cast<int>(i) + 1;
  return 0;
}

bool fails_with(long result, int number) { return result < 0 && errno == number; }

int entries_of_root() {
  DIR* root = opendir("/");
  int count = 0;
  while (root != nullptr && readdir(root) != nullptr) ++count;
  return count;
}

TEST_CASE("an empty root has nothing in it, and takes nothing") {
  const UniqueFd kept(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  const int status = in_child([&kept] {
    if (const auto entered = enter_empty_root(); !entered) return 100;
    std::array<char, 1> byte{};
    return first_wrong(std::array{
        fails_with(open("/etc/passwd", O_RDONLY), ENOENT),
        fails_with(open("/proc/self/status", O_RDONLY), ENOENT),
        fails_with(open("../../../../etc/passwd", O_RDONLY), ENOENT),
        entries_of_root() == 2,  // . and ..
        fails_with(open("/x", O_CREAT | O_WRONLY, 0600), EROFS),
        fails_with(mkdir("/x", 0700), EROFS),
        read(kept.get(), byte.data(), 1) == 1,
    });
  });
  CHECK(exit_status(status) == 0);
}

TEST_CASE("an empty root comes with IPC and UTS namespaces of its own") {
  const auto inode = [](const char* kind) {
    struct stat info{};
    return stat((std::string("/proc/self/ns/") + kind).c_str(), &info) == 0 ? info.st_ino : 0;
  };
  const ino_t ipc = inode("ipc");
  const ino_t uts = inode("uts");
  const UniqueFd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int status = in_child([&] {
    if (!enter_empty_root()) return 100;
    const auto now = [&proc](const char* kind) {
      struct stat info{};
      const std::string path = std::to_string(getpid()) + "/ns/" + kind;
      return fstatat(proc.get(), path.c_str(), &info, 0) == 0 ? info.st_ino : 0;
    };
    return first_wrong(std::array{now("ipc") != 0, now("ipc") != ipc, now("uts") != 0, now("uts") != uts});
  });
  CHECK(exit_status(status) == 0);
}

TEST_CASE("in an empty root, the end of the parent still kills this process") {
  const int status = in_child([] {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!enter_empty_root() || !keep_capabilities(0)) return 100;
    int wish = 0;
    prctl(PR_GET_PDEATHSIG, &wish);
    return wish == SIGKILL ? 0 : 1;
  });
  CHECK(exit_status(status) == 0);
}

TEST_CASE("Landlock leaves only the files and TCP rights that are named") {
  if (!has_landlock()) {
    say_skipped("this kernel has no Landlock; the program does without, too");
    return;
  }
  const bool knows_tcp = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4;
  if (!knows_tcp) say_skipped("of Landlock, TCP: this kernel's knows only files");
  const std::string folder = make_folder();
  const ScopeExit remove([&folder] { fs::remove_all(folder); });
  make_file(folder + "/ours");
  const UniqueFd directory(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int status = in_child([&] {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    LandlockPolicy policy{
        .paths = {{directory.get(), LANDLOCK_ACCESS_FS_REMOVE_FILE}}, .tcp_bind = false, .tcp_connect = false};
    if (!restrict_by_landlock(policy)) return 100;
    const UniqueFd tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!tcp.valid()) return 101;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* target = reinterpret_cast<const sockaddr*>(&address);
    return first_wrong(std::array{
        fails_with(open("/etc/passwd", O_RDONLY), EACCES),
        fails_with(open((folder + "/ours").c_str(), O_RDONLY), EACCES),
        fails_with(open((folder + "/new").c_str(), O_CREAT | O_WRONLY, 0600), EACCES),
        unlinkat(directory.get(), "ours", 0) == 0,
        !knows_tcp || fails_with(connect(tcp.get(), target, sizeof address), EACCES),
        !knows_tcp || fails_with(bind(tcp.get(), target, sizeof address), EACCES),
    });
  });
  CHECK(exit_status(status) == 0);
}

TEST_CASE("capabilities are dropped, and the bounding set, too, if that is permitted") {
  const int status = in_child([] {
    if (!enter_empty_root()) return 100;  // where it is
    if (!keep_capabilities(std::uint64_t{1} << CAP_NET_ADMIN)) return 101;
    const bool kept_one = prctl(PR_CAPBSET_READ, CAP_NET_ADMIN, 0, 0, 0) == 1;
    const bool lost_other = prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0;
    if (!keep_capabilities(0)) return 102;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    syscall(SYS_capget, &header, sets.data());
    return first_wrong(std::array{kept_one, lost_other, (sets[0].permitted | sets[0].effective) == 0,
                                  (sets[1].permitted | sets[1].effective) == 0});
  });
  CHECK(exit_status(status) == 0);
}

TEST_CASE("an owned file is removed with its owner, also in an empty root") {
  const std::string folder = make_folder();
  const ScopeExit remove([&folder] { fs::remove_all(folder); });
  const std::string path = folder + "/file";
  make_file(path);
  SUBCASE("at its end") {
    {
      const auto file = UniqueFile::own(path);
    }
    CHECK(!fs::exists(path));
  }
  SUBCASE("from an empty root") {
    CHECK(exit_status(in_child([&path] {
            auto file = UniqueFile::own(path);
            if (!file || !enter_empty_root()) return 100;
            file->remove();
            return 0;
          })) == 0);
    CHECK(!fs::exists(path));
  }
  SUBCASE("not if another has its name by then") {
    auto file = UniqueFile::own(path);
    fs::rename(path, folder + "/moved");
    make_file(path);
    REQUIRE(file.has_value());
    file->remove();
    CHECK(fs::exists(path));
  }
  SUBCASE("not what has its name when another process takes it over, with the same inode number if possible") {
    auto file = UniqueFile::own(path);
    REQUIRE(file.has_value());
    UniqueFile::Parts parts = file->release();
    fs::remove(path);
    make_file(path);
    {
      const auto other = UniqueFile::own(std::move(parts));
    }
    CHECK(fs::exists(path));
  }
  SUBCASE("after a move") {
    auto file = UniqueFile::own(path);
    REQUIRE(file.has_value());
    UniqueFile other;
    other = std::move(*file);
    CHECK(fs::exists(path));
    other.remove();
    CHECK(!fs::exists(path));
  }
  CHECK(!UniqueFile::own(folder + "/none").has_value());
}

TEST_CASE("a forked child has the descriptors that it is given, and no other") {
  const UniqueFd low(open("/dev/null", O_RDONLY));
  const UniqueFd given(open("/etc/passwd", O_RDONLY));
  const UniqueFd high(fcntl(low.get(), F_DUPFD, 200));
  const std::array kept{given.get()};
  auto child = Child::fork(kept, [&] {
    std::array<char, 1> byte{};
    return first_wrong(std::array{
        fails_with(fcntl(low.get(), F_GETFD), EBADF),
        fails_with(fcntl(high.get(), F_GETFD), EBADF),
        read(given.get(), byte.data(), 1) == 1,
        read(STDIN_FILENO, byte.data(), 1) == 0,
        write(STDERR_FILENO, byte.data(), 1) == 1,
    });
  });
  REQUIRE_MESSAGE(child.has_value(), child.error().message());
  const auto status = child->wait(std::chrono::seconds(20));
  REQUIRE(status.has_value());
  REQUIRE(status->has_value());
  CHECK((*status)->value == 0);
  CHECK(!(*status)->signaled);
}

}  // namespace
}  // namespace wg4
