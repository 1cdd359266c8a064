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

// Where the empty directory is mounted for the moment before it becomes the root: something that every system has.
constexpr const char* stage = "/proc";

Result<void> leave_mount_namespace() {
  constexpr int others = CLONE_NEWIPC | CLONE_NEWUTS;  // a kernel may lack these, or a limit forbid them
  const auto leave = [](int flags) { return unshare(flags | others) == 0 || unshare(flags) == 0; };
  if (leave(CLONE_NEWNS) || (errno == EPERM && leave(CLONE_NEWUSER | CLONE_NEWNS))) return {};
  const int number = errno;
  return fail("make a mount namespace of this process' own", number, userns_restriction());
}

}  // namespace

Result<void> enter_empty_root() {
  TRY(leave_mount_namespace());
  // What is done here stays here: in a mount namespace of the same user namespace, mounts would spread to the host.
  TRY(make_mounts_private());
  if (mount("none", stage, "tmpfs", MS_RDONLY | MS_NODEV | MS_NOEXEC | MS_NOSUID, "nr_inodes=2,mode=0555") != 0)
    return fail("mount an empty directory", errno);
  if (chdir(stage) != 0) return fail("enter an empty directory", errno);
  // The new root over the old one, and the old one taken away from below it: no folder for it is needed in between.
  if (syscall(SYS_pivot_root, ".", ".") != 0)
    return fail("change the root directory", errno, "A system that runs from an initramfs, or in a chroot, cannot");
  if (umount2(".", MNT_DETACH) != 0) return fail("leave the old root directory", errno);
  if (chdir("/") != 0) return fail("enter the new root directory", errno);
  return {};
}

}  // namespace wg4
