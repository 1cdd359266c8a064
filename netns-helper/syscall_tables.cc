#include "netns-helper/syscall_tables.h"

#include <seccomp.h>
#include <sys/prctl.h>

#include "shared/sys/syscall_filter.h"
#include "shared/sys/syscall_tables.h"

namespace wg4 {
namespace {

/// Receiving a plan, and putting it in force by netlink.
SyscallTable configuring_syscalls() {
  SyscallTable table{
      {SCMP_SYS(recvmsg), "messages of the host program; answers by netlink"},
      sendmsg_rule("messages to the host program"),
      sendto_rule("requests by netlink"),
      {SCMP_SYS(poll), "a pause, for a TAP that is still being set up"},
      {SCMP_SYS(ppoll), "a pause, on machines without poll"},
      {SCMP_SYS(capget), "the last capability goes"},
      {SCMP_SYS(capset), "the last capability goes"},
  };
  for (const int question : {PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_CAP_AMBIENT})
    table.push_back({SCMP_SYS(prctl), "the last capability goes", {equals(0, question)}});
  append(table, runtime_syscalls());
  return table;
}

}  // namespace

SyscallTable helper_syscalls(HelperRole role) {
  SyscallTable table = configuring_syscalls();
  if (role == HelperRole::configures) return table;
  append(table, ip_socket_syscalls("a connection, or a UDP flow"));
  table.push_back({SCMP_SYS(connect), "a connection, or a UDP flow"});
  return table;
}

}  // namespace wg4
