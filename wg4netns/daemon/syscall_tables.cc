#include "wg4netns/daemon/syscall_tables.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <span>
#include <utility>

#include "shared/sys/syscall_filter.h"
#include "shared/sys/syscall_tables.h"

namespace wg4 {
namespace {

SyscallTable thread_syscalls() {
  constexpr int setxid_signal = 33;  // below SIGRTMIN
  constexpr int thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  constexpr int namespaces =
      CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  return {
      {SCMP_SYS(clone3), "the C library asks, and then calls clone, whose flags can be looked at", {}, ENOSYS},
      {SCMP_SYS(clone), "threads, and no processes", {bits(0, thread | namespaces, thread)}},
      {SCMP_SYS(rt_sigaction), "the first thread of a process: the C library's own signal", {equals(0, setxid_signal)}},
      {SCMP_SYS(set_robust_list), "a thread's first steps"},
      {SCMP_SYS(rseq), "a thread's first steps"},
      {SCMP_SYS(sched_yield), "another thread holds a lock: std::atomic's wait"},
      {SCMP_SYS(sched_getaffinity), "how many processors there are: malloc's heaps"},
      {SCMP_SYS(prctl), "a thread's name", {equals(0, PR_SET_NAME)}},
      {SCMP_SYS(exit), "a thread's end"},
  };
}

SyscallTable loop_syscalls() {
  return {
      {SCMP_SYS(epoll_create1), "the loop"},
      {SCMP_SYS(epoll_ctl), "the loop"},
      {SCMP_SYS(epoll_wait), "the loop"},
      {SCMP_SYS(epoll_pwait), "the loop, on machines without epoll_wait"},
  };
}

/// For a process that starts and ends programs: all that these need to be loaded, and until they enter their own
/// sandbox.
SyscallTable starting_syscalls() {
  SyscallTable table{
      {SCMP_SYS(clone), "a process; the C library's threads"},
      {SCMP_SYS(clone3), "the same"},
      {SCMP_SYS(fork), "a process"},
      {SCMP_SYS(vfork), "a process"},
      {SCMP_SYS(execve), "wireguard4netns, wg4netns-helper"},
      {SCMP_SYS(execveat), "the same, from memory where their mount forbids it"},
      {SCMP_SYS(memfd_create), "the same"},
      {SCMP_SYS(sendfile), "the same"},
      {SCMP_SYS(waitid), "the end of a process"},
      {SCMP_SYS(wait4), "the end of a process"},
      {SCMP_SYS(pidfd_open), "the end of a process"},
      {SCMP_SYS(dup), "descriptors for a process"},
      {SCMP_SYS(dup2), "descriptors for a process"},
      {SCMP_SYS(dup3), "descriptors for a process"},
      {SCMP_SYS(close_range), "descriptors for a process"},
      {SCMP_SYS(pipe2), "whether a program runs"},
      {SCMP_SYS(socketpair), "messages to a process"},
      {SCMP_SYS(set_tid_address), "a program's first steps"},
      {SCMP_SYS(set_robust_list), "a program's first steps"},
      {SCMP_SYS(rseq), "a program's first steps"},
      {SCMP_SYS(prlimit64), "a program's first steps"},
      {SCMP_SYS(sysinfo), "a program's first steps"},
      {SCMP_SYS(sigaltstack), "a program's first steps"},
      {SCMP_SYS(rt_sigreturn), "signals"},
      {SCMP_SYS(signalfd4), "signals"},
      {SCMP_SYS(exit), "a thread's end"},
      {SCMP_SYS(sched_yield), "another thread holds a lock"},
      {SCMP_SYS(getppid), "is the parent still there?"},
      {SCMP_SYS(getcwd), "paths"},
      {SCMP_SYS(fstatfs), "paths; what may be run there"},
      {SCMP_SYS(statfs), "paths; what may be run there"},
      {SCMP_SYS(prctl), "the end with the parent; what each gives up"},
      {SCMP_SYS(capget), "what each gives up"},
      {SCMP_SYS(capset), "what each gives up"},
      {SCMP_SYS(seccomp), "what each gives up"},
      {SCMP_SYS(landlock_create_ruleset), "what each gives up"},
      {SCMP_SYS(landlock_add_rule), "what each gives up"},
      {SCMP_SYS(landlock_restrict_self), "what each gives up"},
      {SCMP_SYS(setgroups), "the user that root becomes"},
      {SCMP_SYS(setresgid), "the user that root becomes"},
      {SCMP_SYS(setresuid), "the user that root becomes"},
      {SCMP_SYS(mlock), "memory for keys"},
      {SCMP_SYS(mlock2), "memory for keys"},
      {SCMP_SYS(munlock), "memory for keys"},
  };
#ifdef __x86_64__
  table.push_back({SCMP_SYS(arch_prctl), "a program's first steps"});
#endif
  return table;
}

/// For a helper, which joins namespaces.
SyscallTable joining_syscalls() {
  SyscallTable table{
      {SCMP_SYS(setns), "a helper joins a namespace"},
      {SCMP_SYS(ioctl), "an interface by its name", {equals(1, SIOCGIFINDEX)}},
      {SCMP_SYS(ioctl), "the name of a TUN", {equals(1, static_cast<int>(TUNGETIFF))}},
      {SCMP_SYS(ioctl), "the namespace of a TUN", {equals(1, SIOCGSKNS)}},
  };
  for (const unsigned question : {NS_GET_USERNS, NS_GET_PARENT, NS_GET_NSTYPE, NS_GET_OWNER_UID})
    table.push_back({SCMP_SYS(ioctl), "whose a namespace is", {equals(1, static_cast<int>(question))}});
  return table;
}

/// For a control socket's clients, and for the requests that they may make.
SyscallTable control_syscalls() {
  constexpr int kind_mask = 0xf;  // of a socket's type; above it are SOCK_CLOEXEC and SOCK_NONBLOCK
  SyscallTable table{
      {SCMP_SYS(accept4), "clients of the control socket"},
      {SCMP_SYS(recvfrom), "requests"},
      sendto_rule("answers"),
      {SCMP_SYS(bind), "another UDP port; the name of another key"},
      {SCMP_SYS(fcntl), "the lock on another key", {equals(1, F_OFD_SETLK)}},
      {SCMP_SYS(getsockname), "which UDP port it has become"},
      {SCMP_SYS(dup3), "the new UDP port in the place of the old one"},
      {SCMP_SYS(ioctl), "the interface that a link-local endpoint names", {equals(1, SIOCGIFINDEX)}},
  };
  for (const int family : {AF_INET, AF_INET6, AF_UNIX})
    table.push_back({SCMP_SYS(socket),
                     "another UDP port; the name of another key",
                     {equals(0, family), bits(1, kind_mask, SOCK_DGRAM), equals(2, 0)}});
  for (const auto& [level, option] : {std::pair{SOL_SOCKET, SO_RCVBUF},
                                      {SOL_SOCKET, SO_SNDBUF},
                                      {SOL_SOCKET, SO_BINDTODEVICE},
                                      {SOL_SOCKET, SO_MARK},
                                      {IPPROTO_IP, IP_PKTINFO},
                                      {IPPROTO_IP, IP_RECVTOS},
                                      {IPPROTO_IP, IP_MTU_DISCOVER},
                                      {IPPROTO_IPV6, IPV6_V6ONLY},
                                      {IPPROTO_IPV6, IPV6_RECVPKTINFO},
                                      {IPPROTO_IPV6, IPV6_RECVTCLASS},
                                      {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
                                      {SOL_UDP, UDP_GRO}})
    table.push_back({SCMP_SYS(setsockopt), "another UDP port", {equals(1, level), equals(2, option)}});
  return table;
}

/// For the files that look-ups read, NSS modules among them.
SyscallTable name_service_files_syscalls() {
  constexpr int write_access = O_ACCMODE | O_CREAT | O_TRUNC;
  return {
      {SCMP_SYS(openat), "resolv.conf, hosts, nsswitch.conf, NSS modules; only to read", {without(2, write_access)}},
      {SCMP_SYS(open), "the same, of older modules", {without(1, write_access)}},
      {SCMP_SYS(read), "these files; bytes of servers"},
      {SCMP_SYS(pread64), "NSS modules are loaded"},
      {SCMP_SYS(readlink), "these files"},
      {SCMP_SYS(readlinkat), "these files"},
      {SCMP_SYS(lseek), "these files"},
      {SCMP_SYS(newfstatat), "these files; have they changed?"},
      {SCMP_SYS(fstat), "these files"},
      {SCMP_SYS(stat), "these files"},
      {SCMP_SYS(statx), "these files"},
      {SCMP_SYS(access), "these files"},
      {SCMP_SYS(faccessat), "these files"},
      {SCMP_SYS(faccessat2), "these files"},
      {SCMP_SYS(getdents64), "folders of configuration"},
      {SCMP_SYS(mmap), "files; the data of NSS modules", {without(2, PROT_EXEC)}},
      {SCMP_SYS(mmap), "the code of NSS modules, which nobody can write to", {without(2, PROT_WRITE)}},
  };
}

/// Joining connections and datagrams of one network to those of another.
SyscallTable relay_syscalls() {
  SyscallTable table{
      {SCMP_SYS(accept4), "connections, of ports and of the API"},
      {SCMP_SYS(getsockname), "which address a client has asked for"},
      {SCMP_SYS(shutdown), "half of a connection has ended"},
      {SCMP_SYS(splice), "bytes from one connection to the other"},
      {SCMP_SYS(pipe2), "where they are in between"},
      {SCMP_SYS(fcntl), "how much fits in there", {equals(1, F_SETPIPE_SZ)}},
      {SCMP_SYS(recvfrom), "bytes of connections; requests"},
      {SCMP_SYS(recvmmsg), "datagrams"},
      {SCMP_SYS(recvmsg), "answers of the agent"},
      sendto_rule("bytes of connections; answers"),
      sendmmsg_rule("datagrams"),
      sendmsg_rule("questions to the agent"),
  };
  for (const auto& [level, option] :
       {std::pair{SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_LINGER}, {IPPROTO_TCP, TCP_NODELAY}})
    table.push_back({SCMP_SYS(setsockopt), "connections", {equals(1, level), equals(2, option)}});
  append(table, loop_syscalls());
  append(table, runtime_syscalls());
  return table;
}

}  // namespace

SyscallTable tunnel_syscalls(const TunnelNeeds& needs) {
  SyscallTable table{
      {SCMP_SYS(read), "packets of the TUN; timers and signals"},
      {SCMP_SYS(recvmmsg), "datagrams of peers"},
      sendmmsg_rule("datagrams for peers"),
      sendmsg_rule("one datagram, when a batch is refused; questions to the resolver; messages to systemd"),
      {SCMP_SYS(recvmsg), "answers of the resolver; ICMP errors"},
      {SCMP_SYS(setsockopt),
       "ICMP errors, while somebody does not answer",
       {equals(1, IPPROTO_IP), equals(2, IP_RECVERR)}},
      {SCMP_SYS(setsockopt), "the same", {equals(1, IPPROTO_IPV6), equals(2, IPV6_RECVERR)}},
      {SCMP_SYS(timerfd_create), "the loop's timer"},
      {SCMP_SYS(timerfd_settime), "the loop's timer"},
      {SCMP_SYS(mlock2), "more memory for keys"},
      {SCMP_SYS(poll), "the end of a child"},
      {SCMP_SYS(ppoll), "the end of a child, on machines without poll"},
      {SCMP_SYS(pidfd_send_signal), "the end of a child", {equals(1, SIGKILL)}},
      {SCMP_SYS(waitid), "the end of a child", {equals(0, P_PIDFD)}},
  };
  append(table, loop_syscalls());
  append(table, runtime_syscalls());
  if (needs.threads) append(table, thread_syscalls());
  if (needs.control) append(table, control_syscalls());
  if (needs.serving) {
    table.push_back({SCMP_SYS(accept4), "clients that ask for metrics"});
    table.push_back({SCMP_SYS(shutdown), "an answer is complete"});
  }
  if (needs.route_probes) {
    table.push_back({SCMP_SYS(connect), "which of our addresses leads to a peer, for a capture"});
    table.push_back({SCMP_SYS(getsockname), "likewise"});
  }
  if (needs.leaves_interface)
    table.push_back({SCMP_SYS(ioctl),
                     "leaves the interface to the end of its namespace",
                     {equals(1, static_cast<int>(TUNSETPERSIST))}});
  if (needs.rereads_files) table.push_back({SCMP_SYS(pread64), "how much memory this process has"});
  return table;
}

SyscallTable forwarder_syscalls() {
  SyscallTable table{
      {SCMP_SYS(bind), "a published port"},
      {SCMP_SYS(listen), "a published port"},
      {SCMP_SYS(pread64), "what the namespace listens on"},
      {SCMP_SYS(setsockopt), "a published port", {equals(1, SOL_SOCKET), equals(2, SO_REUSEADDR)}},
      {SCMP_SYS(setsockopt), "a published port", {equals(1, IPPROTO_IP), equals(2, IP_PKTINFO)}},
      {SCMP_SYS(setsockopt), "a published port", {equals(1, IPPROTO_IPV6), equals(2, IPV6_V6ONLY)}},
      {SCMP_SYS(setsockopt), "a published port", {equals(1, IPPROTO_IPV6), equals(2, IPV6_RECVPKTINFO)}},
  };
  append(table, ip_socket_syscalls("a published port"));
  append(table, relay_syscalls());
  return table;
}

SyscallTable way_syscalls() {
  SyscallTable table{{SCMP_SYS(connect), "what a way leads to"}};
  append(table, ip_socket_syscalls("what a way leads to"));
  append(table, relay_syscalls());
  return table;
}
SyscallTable resolver_syscalls() {
  SyscallTable table{
      {SCMP_SYS(recvmsg), "questions of the program; answers of servers"},
      sendmsg_rule("answers to the program; questions to servers"),
      {SCMP_SYS(connect), "servers, by UDP and TCP"},
      {SCMP_SYS(bind), "random ports for questions; netlink"},
      sendto_rule("questions"),
      sendmmsg_rule("questions: A and AAAA at once"),
      {SCMP_SYS(recvfrom), "answers"},
      {SCMP_SYS(setsockopt), "sockets to servers"},
      {SCMP_SYS(getsockopt), "sockets to servers"},
      {SCMP_SYS(getsockname), "which of our addresses would be used: the order of answers (RFC 6724)"},
      {SCMP_SYS(getpeername), "sockets to servers"},
      {SCMP_SYS(shutdown), "sockets to servers"},
      {SCMP_SYS(fcntl), "sockets that do not block"},
      {SCMP_SYS(ioctl), "how much of an answer is there", {equals(1, FIONREAD)}},
      {SCMP_SYS(poll), "answers"},
      {SCMP_SYS(ppoll), "answers"},
      {SCMP_SYS(select), "answers, in NSS modules"},
      {SCMP_SYS(pselect6), "answers, in NSS modules"},
      {SCMP_SYS(epoll_create1), "answers, in NSS modules"},
      {SCMP_SYS(epoll_ctl), "answers, in NSS modules"},
      {SCMP_SYS(epoll_wait), "answers, in NSS modules"},
      {SCMP_SYS(epoll_pwait), "answers, in NSS modules"},
      {SCMP_SYS(timerfd_create), "timeouts, in NSS modules"},
      {SCMP_SYS(timerfd_settime), "timeouts, in NSS modules"},
      {SCMP_SYS(clock_nanosleep), "pauses between questions"},
      {SCMP_SYS(nanosleep), "pauses between questions"},
      {SCMP_SYS(gettimeofday), "machines whose clock cannot be read without the kernel"},
      {SCMP_SYS(uname), "the name of this host"},
      {SCMP_SYS(getuid), "the user who asks"},
      {SCMP_SYS(geteuid), "the user who asks"},
      {SCMP_SYS(getgid), "the group that asks"},
      {SCMP_SYS(getegid), "the group that asks"},
      {SCMP_SYS(sched_getaffinity), "how many processors there are: malloc's heaps"},
      {SCMP_SYS(rt_sigaction), "SIGPIPE is ignored, in NSS modules"},
  };
  append(table, name_service_files_syscalls());
  append(table, ip_socket_syscalls("DNS servers"));
  // Some modules name the protocol that a kind of socket has anyway.
  for (const int family : {AF_INET, AF_INET6})
    for (const int protocol : {IPPROTO_TCP, IPPROTO_UDP})
      table.push_back({SCMP_SYS(socket), "DNS servers", {equals(0, family), equals(2, protocol)}});
  table.push_back({SCMP_SYS(socket), "addresses of this host", {equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE)}});
  append(table, runtime_syscalls());
  return table;
}

SyscallTable reloader_syscalls() {
  SyscallTable table = resolver_syscalls();
  table.push_back({SCMP_SYS(socket), "the control socket; messages to a process", {equals(0, AF_UNIX)}});
  append(table, starting_syscalls());
  append(table, joining_syscalls());
  return table;
}

SyscallTable watcher_syscalls() {
  SyscallTable table{
      {SCMP_SYS(poll), "the end of a process"},
      {SCMP_SYS(ppoll), "the end of a process, on machines without poll"},
      {SCMP_SYS(lseek), "/proc is listed, from its beginning"},
      {SCMP_SYS(getdents64), "/proc is listed"},
      {SCMP_SYS(newfstatat), "the network namespace of a process"},
      {SCMP_SYS(pidfd_open), "a process that is to be watched"},
  };
  append(table, runtime_syscalls());
  return table;
}

SyscallTable janitor_syscalls(std::span<const int> folders) {
  SyscallTable table{{SCMP_SYS(read), "the end of the program"}};
  for (const int folder : folders) {
    table.push_back({SCMP_SYS(newfstatat), "a file of ours, is it still ours?", {equals(0, folder)}});
    table.push_back({SCMP_SYS(unlinkat), "a file of ours, at the end", {equals(0, folder), equals(2, 0)}});
  }
  append(table, runtime_syscalls());
  return table;
}

}  // namespace wg4
