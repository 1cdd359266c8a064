#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/unique_fd.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

dev_t device_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode) ? status.st_rdev : 0;
}

std::set<std::string> names(const std::string& folder) {
  std::set<std::string> found;
  for (const auto& each : std::filesystem::directory_iterator(folder)) found.insert(each.path().filename());
  return found;
}

TEST_CASE("/dev has the usual devices and links, and nothing else") {
  look_around({Dev{}, Proc{}}, no_sources, [](Findings& findings, const HostFolder&) {
    const std::set<std::string> wanted{"null",   "zero",   "full", "random", "urandom", "tty", "stdin",
                                       "stdout", "stderr", "fd",   "core",   "ptmx",    "pts", "shm"};
    findings.expect(names("/dev") == wanted, "its entries");
    findings.expect(device_of("/dev/null") == makedev(1, 3) && device_of("/dev/zero") == makedev(1, 5), "devices");
    findings.expect_equal(read_link("/dev/stdin"), std::string("/proc/self/fd/0"), "stdin");
    findings.expect_equal(read_link("/dev/fd"), std::string("/proc/self/fd"), "fd");
    findings.expect_equal(read_link("/dev/core"), std::string("/proc/kcore"), "core");
    findings.expect_equal(read_link("/dev/ptmx"), std::string("pts/ptmx"), "ptmx");
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    findings.expect(null.valid() && write(null.get(), "x", 1) == 1, "null cannot be written to");
    std::array<char, 8> bytes{};
    const UniqueFd random(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
    findings.expect(read(random.get(), bytes.data(), bytes.size()) == 8, "urandom cannot be read");
  });
}

TEST_CASE("/dev cannot be written to unless that is wanted; its shared memory can") {
  look_around({Dev{}, Dev{.target = "/own/dev", .writable = true}}, no_sources,
              [](Findings& findings, const HostFolder&) {
                findings.expect(try_to_write("/dev") == EROFS, "it can be written to");
                findings.expect(try_to_write("/own/dev") == 0, "it cannot be written to");
                for (const std::string path : {"/dev/shm", "/own/dev/shm"})
                  findings.expect(try_to_write(path) == 0 && mode_of(path) == 01777, path);
              });
}

TEST_CASE("terminals are its own") {
  look_around({Dev{}}, no_sources, [](Findings& findings, const HostFolder&) {
    findings.expect(names("/dev/pts") == std::set<std::string>{"ptmx"}, "the host's terminals are seen");
    const UniqueFd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    findings.expect(terminal.valid() && unlockpt(terminal.get()) == 0, "no terminal");
    findings.expect(exists("/dev/pts/0"), "the terminal is not seen");
    findings.expect((mode_of("/dev/pts/0") & 0777) == 0620 && mode_of("/dev/pts/ptmx") == 0666, "modes");
    findings.expect((mount_flags("/dev/pts") & (ST_NOSUID | ST_NOEXEC)) == (ST_NOSUID | ST_NOEXEC), "flags");
  });
}

TEST_CASE("the console is the terminal at standard output, if there is one") {
  const auto open_terminal = [](HostFolder&) {
    int main_end = -1;  // which stays open
    int terminal = -1;
    need(openpty(&main_end, &terminal, nullptr, nullptr, nullptr) == 0);
    need(dup2(terminal, STDOUT_FILENO) == STDOUT_FILENO);
  };
  const auto open_file = [](HostFolder& host) {
    host.file("output");
    need(dup2(open("/tmp/output", O_WRONLY | O_CLOEXEC), STDOUT_FILENO) == STDOUT_FILENO);
  };
  look_around({Dev{.console = true}}, open_terminal, [](Findings& findings, const HostFolder&) {
    struct stat terminal{};
    need(fstat(STDOUT_FILENO, &terminal) == 0);
    findings.expect(device_of("/dev/console") == terminal.st_rdev, "it is another one");
    const UniqueFd console(open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC));
    findings.expect(isatty(console.get()) == 1, "it is no terminal");
  });
  const auto expect_none = [](Findings& findings, const HostFolder&) {
    findings.expect(!exists("/dev/console"), "there is one");
  };
  look_around({Dev{.console = false}}, open_terminal, expect_none);
  look_around({Dev{.console = true}}, open_file, expect_none);
}

TEST_CASE("message queues are there if they are wanted") {
  look_around({Dev{.mqueue = true}}, no_sources, [](Findings& findings, const HostFolder&) {
    findings.expect(exists("/dev/mqueue") && (mount_flags("/dev/mqueue") & ST_NODEV) != 0, "there are none");
  });
}

}  // namespace
}  // namespace wg4::container
