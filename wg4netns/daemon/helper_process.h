#pragma once
// The host side of the handoff: wg4netns-helper as a child, from its start to its end.
//
//   Attachment attachment = TRY(Attachment::begin(request));     // the TUN exists, its descriptors are ours
//   ... use attachment.tun(), attachment.take_queues() ...
//   const auto warnings = TRY(attachment.finish(plan));          // the plan is in force, the helper is gone
//
// The helper stays in between, so that a host program that fails in the meantime leaves nothing behind: destroying an
// Attachment kills the helper, and the TUN goes with the last of its descriptors.

#include <chrono>
#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/sys/deadline.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/process.h"
#include "shared/wire/message_socket.h"

namespace wg4 {

/// What the helper is to do, and on what.
struct AttachRequest {
  std::string helper;       ///< path of wg4netns-helper; empty = find_helper()
  TargetNamespaces target;  ///< opened here, once: the helper gets descriptors, and looks nothing up
  int tun_fd = -1;          ///< instead: the TUN of an interface that serves, and is to follow another plan
  handoff::Begin begin;     ///< but for `target` and `follows`, which come from the above
  std::chrono::milliseconds timeout = std::chrono::seconds(20);  ///< for each of the two steps
};

/// The helper that stayed. Destroying it ends it.
struct Agent {
  Child process;
  UniqueFd socket;                    ///< takes handoff::Dial, gives handoff::Dialed; non-blocking
  std::vector<UniqueFd> port_tables;  ///< handoff::Done's, if the request asked for them
};

/// The helper's path: $WIREGUARD4NETNS_HELPER, else as find_own_program().
[[nodiscard]] Result<std::string> find_helper();

/// A TUN in the target namespace, and the helper that has yet to configure it.
class Attachment {
 public:
  /// Starts the helper and waits for the TUN. Errors are the helper's own, ready for the user; or how it ended.
  [[nodiscard]] static Result<Attachment> begin(const AttachRequest& request);

  [[nodiscard]] const handoff::TunReady& tun() const { return tun_; }
  /// One per queue, non-blocking; to be taken once. TunReady's flags tell how packets look on them.
  [[nodiscard]] std::vector<UniqueFd> take_queues() { return std::move(queues_); }
  /// Those that `begin` asked for; to be taken once.
  [[nodiscard]] std::vector<UniqueFd> take_listeners() { return std::move(listeners_); }

  /// Has `plan` applied (as far as `configure` asked for it), waits for it and (but for an agent) for the helper's end.
  /// The warnings are sentences for the user. To be called once.
  [[nodiscard]] Result<std::vector<std::string>> finish(const LinkPlan& plan);

  /// After finish(), for an interface that serves: what has changed.
  [[nodiscard]] const std::vector<std::string>& changes() const { return changes_; }

  /// After finish(), if the request said `agent`.
  [[nodiscard]] Agent take_agent() { return {std::move(helper_), std::move(socket_), std::move(port_tables_)}; }

 private:
  Attachment(Child helper, UniqueFd socket, const AttachRequest& request)
      : helper_(std::move(helper)),
        socket_(std::move(socket)),
        timeout_(request.timeout),
        agent_(request.begin.agent) {}
  [[nodiscard]] Result<void> send(ByteView message, std::span<const UniqueFd> fds, Deadline deadline);
  template <class M>
  [[nodiscard]] Result<wire::Received<M>> receive(Deadline deadline, std::size_t max_fds);
  [[nodiscard]] std::unexpected<Error> explain_end();

  Child helper_;
  UniqueFd socket_;
  std::chrono::milliseconds timeout_;
  bool agent_;
  handoff::TunReady tun_;
  std::vector<UniqueFd> queues_;
  std::vector<UniqueFd> listeners_;
  std::vector<UniqueFd> port_tables_;
  std::vector<std::string> changes_;
};

}  // namespace wg4
