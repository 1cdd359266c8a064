// What a container's command is kept from, and what it is given: Landlock, networks, cgroups, descriptors of sources.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/container.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/base/scope_exit.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/landlock.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/pipe.h"
#include "shared/sys/syscall_filter.h"
#include "tests/support/machine.h"
#include "tests/support/ordinary_user.h"
#include "tests/unit/container_process_support.h"

namespace wg4::container {
namespace {

constexpr LandlockDomain all_parts{
    .signals = true, .abstract_sockets = true, .path_sockets = true, .files = true, .tcp = true, .udp = true};

TEST_CASE("what each version of Landlock lacks has a name") {
  CHECK(missing_parts(all_parts, 10).empty());
  CHECK(missing_parts(all_parts, 9) == std::vector<std::string>{"UDP ports (Linux 7.2)"});
  CHECK(missing_parts(all_parts, 8) ==
        std::vector<std::string>{"UNIX sockets with a path (Linux 7.1)", "UDP ports (Linux 7.2)"});
  CHECK(missing_parts(all_parts, 5).size() == 4);
  CHECK(missing_parts(all_parts, 3).front() == "TCP ports (Linux 6.7)");
  CHECK(missing_parts(all_parts, 0).size() == 6);
  CHECK(missing_parts({.files = true}, 0) == std::vector<std::string>{"files (Linux 5.13)"});
  CHECK(missing_parts({.tcp = true}, 4).empty());
  CHECK(missing_parts({}, 0).empty());
}

TEST_CASE("what is required and lacks is an error before anything is made; else as much as there is") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("echo runs");
  container.landlock = {.mode = LandlockSettings::Mode::require, .udp = true};
  if (landlock_version() >= 10) {
    check_run(container, "runs\n");
  } else {
    const std::string said = run(container);
    CHECK(said.starts_with(
        fmt::format("not started: Landlock of this kernel, version {}, cannot restrict ", landlock_version())));
    CHECK(said.ends_with("UDP ports (Linux 7.2). Leave that out, or do not require it"));
  }
  container.landlock.mode = LandlockSettings::Mode::automatic;
  check_run(container, "runs\n");
  container.landlock.mode = LandlockSettings::Mode::off;
  check_run(container, "runs\n");
}

TEST_CASE("files that are not allowed cannot be opened") {
  SKIP_WITHOUT_CONTAINERS;
  if (!has_landlock()) return say_skipped("this kernel has no Landlock");
  Container container = shell(
      "cat /etc/hostname >/dev/null 2>&1 || echo etc refused; echo x >/tmp/x && cat /tmp/x; "
      "echo x 2>/dev/null >/usr/x || echo usr refused");
  container.landlock.files = true;
  container.landlock.readable = {"/usr", "/bin", "/lib", "/lib64"};
  container.landlock.writable = {"/tmp", "/dev/null"};
  std::erase_if(container.landlock.readable, [](const std::string& path) { return access(path.c_str(), F_OK) != 0; });
  check_run(container, "etc refused\nx\nusr refused\n");
  container.landlock.readable = {"/there-is-nothing"};
  check_run(container, "not served, 125: open /there-is-nothing inside, for Landlock: No such file or directory");
}

/// Its output for a program of Python.
Container python(const std::string& program) {
  Container container = shell("");
  container.arguments = {"/usr/bin/python3", "-I", "-c", program};
  return container;
}

std::string why_no_python() {
  return run(python("print('works')")) == "works\n" ? "" : "there is no /usr/bin/python3 here";
}

TEST_CASE("TCP is refused but for some ports, and lo is up") {
  SKIP_WITHOUT_CONTAINERS;
  if (const std::string why = why_no_python(); !why.empty()) return say_skipped(why.c_str());
  if (landlock_version() < 4) return say_skipped("this kernel's Landlock does not know TCP");
  Container container = python(
      "import errno, socket\n"
      "for port in 1, 2:\n"
      "  print(errno.errorcode[socket.socket().connect_ex(('127.0.0.1', port))])");
  check_run(container, "ECONNREFUSED\nECONNREFUSED\n");
  container.landlock.tcp = true;
  container.landlock.ports_to_connect = {2};
  check_run(container, "EACCES\nECONNREFUSED\n");
}

TEST_CASE("abstract sockets of the host are out of reach, unless they are allowed") {
  SKIP_WITHOUT_CONTAINERS;
  if (const std::string why = why_no_python(); !why.empty()) return say_skipped(why.c_str());
  if (!can_scope_signals()) return say_skipped("this kernel's Landlock has no scopes");
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const std::string name = fmt::format("wg4-test-{}", getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(listen(listener.get(), 10) == 0);
  Container container =
      python(fmt::format("import errno, socket\n"
                         "print(errno.errorcode.get(socket.socket(socket.AF_UNIX).connect_ex('\\0{}'), 'connected'))",
                         name));
  check_run(container, "ECONNREFUSED\n");  // it is not in this network
  container.host_network = true;
  check_run(container, "EPERM\n");
  container.host_abstract = true;
  check_run(container, "connected\n");
}

TEST_CASE("a network namespace is given") {
  SKIP_WITHOUT_CONTAINERS;
  const std::string said = said_by(ordinary_user(), []() -> std::string {
    if (const auto made = make_own_namespaces_as_same_user(CLONE_NEWNET, ""); !made) return made.error().message();
    const UniqueFd network(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    struct stat status{};
    fstat(network.get(), &status);
    // This process is in another one now.
    if (unshare(CLONE_NEWNET) != 0) return "no second network";
    Container container = shell("readlink /proc/self/ns/net; exit 3");
    container.network = network.get();
    return run(container) == fmt::format("net:[{}]\nexited with status 3", status.st_ino) ? "given" : run(container);
  });
  CHECK(said == "given");
}

TEST_CASE("a network namespace of others is refused, and nothing is left") {
  SKIP_WITHOUT_CONTAINERS;
  if (ordinary_user().uid == geteuid()) return say_skipped("this user has no rights over any other network");
  const UniqueFd network(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const std::string said = said_by(ordinary_user(), [&] {
    Container container = shell("true");
    container.network = network.get();
    return run(container);
  });
  CHECK(said == fmt::format("not started: join the network namespace of descriptor {}: Operation not permitted. Only a "
                            "process with CAP_SYS_ADMIN in the user namespace that owns it can: start this program "
                            "there",
                            network.get()));
  Container container = shell("true");
  const UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  container.network = file.get();
  CHECK(run(container).ends_with("Invalid argument"));
}

/// The cgroup of a process in the second version's tree.
std::string cgroup_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/cgroup", process));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return "";
}

TEST_CASE("the container starts in the cgroup that is given") {
  SKIP_WITHOUT_CONTAINERS;
  std::string root;
  for (const char* place : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"})
    if (access(fmt::format("{}/cgroup.procs", place).c_str(), W_OK) == 0) root = place;
  if (root.empty()) return say_skipped("there is no cgroup 2 that this user may write to");
  const std::string name = fmt::format("/wg4-test-{}", getpid());
  if (mkdir((root + name).c_str(), 0755) != 0) return say_skipped("no cgroup can be made here");
  const ScopeExit remove([&] { rmdir((root + name).c_str()); });
  {
    const UniqueFd cgroup(open((root + name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    Container container = shell("sleep 100");
    container.cgroup = cgroup.get();
    auto running = RunningContainer::start(container);
    REQUIRE(running.has_value());
    CHECK(cgroup_of(running->pid()) == name);
    CHECK(running->serve().has_value());
    container = shell("cut -d : -f 3 /proc/self/cgroup | tail -n 1");
    container.cgroup = cgroup.get();
    CHECK(run(container) == "/\n");  // the root of its cgroup namespace
  }
  const UniqueFd folder(open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Container container = shell("true");
  container.cgroup = folder.get();
  CHECK(run(container).starts_with(fmt::format("not started: start in the cgroup of descriptor {}: ", folder.get())));
}

TEST_CASE("a source is given by a descriptor") {
  SKIP_WITHOUT_CONTAINERS;
  const UniqueFd folder(open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Container container = shell("test -d /there/bin && echo bound; ls /proc/self/fd | tr '\\n' ' '");
  container.operations.emplace_back(Bind{.source = "", .target = "/there", .descriptor = folder.get()});
  check_run(container, "bound\n0 1 2 3 ");
}

TEST_CASE("errors of operations and filters come back as values") {
  SKIP_WITHOUT_CONTAINERS;
  Container container = shell("true");
  container.operations.emplace_back(Bind{.source = "/there-is-nothing", .target = "/x"});
  const std::string said = run(container);
  CHECK(said.starts_with("not served, 125: "));
  CHECK(said.find("/there-is-nothing: No such file or directory") != std::string::npos);
  container = shell("true");
  container.seccomp_programs = {FilterProgram{{.code = 0xffff, .jt = 0, .jf = 0, .k = 0}}};
  CHECK(run(container).starts_with("not served, 125: "));
}

}  // namespace
}  // namespace wg4::container
