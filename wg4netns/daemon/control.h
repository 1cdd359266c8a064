#pragma once
// Does what clients of the control socket ask for, with the device, its UDP socket, and the lock on its key. A set is
// applied in this order: private key, port, mark, peers; where one fails, those before it stay applied.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/live_captures.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/daemon/tunnel_facts.h"
#include "wg4netns/daemon/udp_port.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/connection.h"
#include "wg4netns/uapi/control_socket.h"
#include "wg4netns/uapi/server.h"

namespace wg4 {

/// The socket that `wanted` (--control) asks for: a name, "off", or nothing, which means `usual` (empty: none). In the
/// last case this process' number is added to a name that is taken, and where no socket can be made, a warning says so.
[[nodiscard]] Result<std::optional<uapi::ControlSocket>> open_control_socket(const std::optional<std::string>& wanted,
                                                                             const std::string& usual);

/// The name by which people know a tunnel that an engine started. All containers give their interface the same name, so
/// it is that of the network namespace ("netns-1bcf3ad2"), or else the interface's with the process ("tap0-4711").
[[nodiscard]] std::string name_under_engine(const std::string& ifname, const std::string& target, bool is_process);

/// The parts that requests are about. All of them outlive the Control that they are given to.
struct Controlled {
  SharedDevice& device;
  Output& output;  ///< of the first thread
  UdpPort& udp;
  KeyLock& key_lock;
  Endpoints& endpoints;
  const Reloader* reloader;  ///< may be null
  const PeerWatch& peer_watch;
};

/// Captures take over the connection of a client; the TUN's descriptor is handed to a client.
struct HandedOver {
  LiveCaptures& captures;
  const UniqueFd& tun;  ///< for a reload
};

class Control final : public EventSource, public uapi::Target {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Control>> create(uapi::ControlSocket socket, const Controlled& controlled,
                                                               const HandedOver& handed_over, TunnelFacts facts);

  // EventSource: a bounded amount of work for clients
  [[nodiscard]] int fd() const override { return server_->fd(); }
  [[nodiscard]] Result<AfterTurn> turn(Now now) override;

  // uapi::Target
  uapi::Errno apply(DeviceChange change) override;
  uapi::InterfaceStatus interface_status() override;
  std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) override;
  void write_own_status(SecretText& out) override;
  uapi::Errno follow(std::vector<uapi::NamedEndpoint> names) override;
  uapi::Errno follow_link(uapi::LinkStatus link) override;
  void give_tun(UniqueFd client) override;
  void begin_capture(UniqueFd client, bool with_keys) override;

 private:
  Control(const Controlled& controlled, const HandedOver& handed_over, TunnelFacts facts)
      : controlled_(controlled), handed_over_(handed_over), facts_(std::move(facts)) {}

  void write_facts(SecretText& out) const;
  void write_diagnoses(SecretText& out, const Device& device) const;
  [[nodiscard]] uapi::Errno lock_key(const PrivateKey& key);
  [[nodiscard]] Result<void> change_device(const DeviceChange& change);

  Controlled controlled_;
  HandedOver handed_over_;
  TunnelFacts facts_;
  Now now_{};
  std::optional<uapi::Server> server_;  // last: it refers to all the others
};

}  // namespace wg4
