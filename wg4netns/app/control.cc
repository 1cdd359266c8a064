#include "wg4netns/app/control.h"

#include <net/if.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/hex_base64.h"
#include "shared/sys/log.h"

namespace wg4 {
namespace {

/// Also what fails without the system having been asked is a number to who set it.
uapi::Errno number_of(const Error& error) { return error.number == 0 ? EINVAL : error.number; }

std::optional<std::uint32_t> scope_of_name(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  return index == 0 ? std::nullopt : std::optional<std::uint32_t>(index);
}

/// The one writer of texts: whatever bytes a path has, each stays a line.
void write_line(SecretText& out, std::string_view key, std::string_view value) {
  out.append(key).append("=").append(escape(value)).append("\n");
}

void write_line(SecretText& out, std::string_view key, std::integral auto value) {
  out.append(key).append("=").append(value).append("\n");
}

}  // namespace

Result<std::optional<uapi::ControlSocket>> open_control_socket(const std::optional<std::string>& wanted,
                                                               const std::string& ifname) {
  if (wanted == "off" || (!wanted && ifname.empty())) return std::nullopt;
  const auto folder = uapi::writable_folder();
  if (wanted) {
    if (!folder) return fail_in("--control " + *wanted, folder.error());
    return TRY(uapi::ControlSocket::create(*folder, *wanted));
  }
  auto socket = folder ? uapi::ControlSocket::create(*folder, ifname) : std::unexpected(folder.error());
  if (!socket && socket.error().number == EADDRINUSE) {
    // Containers have an interface of the same name each.
    const std::string pid = std::to_string(getpid());
    constexpr std::size_t longest = 15;
    const std::string own = ifname.substr(0, longest - 1 - pid.size()) + "-" + pid;
    socket = uapi::ControlSocket::create(*folder, own);
  }
  if (socket) return *std::move(socket);
  log::debug("no control socket: {}", socket.error().message());
  return std::nullopt;
}

Result<std::unique_ptr<Control>> Control::create(uapi::ControlSocket socket, const Parts& parts, Facts facts) {
  std::unique_ptr<Control> control(new Control(parts, std::move(facts)));
  control->server_ = TRY(uapi::Server::create(std::move(socket), *control, scope_of_name));
  return control;
}

bool Control::turn(Now now) {
  now_ = now;
  server_->turn(now.boot);
  return std::exchange(udp_replaced_, false);
}

bool Control::reload() const {
  if (!parts_.reloader) return false;
  parts_.reloader->reload(server_->socket().name());
  return true;
}

uapi::Errno Control::apply(DeviceChange change) {
  if (change.private_key) {
    if (const auto number = lock_key(*change.private_key); number != 0) return number;
    DeviceChange first;
    first.private_key = std::exchange(change.private_key, std::nullopt);
    if (const auto done = change_device(first); !done) return number_of(done.error());
  }
  if (change.listen_port)
    if (const auto done = change_port(*change.listen_port); !done) return number_of(done.error());
  if (change.fwmark)
    if (const auto done = change_fwmark(*change.fwmark); !done) return number_of(done.error());
  // Who names an address does not want the one that the configuration's name has.
  for (const PeerChange& peer : change.peers)
    if (peer.endpoint || peer.remove) parts_.endpoints.forget(peer.public_key);
  const auto done = change_device(change);
  return done ? 0 : number_of(done.error());
}

uapi::Errno Control::lock_key(const PrivateKey& key) {
  if (parts_.key_lock.is_for(key)) return 0;
  const auto changed = parts_.key_lock.change(key, parts_.where, parts_.allow_shared_key);
  if (changed) return 0;
  log::warning("the private key stays as it was: {}", changed.error().message());
  return number_of(changed.error());
}

/// 0 = another one that is free.
Result<void> Control::change_port(std::uint16_t port) {
  if (port != 0 && port == parts_.udp.port()) return {};
  UdpOptions options = parts_.udp_options;
  options.port = port;
  const UdpSocket fresh = TRY(UdpSocket::open(options));
  TRY(parts_.udp.replace_by(fresh));
  TRY(parts_.tunnel.replace_udp(fresh));
  TRY(parts_.workers.replace_udp(fresh));
  parts_.udp_options = options;
  udp_replaced_ = true;
  log::debug("UDP port {} from now on", fresh.port());
  return {};
}

Result<void> Control::change_fwmark(std::uint32_t fwmark) {
  if (fwmark == parts_.udp_options.fwmark) return {};
  TRY(parts_.udp.set_fwmark(fwmark));
  parts_.udp_options.fwmark = fwmark;
  return {};
}

Result<void> Control::change_device(const DeviceChange& change) {
  return parts_.device.hold()->apply(change, now_, parts_.tunnel);
}

uapi::InterfaceStatus Control::interface_status() {
  return {.private_key = parts_.device.hold()->identity().private_key.clone(),
          .listen_port = parts_.udp.port(),
          .fwmark = parts_.udp_options.fwmark};
}

std::optional<StatusPiece> Control::next_peer(StatusCursor& cursor, std::size_t most) {
  return parts_.device.hold()->next_status(cursor, most);
}

void Control::write_own_status(SecretText& out) {
  write_line(out, "config", facts_.config);
  write_line(out, "mtu", facts_.mtu);
  write_line(out, "threads", facts_.threads);
  write_line(out, "tun_queues", facts_.queues);
  write_line(out, "cipher", facts_.cipher);
  write_line(out, "offloads", facts_.offloads);
  auto device = parts_.device.hold();
  const Device::QueueDepths depths = device->queue_depths();
  write_line(out, "queued_packets", depths.staged_packets);
  write_line(out, "queued_handshakes", depths.handshakes);
  write_line(out, "control_clients", server_->clients());
  for (std::size_t i = 0; i < drop_reason_count; ++i) {
    const auto reason = static_cast<DropReason>(i);
    write_line(out, std::string("drop_").append(name(reason)), device->drops()[reason]);
  }
  const EdgeDrops& edges = device.edge_drops();
  write_line(out, "drop_tun-read", edges.tun_malformed);
  write_line(out, "drop_tun-write", edges.tun_refused);
  write_line(out, "drop_udp-send", edges.udp_refused);
  write_line(out, "drop_udp-queue", edges.udp_overflow);
  write_diagnoses(out, *device);
}

uapi::Errno Control::follow(std::vector<uapi::NamedEndpoint> names) {
  std::vector<std::pair<PublicKey, HostPort>> hosts;
  hosts.reserve(names.size());
  for (uapi::NamedEndpoint& name : names)
    hosts.emplace_back(name.public_key, HostPort{std::move(name.host), name.port});
  if (!parts_.endpoints.follow(hosts)) return EOPNOTSUPP;
  if (!hosts.empty() && parts_.reloader && !parts_.endpoints.has_own_resolver()) parts_.reloader->start_resolver();
  // Who reloads may have found no address.
  auto device = parts_.device.hold();
  for (PeerId id = 0; id < device->peer_id_end(); ++id)
    if (const Peer* peer = device->peer(id); peer != nullptr && !peer->path)
      parts_.endpoints.unanswered(peer->public_key());
  return 0;
}

void Control::begin_capture(UniqueFd client, bool with_keys) {
  parts_.captures.begin(std::move(client), with_keys, parts_.udp.port());
}

void Control::write_diagnoses(SecretText& out, const Device& device) const {
  constexpr std::size_t most = 32;  // who has more peers in trouble has one reason for it
  std::size_t written = 0;
  for (PeerId id = 0; id < device.peer_id_end() && written < most; ++id) {
    const Peer* peer = device.peer(id);
    if (peer == nullptr) continue;
    const std::string text = parts_.diagnostics.of(*peer);
    if (text.empty()) continue;
    write_line(out, "diagnosis", encode_base64(peer->public_key()) + " " + text);
    ++written;
  }
}

}  // namespace wg4
