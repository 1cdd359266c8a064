#include "shared/sys/empty_root.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "shared/sys/namespaces.h"
#include "shared/sys/own_namespaces.h"

namespace wg4 {
namespace {

// Where the empty directory is mounted before it becomes the root: a directory that every system has.
constexpr const char* stage = "/proc";

Result<void> leave_mount_namespace() {
  constexpr int others = CLONE_NEWIPC | CLONE_NEWUTS;  // optional: a kernel may lack these, or a limit may forbid them
  const auto leave = [](int flags) { return unshare(flags | others) == 0 || unshare(flags) == 0; };
  if (leave(CLONE_NEWNS) || (errno == EPERM && leave(CLONE_NEWUSER | CLONE_NEWNS))) return {};
  const int number = errno;
  return fail("make a mount namespace of this process' own", number, userns_restriction());
}

}  // namespace

Result<void> enter_empty_root() {
  TRY(leave_mount_namespace());
  // Otherwise mounts would propagate to the host, if the new mount namespace belongs to the same user namespace.
  TRY(make_mounts_private());
  if (mount("none", stage, "tmpfs", MS_RDONLY | MS_NODEV | MS_NOEXEC | MS_NOSUID, "nr_inodes=2,mode=0555") != 0)
    return fail("mount an empty directory", errno);
  if (chdir(stage) != 0) return fail("enter an empty directory", errno);
  // Stacks the new root on the old one, which is then unmounted from below it: so no folder for the old root is needed.
  if (syscall(SYS_pivot_root, ".", ".") != 0)
    return fail("change the root directory", errno, "A system that runs from an initramfs, or in a chroot, cannot");
  if (umount2(".", MNT_DETACH) != 0) return fail("leave the old root directory", errno);
  if (chdir("/") != 0) return fail("enter the new root directory", errno);
  return {};
}

}  // namespace wg4
