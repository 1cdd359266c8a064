#include "wg4netns/app/attach.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "shared/config/link_plan.h"
#include "shared/sys/log.h"
#include "shared/sys/secret_memory.h"
#include "wg4netns/app/config_file.h"
#include "wg4netns/app/endpoints.h"
#include "wg4netns/app/helper_process.h"
#include "wg4netns/app/mtu.h"
#include "wg4netns/app/sandbox.h"
#include "wg4netns/app/serve.h"
#include "wg4netns/app/system_entropy.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/forward/forwarder.h"

namespace wg4 {
namespace {

/// How long the start waits for DNS; engines wait for the start.
constexpr std::chrono::seconds dns_patience{5};

/// Takes over a descriptor that the caller of this program left open for it; `access` is what it is used for.
Result<UniqueFd> adopt_descriptor(std::optional<int> number, const std::string& option, int access) {
  if (!number) return UniqueFd();
  const std::string name = option + " " + std::to_string(*number);
  const int flags = fcntl(*number, F_GETFL);
  if (flags < 0) return fail(name, errno, "The program that starts this one has to leave that descriptor open for it");
  if (access == O_WRONLY && (flags & O_ACCMODE) == O_RDONLY)
    return fail(name + " cannot be written to", 0, "Give the writing end of the pipe");
  if (fcntl(*number, F_SETFD, FD_CLOEXEC) < 0) return fail(name, errno);
  return UniqueFd(*number);
}

/// The parts that do not depend on where the TUN comes from.
struct Parts {
  EndConditions end;
  UniqueFd ready_fd;
  WgConfig config;
  UdpSocket udp;
  Endpoints endpoints;
  std::uint16_t mtu;
  crypto::Choice cipher;
};

TunOffloads tun_offloads(const Offloads& offloads) {
  return {.checksum = offloads.checksum, .segment_tcp = offloads.tso, .segment_udp = offloads.uso};
}

std::string describe_offloads(const TunDevice& tun, const UdpSocket& udp) {
  std::string text;
  const auto add = [&text](bool active, const char* name) {
    if (active) text.append(text.empty() ? "" : " ").append(name);
  };
  add(tun.has_header(), "vnet-hdr");
  add(tun.offloads().checksum, "checksum");
  add(tun.offloads().segment_tcp, "tso");
  add(tun.offloads().segment_udp, "uso");
  add(udp.segments(), "udp-segment");
  add(udp.gathers(), "udp-gro");
  return text.empty() ? "none" : text;
}

Result<Parts> prepare(const TunnelOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // who reads our log, or waits for us to be ready, may go before us
  EndConditions end{
      TRY(SignalFd::create({SIGTERM, SIGINT})), TRY(adopt_descriptor(options.exit_fd, "--exit-fd", O_RDONLY)), {}};
  UniqueFd ready_fd = TRY(adopt_descriptor(options.ready_fd, "--ready-fd", O_WRONLY));
  const std::string path = TRY(locate_config(options.config));
  WgConfig config = TRY(load_config(path));
  if (config.private_key.is_zero()) log::warning("{}: no PrivateKey: no peer can be talked to", path);
  if (!config.dns_servers.empty())
    log::warning("{}: DNS is left alone: name resolution in the namespace follows its own /etc/resolv.conf", path);

  UdpSocket udp = TRY(UdpSocket::open({.port = config.listen_port,
                                       .fwmark = config.fwmark,
                                       .segment = options.offloads.udp_segment,
                                       .gro = options.offloads.udp_gro}));
  const auto retries = TRY(Endpoints::parse_retries(std::getenv("WG_ENDPOINT_RESOLUTION_RETRIES")));
  Endpoints endpoints = TRY(Endpoints::create(config, retries));
  TRY(endpoints.resolve_first(dns_patience));
  std::vector<Endpoint> known = endpoints.resolved();
  for (const PeerChange& peer : make_device_change(config).peers)
    if (peer.endpoint) known.push_back(*peer.endpoint);
  const std::uint16_t mtu = choose_mtu(options.mtu, config, known);
  crypto::Choice cipher = TRY(crypto::choose_backend(options.cipher));
  for (const std::string_view name : cipher.failed)
    log::warning("cipher backend {} fails its self-test on this machine; please report this", name);
  return Parts{std::move(end),   std::move(ready_fd), std::move(config), std::move(udp), std::move(endpoints), mtu,
               std::move(cipher)};
}

Result<void> tell_ready(UniqueFd ready_fd) {
  if (!ready_fd.valid()) return {};
  if (write(ready_fd.get(), "1", 1) != 1)
    return fail("write to --ready-fd", errno, "The program that started this one may have ended");
  return {};
}

/// Published ports, and the helper that stayed to dial for them. The ports go first.
struct PublishedPorts {
  Child agent;
  forward::Forwarder forwarder;
};

Result<std::optional<PublishedPorts>> open_ports(const forward::Settings& settings, Attachment& attachment) {
  if (!settings.wanted()) return std::nullopt;
  Agent agent = attachment.take_agent();
  forward::Forwarder forwarder = TRY(forward::Forwarder::create(settings, std::move(agent.socket)));
  return PublishedPorts{std::move(agent.process), std::move(forwarder)};
}

/// Everything is open: becomes the process that only serves.
Result<void> run(Parts parts, TunDevice tun, const std::string& what, std::optional<PublishedPorts> ports = {}) {
  SecretMemory secrets;
  SystemEntropy entropy;
  Device device(*parts.cipher.aead, entropy, secrets.resource());
  Tunnel tunnel(device, std::move(tun), std::move(parts.udp));

  DeviceChange change = make_device_change(parts.config);
  parts.endpoints.fill_in(change);
  device.set_mtu(parts.mtu);
  TRY(device.apply(change, read_clocks(), tunnel));
  parts.config = WgConfig{};  // its keys are in `secrets` now, and nowhere else
  change = DeviceChange{};

  TRY(drop_privileges());
  if (ports) {
    if (parts.end.target) parts.end.target->disregard(ports->agent.pid());
    ports->forwarder.start();
  }
  device.bring_up(read_clocks(), tunnel);
  tunnel.flush();
  if (!secrets.all_locked()) log::debug("RLIMIT_MEMLOCK is too small to lock all keys in memory");
  log::debug("cipher backend: {}; offloads: {}", parts.cipher.aead->name(),
             describe_offloads(tunnel.tun(), tunnel.udp()));
  log::info("{}, MTU {}, UDP port {}", what, parts.mtu, tunnel.udp().port());
  TRY(tell_ready(std::move(parts.ready_fd)));
  return serve(device, tunnel, parts.endpoints, parts.end);
}

/// The PID that a target means, nothing for a path.
Result<std::optional<pid_t>> target_pid(const AttachCommand& command) {
  const std::string& target = command.target;
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), pid);
  const bool is_number = error == std::errc{} && end == target.data() + target.size() && pid > 0;
  if (command.target_type == TargetType::path || (command.target_type == TargetType::guess && !is_number))
    return std::nullopt;
  if (!is_number)
    return fail("'" + target + "' is not a process id", 0, "For the path of a namespace use --netns-type=path");
  return pid;
}

AttachRequest make_request(const AttachCommand& command, std::optional<pid_t> pid) {
  AttachRequest request;
  request.helper = command.helper.value_or("");
  request.pid = pid;
  if (!pid) request.netns_path = command.target;
  request.userns_path = command.userns_path.value_or("");
  request.ifname = command.ifname;
  request.vnet_hdr = command.tunnel.offloads.vnet_header;
  request.agent = command.forward.wanted();
  if (command.configure) request.configure = *command.configure ? "yes" : "no";
  return request;
}

}  // namespace

Result<void> attach(const AttachCommand& command) {
  const auto pid = TRY(target_pid(command));
  Parts parts = TRY(prepare(command.tunnel));
  if (pid) parts.end.target = TRY(TargetWatch::create(*pid));

  Attachment attachment = TRY(Attachment::begin(make_request(command, pid)));
  TunDevice tun =
      TRY(TunDevice::adopt(std::move(attachment.take_queues().front()), tun_offloads(command.tunnel.offloads)));
  const auto warnings = TRY(attachment.finish(make_link_plan(parts.config, parts.mtu)));
  for (const std::string& warning : warnings) log::warning("{}", warning);
  const std::string where = pid ? "process " + command.target : command.target;
  auto ports = TRY(open_ports(command.forward, attachment));
  return run(std::move(parts), std::move(tun), attachment.tun().ifname + " in " + where, std::move(ports));
}

Result<void> serve_descriptor(const ServeCommand& command) {
  Parts parts = TRY(prepare(command.tunnel));
  UniqueFd fd = TRY(adopt_descriptor(command.tun_fd, "--tun-fd", O_RDWR));
  TunDevice tun = TRY(TunDevice::adopt(std::move(fd), tun_offloads(command.tunnel.offloads)));
  return run(std::move(parts), std::move(tun), "serving descriptor " + std::to_string(command.tun_fd));
}

}  // namespace wg4
