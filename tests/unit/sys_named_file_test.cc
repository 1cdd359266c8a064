#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/named_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"
#include "tests/support/machine.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

/// A folder with one of each: file, inside -> file, outside -> /etc/passwd, up -> .., fifo, deeper/file.
class Folder {
 public:
  Folder() {
    REQUIRE(mkdtemp(path_.data()) != nullptr);
    fs::create_directory(path_ + "/deeper");
    std::ofstream(path_ + "/file") << "text";
    std::ofstream(path_ + "/deeper/file") << "text";
    fs::create_symlink("file", path_ + "/inside");
    fs::create_symlink("/etc/passwd", path_ + "/outside");
    fs::create_symlink("..", path_ + "/up");
    fs::create_symlink("deeper", path_ + "/shallow");
    REQUIRE(mkfifo((path_ + "/fifo").c_str(), 0600) == 0);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Result<NamedFile> below(const std::string& name, Links links) const {
    const UniqueFd folder = open_folder(path_).value();
    return NamedFile::find_below(folder.get(), name, links, name);
  }
  [[nodiscard]] int error_below(const std::string& name, Links links) const {
    const auto found = below(name, links);
    return found ? 0 : found.error().number;
  }

 private:
  std::string path_ = fs::temp_directory_path() / "named_file.XXXXXX";
};

TEST_CASE("a file is inspected without opening it") {
  const Folder folder;
  const auto kind = [](const std::string& path) { return std::string(NamedFile::find(path, path).value().kind()); };
  CHECK(kind(folder.path() + "/file") == "a regular file");
  CHECK(kind(folder.path() + "/inside") == "a regular file");
  CHECK(kind(folder.path() + "/fifo") == "a FIFO or pipe");
  CHECK(kind(folder.path()) == "a directory");
  CHECK(kind("/dev/null") == "a device");
  const auto missing = NamedFile::find(folder.path() + "/nothing", "the name");
  CHECK(missing.error().message() == "open the name: No such file or directory");
  CHECK(NamedFile::find("/dev/zero", "the name").value().expect_regular().error().message() ==
        "the name is a device. It must be a regular file");
}

TEST_CASE("the file that was inspected is opened, even if its name now leads to another") {
  const Folder folder;
  const std::string path = folder.path() + "/file";
  const NamedFile file = NamedFile::find(path, path).value();
  fs::remove(path);
  fs::create_symlink("/etc/passwd", path);
  const UniqueFd fd = file.open(O_RDONLY).value();
  CHECK(read_all(fd.get(), path, 100, deadline_in(std::chrono::seconds(1))).value() == "text");
}

TEST_CASE("below a folder no link is followed, or those that stay there") {
  const Folder folder;
  for (const char* name : {"file", "deeper/file"}) CHECK(folder.error_below(name, Links::none) == 0);
  for (const char* name : {"inside", "outside", "shallow/file", "up/etc/passwd"})
    CHECK(folder.error_below(name, Links::none) == ELOOP);
  for (const char* name : {"inside", "shallow/file", "deeper/../file"})
    CHECK(folder.error_below(name, Links::inside) == 0);
  for (const char* name : {"outside", "up", "..", "../file", "/etc/passwd"})
    CHECK(folder.error_below(name, Links::inside) == EXDEV);
  CHECK(folder.error_below("nothing", Links::none) == ENOENT);
}

TEST_CASE("a new file is made without following links, and never replaces another") {
  const Folder folder;
  const UniqueFd place = open_folder(folder.path()).value();
  REQUIRE(create_below(place.get(), "deeper/new", 0600, "new").has_value());
  CHECK(fs::exists(folder.path() + "/deeper/new"));
  CHECK(create_below(place.get(), "deeper/new", 0600, "new").error().number == EEXIST);
  CHECK(create_below(place.get(), "shallow/new2", 0600, "new2").error().number == ELOOP);
  CHECK(create_below(place.get(), "fifo", 0600, "fifo").error().number == EEXIST);
}

/// From now on this process sees a kernel older than Linux 5.6.
bool forget_openat2() {
  std::array program{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                     sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                     sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                     sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{program.size(), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_CASE("a kernel that cannot check the folder is an error") {
  if (!has_syscall_filters()) return say_skipped("no kernel can be made to look older than it is");
  const Folder folder;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!forget_openat2()) _exit(2);
    const auto found = folder.below("file", Links::none);
    _exit(!found && found.error().message().find("Linux 5.6") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("reading ends at the limit, or when there is no writer") {
  const Folder folder;
  const auto soon = [] { return deadline_in(std::chrono::milliseconds(50)); };
  const UniqueFd fifo = NamedFile::find(folder.path() + "/fifo", "fifo").value().open(O_RDONLY).value();
  CHECK(read_all(fifo.get(), "the fifo", 100, soon()).error().what.starts_with("the fifo has no end"));
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  REQUIRE(write(writer.get(), "text", 4) == 4);
  CHECK_FALSE(read_all(reader.get(), "the pipe", 100, soon()).has_value());
  REQUIRE(write(writer.get(), "text", 4) == 4);
  writer.reset();
  CHECK(read_all(reader.get(), "the pipe", 100, soon()).value() == "text");
  const UniqueFd endless(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  CHECK(read_all(endless.get(), "zeros", 100, soon()).error().what == "zeros is larger than 100 bytes");
}

}  // namespace
}  // namespace wg4
