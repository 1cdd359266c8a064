#include "wg4netns/daemon/control.h"

#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <expected>
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
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_socket.h"

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

std::string_view name(LinkOwner owner) {
  switch (owner) {
    case LinkOwner::ours:
      return "wireguard4netns";
    case LinkOwner::engine:
      return "wireguard4netns, for an engine";
    case LinkOwner::others:
      break;
  }
  return "others";
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
    // Containers have an interface of the same name each.
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
  parts_.reloader->reload();
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
  TRY(parts_.tunnel.outer().replace_by(fresh));
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
  write_line(out, "mtu", facts_.link.mtu);
  if (facts_.wanted_mtu) write_line(out, "wanted_mtu", *facts_.wanted_mtu);
  write_line(out, "address", text_of(facts_.link.addresses));
  write_line(out, "table", facts_.link.table);
  write_line(out, "dns", facts_.dns);
  write_line(out, "dns_used", facts_.uses_dns ? "yes" : "no");
  write_line(out, "link_set_up_by", name(facts_.link_owner));
  write_line(out, "pid", getpid());
  write_line(out, "log", log::place());
  for (const std::string& warning : facts_.warnings) write_line(out, "warning", warning);
  write_line(out, "threads", facts_.threads);
  write_line(out, "tun_queues", facts_.queues);
  write_line(out, "cipher", facts_.cipher);
  write_line(out, "offloads", facts_.offloads);
  write_line(out, "sandbox", facts_.sandbox);
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

/// After a reload. The core pads no packet beyond the interface's MTU.
uapi::Errno Control::follow_link(uapi::LinkStatus link) {
  if (link.mtu == 0) return EINVAL;
  facts_.link = std::move(link);
  parts_.device.hold().set_mtu(facts_.link.mtu);
  return 0;
}

/// To a client that may do all with the tunnel anyway. What joins the namespace is started over there.
void Control::give_tun(UniqueFd client) {
  constexpr std::string_view answer = "errno=0\n\n";
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(answer.data()), answer.size());  // NOLINT: text as bytes
  if (const auto sent = send_message(client.get(), bytes, parts_.tun); !sent)
    log::debug("reload: {}", sent.error().message());
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
    const std::string text = parts_.peer_watch.of(*peer);
    if (text.empty()) continue;
    write_line(out, "diagnosis", encode_base64(peer->public_key()) + " " + text);
    ++written;
  }
}

}  // namespace wg4
