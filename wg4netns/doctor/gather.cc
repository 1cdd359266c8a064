// Looks at the host. A child process tries whatever needs namespaces, in some of its own, which end with it.

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/scope_exit.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/landlock.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/program_file.h"
#include "shared/sys/read_all.h"
#include "shared/sys/sub_ids.h"
#include "shared/sys/tun_file.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/daemon/helper_process.h"
#include "wg4netns/doctor/gather_run.h"
#include "wg4netns/doctor/host_facts.h"
#include "wg4netns/doctor/namespace_facts.h"
#include "wg4netns/doctor/programs.h"
#include "wg4netns/io/tun_device.h"

namespace wg4::doctor {
namespace {

constexpr std::chrono::seconds patience{5};  // with a program that is asked for its version
constexpr std::size_t max_output = 64UL * 1024;

// ---------------------------------------------------------------- namespaces and a TUN in them

NamespaceFacts try_namespaces() {
  NamespaceFacts facts;
  if (const auto made = make_own_namespaces(CLONE_NEWUSER | CLONE_NEWNET, "make namespaces"); !made) {
    facts.namespaces_error = made.error().number;
    return facts;
  }
  if (fault_of(look_at_tun_file())) return facts;
  UniqueFd fd(open(tun_file_path, O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return facts;
  facts.tun_tried = true;
  ifreq request{};
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
  if (ioctl(fd.get(), TUNSETIFF, &request) < 0) {
    facts.tun_error = errno;
    return facts;
  }
  const auto tun = TunDevice::adopt(std::move(fd), {.checksum = true, .segment_tcp = true, .segment_udp = true});
  if (!tun) return facts;
  facts.tun_header = tun->has_header();
  facts.tun_checksum = tun->offloads().checksum;
  facts.tun_tso = tun->offloads().segment_tcp;
  facts.tun_uso = tun->offloads().segment_udp;
  return facts;
}

void gather_namespaces(HostFacts& facts) {
  facts.namespaces_hint = userns_restriction();
  facts.namespaces_error = ECHILD;
  auto sockets = make_message_sockets();
  if (!sockets) return;
  const std::array fds{sockets->theirs.get()};
  const auto child = Child::fork(
      fds, [&] { return wire::send(sockets->theirs.get(), try_namespaces()) ? EXIT_SUCCESS : EXIT_FAILURE; });
  sockets->theirs.reset();
  if (!child) return;
  const auto told = wire::receive<NamespaceFacts>(sockets->ours.get());
  if (told && *told) static_cast<NamespaceFacts&>(facts) = (*told)->message;
}

// ---------------------------------------------------------------- kernel

std::optional<std::uint64_t> read_number(const char* path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

bool has_option(int option, int value) {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd.valid() && setsockopt(fd.get(), SOL_UDP, option, &value, sizeof(value)) == 0;
}

void gather_kernel(HostFacts& facts) {
  utsname names{};
  if (uname(&names) == 0) facts.kernel = static_cast<const char*>(names.release);
  facts.udp_segment = has_option(UDP_SEGMENT, 0);
  facts.udp_gro = has_option(UDP_GRO, 1);
  facts.landlock_version = landlock_version();
  facts.seccomp_filter = access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0;
  facts.rmem_max = read_number("/proc/sys/net/core/rmem_max");
  facts.wmem_max = read_number("/proc/sys/net/core/wmem_max");
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) facts.memlock = limit.rlim_cur;
}

// ---------------------------------------------------------------- programs

/// The first line that `program --version` prints. Podman makes folders at each start: they get a place that is
/// removed.
Result<std::string> ask_version(const std::string& program) {
  std::string folder = "/tmp/wg4netns-doctor-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return fail("make a folder in /tmp", errno);
  const ScopeExit remove([&folder] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  });
  Pipe pipe = TRY(make_pipe());
  const UniqueFd nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
  SpawnRequest request{.program = program, .arguments = {program, "--version"}, .environment = {}, .fds = {}};
  if (const char* path = std::getenv("PATH")) request.environment.push_back(std::string("PATH=") + path);
  for (const char* name : {"HOME", "XDG_RUNTIME_DIR", "TMPDIR"})
    request.environment.push_back(std::string(name) + "=" + folder);
  request.fds = {{nowhere.get(), STDIN_FILENO}, {pipe.writer.get(), STDOUT_FILENO}, {nowhere.get(), STDERR_FILENO}};
  Child child = TRY(Child::spawn(request));
  pipe.writer.reset();
  std::string text;
  if (TRY(child.wait(patience))) text = TRY(read_all(pipe.reader.get(), program, max_output, deadline_in(patience)));
  return text.substr(0, text.find('\n'));
}

void gather_programs(HostFacts& facts) {
  facts.helper = find_helper().value_or("");
  facts.wg = find_program("wg");
  // The script of rootless Docker has no version to tell.
  for (const char* name : {"podman", "buildah", "rootlesskit", "dockerd-rootless.sh"}) {
    const std::string path = find_program(name);
    if (path.empty()) continue;
    const bool tells = !path.ends_with(".sh");
    const std::string version = tells ? ask_version(path).value_or("") : "";
    facts.engines.push_back({name, version.empty() ? path : version});
    if (facts.engines.back().name == "podman" && !facts.is_root) facts.podman = gather_podman_facts(version);
  }
}

}  // namespace

HostFacts gather_host_facts() {
  HostFacts facts;
  gather_namespaces(facts);
  facts.tun_file = look_at_tun_file();
  gather_kernel(facts);
  facts.is_root = getuid() == 0;
  facts.sub_ids = look_at_sub_ids();
  facts.user = facts.sub_ids.user;
  gather_run_facts(facts);
  gather_programs(facts);
  return facts;
}

}  // namespace wg4::doctor
