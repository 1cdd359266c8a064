#include "wg4netns/io/tun_queues.h"

#include <cstddef>
#include <utility>

#include "shared/base/check.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/flow_hash.h"

namespace wg4 {

Result<TunQueues> TunQueues::adopt(std::vector<UniqueFd> fds, TunOffloads wanted) {
  CHECK(!fds.empty());
  TunQueues queues;
  for (UniqueFd& fd : fds) queues.queues_.push_back(TRY(TunDevice::adopt(std::move(fd), wanted)));
  return queues;
}

bool TunQueues::write(offload::Gather gather) const {
  const std::size_t queue = queues_.size() == 1 ? 0 : offload::flow_hash(gather[1]) % queues_.size();
  return queues_[queue].write(gather);
}

}  // namespace wg4
