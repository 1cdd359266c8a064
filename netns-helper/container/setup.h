#pragma once
// What a container and its init say to each other, each as one value, over a stream socket (channel.h). The codec is
// that of shared/wire/wire.h: bounded, typed, with a version.
//
//   starter -> init   SetUp
//   init -> starter   Started    the command runs; of a command that takes the init's place, it is about to
//   init -> starter   Failure    instead of that, or after it; the init then ends
//   init -> starter   Ended

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "netns-helper/container/container.h"
#include "netns-helper/container/operations_on_wire.h"
#include "netns-helper/container/rights_on_wire.h"
#include "shared/base/result.h"
#include "shared/sys/process.h"
#include "shared/sys/syscall_filter.h"
#include "shared/wire/kind.h"

namespace wg4::container {

inline constexpr int init_socket = 3;  ///< where the init finds its end; the extra files are behind it
inline constexpr std::size_t max_strings_size = std::size_t{8} * 1024 * 1024;  // bytes; execve(2) takes less
inline constexpr std::size_t max_hostname_size = 64;                           // bytes, as the kernel has it
inline constexpr std::size_t max_directories = 16;
inline constexpr std::size_t max_operations = 10'000;
inline constexpr std::size_t max_extra_files = 1024;
inline constexpr int max_signal = 64;

struct SetUp {
  static constexpr wire::Kind message_kind = wire::Kind::container_set_up;
  static constexpr std::size_t max_size = std::size_t{256} * 1024 * 1024;
  Container container{};           ///< without what is done before the init: its streams, cgroup and network
  uid_t uid = 0;                   ///< inside, after the ids are mapped
  gid_t gid = 0;                   ///< likewise
  bool new_network = false;        ///< its network namespace was made for it
  std::vector<int> extra_files{};  ///< the numbers that the descriptors behind the socket get, in their order
  std::vector<FilterProgram> filters{};
  std::uint64_t blocked_signals = 0;  ///< bit n - 1 for signal n: as the command starts
  std::uint32_t wait_delay_ms = 0;
  std::uint32_t adopt_wait_delay_ms = 0;

  static constexpr void fields(auto& self, auto& visit) {
    auto& container = self.container;
    visit.text(container.path, max_path_size);
    visit.strings(container.arguments, max_strings_size);
    visit.strings(container.environment, max_strings_size);
    visit.text(container.directory, max_path_size);
    visit.texts(container.else_directories, max_directories, max_path_size);
    visit(container.as_pid_1);
    visit(self.uid);
    visit(self.gid);
    visit(self.new_network);
    visit.text(container.hostname, max_hostname_size);
    visit(container.privileged);
    visit(container.capabilities);
    visit.each(container.operations, max_operations,
               [&](auto& operation) { visit.alternative(operation, [&](auto& one) { fields_of(one, visit); }); });
    visit(container.parent_mode);
    visit(container.host_abstract);
    visit.each(self.extra_files, max_extra_files, [&](auto& one) { visit.ranged(one, 3, max_descriptor); });
    fields_of_filters(self.filters, visit);
    visit(container.log_denied);
    fields_of_landlock(container.landlock, visit);
    visit.ranged(container.cancel_signal, 1, max_signal);
    visit(container.forward_cancel);
    visit(self.blocked_signals);
    visit(self.wait_delay_ms);
    visit(self.adopt_wait_delay_ms);
  }
};

struct Started {
  static constexpr wire::Kind message_kind = wire::Kind::container_started;

  static constexpr void fields(auto& /*self*/, auto& /*visit*/) {}
};

struct Failure {
  static constexpr wire::Kind message_kind = wire::Kind::container_failure;
  Error error{};
  int status = 0;  ///< as RunningContainer::failure_status()

  static constexpr void fields(auto& self, auto& visit) {
    visit.sentence(self.error.what);
    visit.error_number(self.error.number);
    visit.sentence(self.error.hint);
    visit.ranged(self.status, 0, std::numeric_limits<std::uint8_t>::max());
  }
};

struct Ended {
  static constexpr wire::Kind message_kind = wire::Kind::container_ended;
  Ending ending{};

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.ending.status.signaled);
    visit.ranged(self.ending.status.value, 0, std::numeric_limits<std::uint8_t>::max());
    visit(self.ending.cancelled);
    visit(self.ending.forced);
    visit(self.ending.orphans_killed);
  }
};

}  // namespace wg4::container
