// The host first, then the configuration, then each peer. Peers are tried in the sandbox of a tunnel, so everything
// that reads files or starts programs comes before.
#include "wg4netns/doctor/doctor.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <span>
#include <utility>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/base/unique_fd.h"
#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/sys/deadline.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/show_text.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/resolver.h"
#include "wg4netns/doctor/host_checks.h"
#include "wg4netns/doctor/host_facts.h"
#include "wg4netns/doctor/peer_facts.h"
#include "wg4netns/doctor/peer_probe.h"
#include "wg4netns/doctor/report.h"
#include "wg4netns/doctor/tunnels.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/mtu.h"

namespace wg4 {
namespace {

using namespace doctor;

constexpr std::chrono::seconds dns_patience{10};

/// Prints each result at once, or JSON at the end.
class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}
  void add(CheckResult result) {
    if (!json_) fmt::print("{}\n", line_of(result));
    report_.push_back(std::move(result));
    static_cast<void>(std::fflush(stdout));
  }
  void add(const Report& report) {
    for (const CheckResult& result : report) add(result);
  }
  Result<void> finish() {
    if (json_) fmt::print("{}\n", to_json(report_));
    if (std::fflush(stdout) != 0) return fail("write", errno);
    const auto problems = std::ranges::count(report_, Verdict::problem, &CheckResult::verdict);
    if (problems == 0) return {};
    return fail(std::to_string(problems) + (problems == 1 ? " problem" : " problems") + " found");
  }

 private:
  bool json_;
  Report report_;
};

CheckResult problem(std::string name, const Error& error) {
  Error without_hint = error;
  without_hint.hint.clear();
  return {std::move(name), Verdict::problem, without_hint.message(), error.hint};
}

/// A file of that name, else a profile.
Result<std::string> find_config(const std::string& name) {
  if (name.contains('/') || name.ends_with(".conf") || access(name.c_str(), F_OK) == 0) return name;
  return locate_config(std::nullopt, name);
}

std::vector<PeerFacts> list_peers(const WgConfig& config) {
  std::vector<PeerFacts> peers;
  for (const PeerConfig& peer : config.peers) {
    PeerFacts& facts = peers.emplace_back(PeerFacts{.key = encode_base64(peer.public_key)});
    if (!peer.endpoint) continue;
    facts.host = to_string(*peer.endpoint);
    if (const Endpoint* address = peer.address()) facts.endpoint = *address;
  }
  return peers;
}

/// Looks up the endpoints that are names.
Result<void> resolve(const WgConfig& config, std::span<PeerFacts> peers) {
  if (std::ranges::none_of(config.peers, &PeerConfig::host_name)) return {};
  Resolver resolver = TRY(Resolver::start(SandboxMode::automatic));
  std::size_t outstanding = 0;
  for (std::uint32_t i = 0; i < peers.size(); ++i) {
    const HostPort* name = config.peers[i].host_name();
    if (name == nullptr) continue;
    peers[i].resolve_error = "no answer from DNS within 10 s";
    TRY(resolver.ask(i, *name));
    ++outstanding;
  }
  const Deadline deadline = deadline_in(dns_patience);
  for (; outstanding > 0 && TRY(wait_until(resolver.fd(), POLLIN, deadline)); --outstanding) {
    const auto answer = resolver.receive();
    if (!answer) return fail("the resolver process ended");
    PeerFacts& peer = peers[answer->id];
    peer.resolve_error = answer->error != 0 ? gai_strerror(answer->error) : "";
    if (answer->error == 0) peer.endpoint = answer->endpoint;
  }
  return {};
}

/// Would a datagram leave this host, and from which address? Connecting sends nothing.
void find_route(PeerFacts& peer) {
  if (!peer.endpoint) return;
  SocketAddress address(*peer.endpoint);
  const UniqueFd fd(socket(address.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), address.get(), address.length) < 0) {
    peer.route_error = errno;
    return;
  }
  SocketAddress own;
  own.length = sizeof(own.storage);
  if (getsockname(fd.get(), own.get(), &own.length) == 0) peer.source = to_endpoint(own.storage).address.to_string();
}

/// Tries the peers, unless a tunnel has the key: that is no problem, but nothing can be tried then.
Result<void> try_peers(const std::string& path, const WgConfig& config, std::vector<PeerFacts>& peers,
                       const std::vector<show::Tunnel>& running, Printer& output) {
  const auto lock = KeyLock::take(config.private_key, "wireguard4netns doctor", false);
  if (!lock) {
    const std::string found =
        has_tunnel(running, config.private_key)
            ? "What the tunnel has found out itself is said above"
            : "The tunnel has no control socket to ask what it has found out: end it, and try again";
    output.add(
        {"key", Verdict::note, lock.error().what, "No handshake is tried, as that would disturb the tunnel. " + found});
    return {};
  }
  auto udp = UdpSocket::open({.port = config.listen_port, .fwmark = config.fwmark, .v4 = {}, .v6 = {}});
  if (!udp) {
    output.add(problem("port", udp.error()));
    return {};
  }
  output.add({"port", Verdict::ok, "UDP port " + std::to_string(udp->port())});
  std::vector<Endpoint> known;
  for (const PeerFacts& peer : peers)
    if (peer.endpoint) known.push_back(*peer.endpoint);
  const ProbeOptions options{.configured = config_written(path), .mtu = choose_mtu({}, config, known)};
  return probe_peers(config, options, *std::move(udp), peers);
}

Result<void> check_configuration(const std::string& name, const std::vector<show::Tunnel>& running, Printer& output) {
  const auto path = find_config(name);
  const auto config = path ? read_config(*path) : Result<WgConfig>(std::unexpected(path.error()));
  if (!config) {
    output.add(problem("configuration", config.error()));
    return {};
  }
  const std::size_t count = config->peers.size();
  output.add({"configuration", Verdict::ok, fmt::format("{}, {} {}", *path, count, count == 1 ? "peer" : "peers")});
  for (const std::string& warning : config->warnings) output.add({"configuration", Verdict::note, warning});
  if (config->private_key.is_zero()) {
    output.add({"key", Verdict::problem, "no PrivateKey: no handshake can be tried",
                "Make one: wireguard4netns genkey; peers need its public half"});
    return {};
  }
  std::vector<PeerFacts> peers = list_peers(*config);
  TRY(resolve(*config, peers));
  for (PeerFacts& peer : peers) find_route(peer);
  TRY(try_peers(*path, *config, peers, running, output));
  for (const PeerFacts& peer : peers) output.add(check_peer(peer));
  return {};
}

}  // namespace

Parsed<DoctorCommand> parse_doctor(const Arguments& arguments) {
  DoctorCommand command;
  Parser parser("Checks this host; with a configuration also its peers, by a handshake.", arguments);
  parser.argument("PROFILE|FILE", command.config, "The configuration; default: the host alone").is_file();
  parser.flag("--json", command.json, "Print one JSON object, for programs");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_doctor(const DoctorCommand& command) {
  // The C library would look at standard output when it first prints, which the sandbox forbids.
  static std::array<char, BUFSIZ> buffer;
  static_cast<void>(std::setvbuf(stdout, buffer.data(), _IOFBF, buffer.size()));
  Printer output(command.json);
  output.add(check_host(gather_host_facts()));
  const auto running = find_running_tunnels();
  output.add(check_tunnels(running));
  if (command.config) TRY(check_configuration(*command.config, running, output));
  return output.finish();
}

}  // namespace wg4
