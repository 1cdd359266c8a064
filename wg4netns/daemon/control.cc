#include "wg4netns/daemon/control.h"

#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/escaped_text.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/config/wg_config.h"
#include "shared/net/prefix.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/log_reader.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/edge_drops.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

/// The errno to answer a request with, also for an error that does not come from the system.
uapi::Errno number_of(const Error& error) { return error.number == 0 ? EINVAL : error.number; }

std::optional<std::uint32_t> scope_of_name(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  return index == 0 ? std::nullopt : std::optional<std::uint32_t>(index);
}

/// Writes every text: whatever bytes a path has, it stays on one line.
void write_line(SecretText& out, std::string_view key, std::string_view value) {
  out.append(key).append("=").append(escape(value)).append("\n");
}

void write_line(SecretText& out, std::string_view key, std::integral auto value) {
  out.append(key).append("=").append(value).append("\n");
}

std::string text_of(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const Prefix& prefix : prefixes) text.append(text.empty() ? "" : ", ").append(prefix.to_string());
  return text;
}

std::string with_number(const std::string& name, const std::string& number) {
  return name.substr(0, uapi::max_socket_name - 1 - std::min<std::size_t>(number.size(), 10)) + "-" + number;
}

}  // namespace

std::string name_under_engine(const std::string& ifname, const std::string& target, bool is_process) {
  if (is_process) return with_number(ifname, target);
  const std::string own_number = std::to_string(getpid());
  if (target.starts_with("/proc/")) return with_number(ifname, own_number);
  std::string name = target.substr(target.rfind('/') + 1).substr(0, uapi::max_socket_name);
  while (name.ends_with('-')) name.pop_back();
  return uapi::is_socket_name(name) ? name : with_number(ifname, own_number);
}

Result<std::optional<uapi::ControlSocket>> open_control_socket(const std::optional<std::string>& wanted,
                                                               const std::string& usual) {
  if (wanted == "off" || (!wanted && usual.empty())) return std::nullopt;
  const auto folder = uapi::writable_folder();
  if (wanted) {
    if (!folder) return fail_in("--control " + *wanted, folder.error());
    return TRY(uapi::ControlSocket::create(*folder, *wanted));
  }
  auto socket = folder ? uapi::ControlSocket::create(*folder, usual) : std::unexpected(folder.error());
  if (!socket && socket.error().number == EADDRINUSE) {
    // Interfaces of several containers have the same name.
    socket = uapi::ControlSocket::create(*folder, with_number(usual, std::to_string(getpid())));
  }
  if (socket) return *std::move(socket);
  const Error& why = socket.error();
  log::warning(
      "{}. So there is no control socket: show, wg and reload will not know this tunnel (--control=off if so "
      "wanted){}{}",
      Error{why.what, why.number, ""}.message(), why.hint.empty() ? "" : ". ", why.hint);
  return std::nullopt;
}

Result<std::unique_ptr<Control>> Control::create(uapi::ControlSocket socket, const Controlled& controlled,
                                                 const HandedOver& handed_over, TunnelFacts facts) {
  std::unique_ptr<Control> control(new Control(controlled, handed_over, std::move(facts)));
  control->server_ = TRY(uapi::Server::create(std::move(socket), *control, scope_of_name));
  return control;
}

Result<AfterTurn> Control::turn(Now now) {
  now_ = now;
  server_->turn(now.boot);
  return AfterTurn::go_on;
}

uapi::Errno Control::apply(DeviceChange change) {
  if (change.private_key) {
    if (const auto number = lock_key(*change.private_key); number != 0) return number;
    DeviceChange first;
    first.private_key = std::exchange(change.private_key, std::nullopt);
    if (const auto done = change_device(first); !done) return number_of(done.error());
  }
  if (change.listen_port)
    if (const auto done = controlled_.udp.change_number(*change.listen_port); !done) return number_of(done.error());
  if (change.fwmark)
    if (const auto done = controlled_.udp.change_fwmark(*change.fwmark); !done) return number_of(done.error());
  // A request that names an address takes the place of the name in the configuration.
  for (const PeerChange& peer : change.peers)
    if (peer.endpoint || peer.remove) controlled_.endpoints.forget(peer.public_key);
  const auto done = change_device(change);
  return done ? 0 : number_of(done.error());
}

uapi::Errno Control::lock_key(const PrivateKey& key) {
  if (controlled_.key_lock.is_for(key)) return 0;
  const auto changed = controlled_.key_lock.change(key);
  if (changed) return 0;
  log::warning("the private key stays as it was: {}", changed.error().message());
  return number_of(changed.error());
}

Result<void> Control::change_device(const DeviceChange& change) {
  return controlled_.device.hold()->apply(change, now_, controlled_.output);
}

uapi::InterfaceStatus Control::interface_status() {
  return {.private_key = controlled_.device.hold()->identity().private_key.clone(),
          .listen_port = controlled_.udp.number(),
          .fwmark = controlled_.udp.fwmark()};
}

std::optional<StatusPiece> Control::next_peer(StatusCursor& cursor, std::size_t most) {
  return controlled_.device.hold()->next_status(cursor, most);
}

void Control::write_facts(SecretText& out) const {
  const LinkFacts& link = facts_.link;
  write_line(out, "config", facts_.config);
  write_line(out, "mtu", link.status.mtu);
  if (link.wanted_mtu) write_line(out, "wanted_mtu", *link.wanted_mtu);
  write_line(out, "address", text_of(link.status.addresses));
  write_line(out, "table", link.status.table);
  write_line(out, "dns", link.dns);
  write_line(out, "dns_used", link.uses_dns ? "yes" : "no");
  write_line(out, "link_set_up_by", name(link.owner));
  write_line(out, "pid", getpid());
  write_line(out, "log", log::place());
  for (const std::string& warning : facts_.warnings) write_line(out, "warning", warning);
  const DataPlaneFacts& data_plane = facts_.data_plane;
  write_line(out, "threads", data_plane.threads);
  write_line(out, "tun_queues", data_plane.queues);
  write_line(out, "cipher", data_plane.cipher);
  write_line(out, "offloads", describe(data_plane.offloads));
  write_line(out, "sandbox", facts_.sandbox);
}

void Control::write_own_status(SecretText& out) {
  write_facts(out);
  auto device = controlled_.device.hold();
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
  if (!controlled_.endpoints.follow(hosts)) return EOPNOTSUPP;
  if (!hosts.empty() && controlled_.reloader != nullptr && !controlled_.endpoints.has_own_resolver())
    controlled_.reloader->start_resolver();
  // A reload may have found no address for a name.
  auto device = controlled_.device.hold();
  for (PeerId id = 0; id < device->peer_id_end(); ++id)
    if (const Peer* peer = device->peer(id); peer != nullptr && !peer->path)
      controlled_.endpoints.unanswered(peer->public_key());
  return 0;
}

/// After a reload. The core pads no packet beyond the interface's MTU.
uapi::Errno Control::follow_link(uapi::LinkStatus link) {
  if (link.mtu == 0) return EINVAL;
  facts_.link.status = std::move(link);
  controlled_.device.hold().set_mtu(facts_.link.status.mtu);
  return 0;
}

/// Its client may do everything with the tunnel anyway, and starts the helper that joins the namespace itself.
void Control::give_tun(UniqueFd client) {
  constexpr std::string_view answer = "errno=0\n\n";
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(answer.data()), answer.size());  // NOLINT: text as bytes
  if (const auto sent = send_message(client.get(), bytes, std::span(&handed_over_.tun, 1)); !sent)
    log::debug("reload: {}", sent.error().message());
}

void Control::begin_capture(UniqueFd client, bool with_keys) {
  handed_over_.captures.begin(std::move(client), with_keys, controlled_.udp.number());
}

void Control::write_diagnoses(SecretText& out, const Device& device) const {
  constexpr std::size_t max_diagnoses = 32;  // if more peers are in trouble, they are so for one reason
  std::size_t written = 0;
  for (PeerId id = 0; id < device.peer_id_end() && written < max_diagnoses; ++id) {
    const Peer* peer = device.peer(id);
    if (peer == nullptr) continue;
    const std::string text = controlled_.peer_watch.of(*peer);
    if (text.empty()) continue;
    write_line(out, "diagnosis", encode_base64(peer->public_key()) + " " + text);
    ++written;
  }
}

}  // namespace wg4
