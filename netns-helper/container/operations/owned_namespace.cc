#include "netns-helper/container/operations/owned_namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <string>

#include "shared/base/unique_fd.h"
#include "shared/sys/namespaces.h"

namespace wg4::container {

bool is_owned_here(const char* kind) {
  const UniqueFd asked(open((std::string("/proc/self/ns/") + kind).c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd own(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  if (!asked.valid() || !own.valid()) return true;
  const UniqueFd owner(ioctl(asked.get(), NS_GET_USERNS));
  if (!owner.valid()) return errno != EPERM;  // EPERM: one that is above this process'
  return same_namespace(owner.get(), own.get()).value_or(true);
}

}  // namespace wg4::container
