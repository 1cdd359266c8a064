#pragma once
// What a control socket's clients configure and ask: the device, its UDP socket, and the lock on its key. In the order
// of a set: private key, port, mark, peers; where one fails, those before it stay applied.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/endpoints.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/live_captures.h"
#include "wg4netns/daemon/reloader.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/tunnel.h"
#include "wg4netns/dataplane/workers.h"
#include "wg4netns/diagnosis/peer_watch.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_socket.h"
#include "wg4netns/uapi/server.h"
#include "wg4netns/uapi/session.h"

namespace wg4 {

/// The socket that `wanted` (--control) asks for: a name, "off", or nothing, which means `usual` (empty: none). In the
/// last case a name that is taken gets this process' number, and where no socket can be, there is none, with a warning.
[[nodiscard]] Result<std::optional<uapi::ControlSocket>> open_control_socket(const std::optional<std::string>& wanted,
                                                                             const std::string& usual);

/// What people know a tunnel by that an engine started: containers call their interface the same, so it is the name of
/// the network namespace ("netns-1bcf3ad2"), or else the interface's with the process ("tap0-4711").
[[nodiscard]] std::string name_under_engine(const std::string& ifname, const std::string& target, bool is_process);

/// Who gives the interface its addresses and routes.
enum class LinkOwner : std::uint8_t {
  ours,    ///< the helper: a reload can do it again
  engine,  ///< the helper, as an engine needs it: for one start
  others,
};
[[nodiscard]] std::string_view name(LinkOwner owner);

class Control final : private uapi::Target {
 public:
  /// What it was started with; for `show` and `reload`.
  struct Facts {
    std::string config;     // path of the file that it was started with
    uapi::LinkStatus link;  // as it was started; a reload may change it
    LinkOwner link_owner = LinkOwner::others;
    std::optional<std::uint16_t> wanted_mtu;  // --mtu
    std::string dns;                          // of the configuration
    std::vector<std::string> warnings;        // of the start
    bool uses_dns = false;
    std::size_t threads = 1;
    std::size_t queues = 1;
    std::string cipher;
    std::string offloads;
    std::string sandbox;  // "whole", "off", or what it does without
  };
  /// All of these outlive it.
  struct Parts {
    SharedDevice& device;
    Tunnel& tunnel;  // the first thread's
    Workers& workers;
    UdpSocket& udp;           // that the tunnels share
    UdpOptions& udp_options;  // that it was opened with
    Endpoints& endpoints;
    KeyLock& key_lock;
    std::optional<Reloader>& reloader;
    const PeerWatch& peer_watch;
    LiveCaptures& captures;
    std::span<const UniqueFd> tun;  // one descriptor, for a reload
    std::string where;              // for the lock
    bool allow_shared_key;          // likewise
  };

  [[nodiscard]] static Result<std::unique_ptr<Control>> create(uapi::ControlSocket socket, const Parts& parts,
                                                               Facts facts);

  /// Readable when turn() has something to do.
  [[nodiscard]] int fd() const { return server_->fd(); }
  /// A bounded amount of work for clients. True when the UDP socket is another one now: it is to be watched anew.
  [[nodiscard]] bool turn(Now now);
  /// Has the configuration's file read again. False if nobody does that.
  [[nodiscard]] bool reload() const;

 private:
  Control(Parts parts, Facts facts) : parts_(std::move(parts)), facts_(std::move(facts)) {}

  // uapi::Target
  uapi::Errno apply(DeviceChange change) override;
  uapi::InterfaceStatus interface_status() override;
  std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) override;
  void write_own_status(SecretText& out) override;
  uapi::Errno follow(std::vector<uapi::NamedEndpoint> names) override;
  uapi::Errno follow_link(uapi::LinkStatus link) override;
  void give_tun(UniqueFd client) override;
  void begin_capture(UniqueFd client, bool with_keys) override;

  void write_diagnoses(SecretText& out, const Device& device) const;
  [[nodiscard]] uapi::Errno lock_key(const PrivateKey& key);
  [[nodiscard]] Result<void> change_port(std::uint16_t port);
  [[nodiscard]] Result<void> change_fwmark(std::uint32_t fwmark);
  [[nodiscard]] Result<void> change_device(const DeviceChange& change);

  Parts parts_;
  Facts facts_;
  Now now_{};
  bool udp_replaced_ = false;
  std::optional<uapi::Server> server_;  // last: it refers to all the others
};

}  // namespace wg4
