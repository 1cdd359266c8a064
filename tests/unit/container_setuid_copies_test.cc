#include "netns-helper/container/setuid_copies.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <concepts>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "netns-helper/container/confine_command.h"
#include "netns-helper/container/id_mapping.h"
#include "netns-helper/container/id_plan.h"
#include "netns-helper/container/name_files.h"
#include "shared/base/result.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/pipe.h"
#include "shared/sys/sub_ids.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/support/ordinary_user.h"
#include "tests/support/temporary_folder.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

/// Waits until its other end writes, or closes it.
void wait_for(const Pipe& pipe) {
  char byte = 0;
  [[maybe_unused]] const ssize_t size = read(pipe.reader.get(), &byte, 1);
}

void tell(const Pipe& pipe) { [[maybe_unused]] const ssize_t size = write(pipe.writer.get(), "1", 1); }

/// Runs `body` in a user namespace with subordinate ids, and a mount namespace. Returns its exit status.
template <std::invocable Body>
int with_sub_ids(const IdPlan& plan, const Body& body) {
  auto made = make_pipe();
  auto mapped = make_pipe();
  if (!made || !mapped) return -1;
  const pid_t child = fork();
  if (child == 0) {
    if (!make_own_namespaces(CLONE_NEWUSER, "make a user namespace")) _exit(100);
    tell(*made);
    wait_for(*mapped);
    if (!make_own_namespaces(CLONE_NEWNS, "make a mount namespace") || !make_mounts_private()) _exit(101);
    _exit(body());
  }
  wait_for(*made);
  const auto mapping = map_ids(child, plan);
  if (!mapping) kill(child, SIGKILL);
  tell(*mapped);
  int status = 0;
  waitpid(child, &status, 0);
  return exit_status(status);
}

/// What `command` prints for a user whose ids are the same inside, after `prepare` in its namespaces.
template <std::invocable Prepare>
std::string printed(const std::string& command, const Prepare& prepare) {
  return said_by(ordinary_user(), [&] {
    const TemporaryFolder folder;
    const std::string output = folder.path() + "/output";
    const int status = with_sub_ids({.sub_ids = true}, [&] {
      if (const Result<void> prepared = prepare(); !prepared) {
        std::ofstream(output) << prepared.error().message();
        return 102;
      }
      if (!confine_command({.no_new_privs = false, .capabilities = container_capabilities})) return 103;
      return exit_status(std::system(fmt::format("({}) > {} 2>&1", command, output).c_str()));
    });
    std::ifstream file(output);
    std::string text;
    std::getline(file, text, '\0');
    return text + (status == 0 ? "" : fmt::format("status {}", status));
  });
}

Result<void> copy_id() {
  return mount_setuid_copies(std::vector<std::string>{"/usr/bin/id", "/usr/bin/there-is-no-such-program"});
}

#define SKIP_WITHOUT_SUB_IDS \
  if (const std::string why = sub_ids_are_missing(ordinary_user()); !why.empty()) return say_skipped(why.c_str())

TEST_CASE("a copy of a program has the rights of root inside") {
  SKIP_WITHOUT_SUB_IDS;
  CHECK(printed("id -u", copy_id) == "0\n");
  CHECK(printed("id -ru", copy_id) == std::to_string(ordinary_user().uid) + "\n");
  CHECK(printed("stat -c '%u %g %a' /usr/bin/id", copy_id) == "0 0 4755\n");
}

TEST_CASE("the folder in which copies are made is not seen afterwards") {
  SKIP_WITHOUT_SUB_IDS;
  CHECK(printed("ls -d /proc/self", copy_id) == "/proc/self\n");
}

TEST_CASE("nobody has a password in the file for sudo") {
  CHECK(shadow_for_sudo("root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/:/bin/sh\n") ==
        "root:*:::::::\nalice:*:::::::\n");
  CHECK(shadow_for_sudo("root:x:0:0:root:/root:/bin/bash") == "root:*:::::::\n");
  CHECK(shadow_for_sudo("\n:x:\nno line\n").empty());
  CHECK(shadow_for_sudo("").empty());
}

/// Makes /etc what `run` makes of it, as far as sudo looks: the host's, but for some files.
Result<void> prepare_sudo() {
  const fs::path stage = "/mnt";
  if (mount("none", stage.c_str(), "tmpfs", 0, "mode=0755") != 0) return fail("mount a tmpfs", errno);
  const fs::path host = stage / "host";
  const fs::path etc = stage / "etc";
  fs::create_directory(host);
  fs::create_directory(etc);
  if (mount("/etc", host.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return fail("mount /etc again", errno);
  const auto put = [&etc](std::string_view name, std::string_view text, mode_t mode) {
    const fs::path path = etc / name;
    std::ofstream(path) << text << std::flush;
    return chown(path.c_str(), 0, 0) == 0 && chmod(path.c_str(), mode) == 0;
  };
  std::string passwd;
  std::ifstream file("/etc/passwd");
  std::getline(file, passwd, '\0');
  std::array<char, 256> hostname{};
  gethostname(hostname.data(), hostname.size() - 1);
  bool done = put("shadow", shadow_for_sudo(passwd), 0600);
  done = put("hosts", make_hosts({.hostname = hostname.data()}), 0644) && done;
  for (const EtcFile& wanted : etc_files_for_sudo) done = put(wanted.name, wanted.text, wanted.mode) && done;
  if (!done) return fail("make files in /etc", errno);
  for (const auto& entry : fs::directory_iterator(host))
    if (const fs::path path = etc / entry.path().filename(); !fs::exists(path)) fs::create_symlink(entry.path(), path);
  if (mount(etc.c_str(), "/etc", nullptr, MS_BIND, nullptr) != 0) return fail("mount over /etc", errno);
  return mount_setuid_copies(std::vector<std::string>{"/usr/bin/sudo", "/usr/bin/su"});
}

#define SKIP_WITHOUT_SUDO \
  SKIP_WITHOUT_SUB_IDS;   \
  if (access("/usr/bin/sudo", X_OK) != 0) return say_skipped("there is no /usr/bin/sudo")

TEST_CASE("sudo works where the user has subordinate ids") {
  SKIP_WITHOUT_SUDO;
  CHECK(printed("sudo -n id -u", prepare_sudo) == "0\n");
  CHECK(printed("sudo -n -u nobody id -un", prepare_sudo) == "nobody\n");
  CHECK(printed("sudo -n su -s /bin/sh -c 'id -un' nobody", prepare_sudo) == "nobody\n");
}

TEST_CASE("sudo builds a package with files of root") {
  SKIP_WITHOUT_SUDO;
  const std::string text = printed(
      "set -e; cd $(mktemp -d); mkdir -p p/DEBIAN; touch p/file;"
      "printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: p\\nDescription: p\\n' > p/DEBIAN/control;"
      "sudo -n chown -R root:root p; sudo -n dpkg-deb --build p > /dev/null; dpkg-deb --contents p.deb; sudo -n rm -r "
      "$PWD",
      prepare_sudo);
  CHECK_MESSAGE(text.find("root/root         0") != std::string::npos, text);
}

TEST_CASE("sudo gives no rights over mounts") {
  SKIP_WITHOUT_SUDO;
  CHECK(printed("sudo -n sh -c 'id -u; umount /etc 2> /dev/null'", prepare_sudo).starts_with("0\nstatus "));
  CHECK(
      printed("sudo -n sh -c 'id -u; mount -t tmpfs none /opt 2> /dev/null'", prepare_sudo).starts_with("0\nstatus "));
}

}  // namespace
}  // namespace wg4::container
