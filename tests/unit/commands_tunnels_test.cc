// The commands that run a tunnel, and the places of other programs that they take: each option with its value.

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "tests/unit/commands_support.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/serve_command.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/engine_network.h"
#include "wg4netns/engines/netavark.h"
#include "wg4netns/engines/oci_hook.h"
#include "wg4netns/engines/pasta.h"
#include "wg4netns/engines/pasta_options.h"
#include "wg4netns/engines/slirp4netns_options.h"
#include "wg4netns/engines/wireguard_go.h"

namespace wg4 {
namespace {

constexpr auto two_commands =
    std::to_array<CommandEntry>({{"show", "say how tunnels are"}, {"reload", "read it again"}});

const Subject<AttachCommand> attach{parse_attach, "", "wireguard4netns", two_commands};
const Subject<AttachCommand> slirp4netns{parse_attach, "", "slirp4netns", two_commands};
const Subject<ServeCommand> serve{parse_serve, "serve"};
const Subject<OciHookCommand> oci_hook{parse_oci_hook, "oci-hook"};
const Subject<PastaCommand> pasta{parse_pasta, "pasta"};
const Subject<NetavarkCommand> netavark{parse_netavark, "netavark"};
const Subject<InterfaceCommand> wireguard_go{parse_interface, "", "wireguard4netns", two_commands};

std::optional<Prefix> prefix(std::string_view text) { return Prefix::parse(text); }

/// What an environment has while this lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

// --- what every command that runs a tunnel takes ---------------------------------------------------------------------

const std::vector<Seen<TunnelOptions>> common = {
    {"--config a.conf", [](const auto& t) { return t.config == "a.conf"; }},
    {"--profile=work", [](const auto& t) { return t.profile == "work"; }},
    {"--allow-shared-key", [](const auto& t) { return t.allow_shared_key; }},
    {"--control=vpn", [](const auto& t) { return t.control == "vpn"; }},
    {"--control off", [](const auto& t) { return t.control == "off"; }},
    {"--no-offload=vnet-hdr", [](const auto& t) { return !t.offloads.vnet_header && t.offloads.tso; }},
    {"--no-offload=checksum", [](const auto& t) { return !t.offloads.checksum && t.offloads.uso; }},
    {"--no-offload=tso", [](const auto& t) { return !t.offloads.tso && t.offloads.uso; }},
    {"--no-offload=uso", [](const auto& t) { return !t.offloads.uso && t.offloads.tso; }},
    {"--no-offload=udp-segment", [](const auto& t) { return !t.offloads.udp_segment && t.offloads.udp_gro; }},
    {"--no-offload=udp-gro", [](const auto& t) { return !t.offloads.udp_gro && t.offloads.udp_segment; }},
    {"--no-offload=tso,udp-gro",
     [](const auto& t) { return !t.offloads.tso && !t.offloads.udp_gro && t.offloads.checksum; }},
    {"--no-offload tso", [](const auto& t) { return !t.offloads.tso && t.offloads.uso; }},  // and no word behind it
    {"--no-offload=all",
     [](const auto& t) {
       const Offloads& o = t.offloads;
       return !o.vnet_header && !o.checksum && !o.tso && !o.uso && !o.udp_segment && !o.udp_gro;
     }},
    {"--threads=1", [](const auto& t) { return t.threads == 1U; }},
    {"--threads 8", [](const auto& t) { return t.threads == 8U; }},
    {"--threads=0x4", [](const auto& t) { return t.threads == 4U; }},
    {"--cipher=sodium", [](const auto& t) { return t.cipher == "sodium"; }},
    {"--sandbox=on", [](const auto& t) { return t.sandbox.mode == SandboxMode::on; }},
    {"--sandbox off", [](const auto& t) { return t.sandbox.mode == SandboxMode::off; }},
    {"--enable-sandbox", [](const auto& t) { return t.sandbox.root_required; }},
    {"--create-sandbox", [](const auto& t) { return t.sandbox.root_required; }},
    {"--enable-seccomp", [](const auto& t) { return t.sandbox.seccomp_required; }},
    {"--metrics=127.0.0.1:9586", [](const auto& t) { return t.observe.metrics == "127.0.0.1:9586"; }},
    {"--pcap a.pcapng", [](const auto& t) { return t.observe.pcap == "a.pcapng"; }},
    {"--pcap=- --pcap-keys", [](const auto& t) { return t.observe.pcap == "-" && t.observe.pcap_keys; }},
    {"--log-level=silent", [](const auto&) { return log::level() == log::Level::silent; }},
    {"--log-level=error", [](const auto&) { return log::level() == log::Level::error; }},
    {"--log-level=warning", [](const auto&) { return log::level() == log::Level::warning; }},
    {"--log-level debug", [](const auto&) { return log::level() == log::Level::debug; }},
};

const std::vector<Seen<TunnelOptions>> of_places = {
    {"--outbound-addr=192.0.2.1", [](const auto& t) { return t.outbound_v4 == "192.0.2.1"; }},
    {"--outbound-addr6 eth0", [](const auto& t) { return t.outbound_v6 == "eth0"; }},
    {"-m 1400", [](const auto& t) { return t.mtu == 1400; }},
    {"-m68", [](const auto& t) { return t.mtu == 68; }},
    {"--mtu=65521", [](const auto& t) { return t.mtu == 65521; }},
    {"-e 7", [](const auto& t) { return t.exit_fd == 7; }},
    {"--exit-fd=0", [](const auto& t) { return t.exit_fd == 0; }},
    {"-r 3", [](const auto& t) { return t.ready_fd == 3; }},
    {"--ready-fd=2147483647", [](const auto& t) { return t.ready_fd == 2147483647; }},
};

const auto wrong_common = {
    Refused{"--config a --profile b", "--config excludes --profile"},
    Refused{"--control=", "--control has no value behind '='"},
    Refused{"--control=/", "--control: no name for an interface: /"},
    Refused{"--control=sixteen-letters-", "no name for an interface: sixteen-letters-"},
    Refused{"--no-offload=x", "--no-offload: x not in {vnet-hdr,checksum,tso,uso,udp-segment,udp-gro,all}"},
    Refused{"--no-offload=tso,x", "x not in"},
    Refused{"--threads=0", "Value 0 not in range"},
    Refused{"--threads=9", "Value 9 not in range"},
    Refused{"--threads=many", "Value many not in range"},
    Refused{"--sandbox=maybe", "--sandbox: maybe not in {auto,off,on}"},
    Refused{"--sandbox=1", "1 not in {auto,off,on}"},
    Refused{"--log-level=loud", "--log-level: loud not in {debug,error,info,silent,warning}"},
    Refused{"--log-level=1", "1 not in {debug"},
    Refused{"--pcap-keys", "--pcap-keys requires --pcap"},
    Refused{"--frobnicate", "unrecognized option '--frobnicate'"},
    Refused{"-z", "unrecognized option '-z'"},
};

const auto wrong_of_places = {
    Refused{"--mtu=67", "--mtu: Value 67 not in range"},
    Refused{"-m 65522", "Value 65522 not in range"},
    Refused{"--mtu=x", "Value x not in range"},
    Refused{"--mtu=1400 --mtu=1400", "--mtu"},
    Refused{"--exit-fd=-1", "--exit-fd: Value -1 not in range"},
    Refused{"--ready-fd=x", "--ready-fd: Value x not in range"},
};

/// `of_tunnel` as seen in a command that has them at `where`.
template <class Command>
std::vector<Seen<Command>> at(std::function<const TunnelOptions&(const Command&)> where,
                              const std::vector<Seen<TunnelOptions>>& of_tunnel) {
  std::vector<Seen<Command>> cases;
  for (const auto& [options, in] : of_tunnel)
    cases.push_back({options, [where, in](const Command& command) { return in(where(command)); }});
  return cases;
}

template <class Item>
std::vector<Item> joined(std::initializer_list<std::vector<Item>> lists) {
  std::vector<Item> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

template <class Command>
void check_wrong(const Subject<Command>& subject, const std::string& line, std::initializer_list<Refused> wrong) {
  for (const auto& [options, says] : wrong) {
    check_refused(subject, {{options + " " + line, says}});
  }
}

// --- our own commands ------------------------------------------------------------------------------------------------

const std::vector<Seen<AttachCommand>> of_attach = {
    {"--netns-type=pid", [](const auto& c) { return c.target_type == TargetType::pid; }},
    {"--netns-type path", [](const auto& c) { return c.target_type == TargetType::path; }},
    {"--userns-path=/u", [](const auto& c) { return c.userns_path == "/u"; }},
    {"-c", [](const auto& c) { return c.configuration == Configuration::yes; }},
    {"--configure", [](const auto& c) { return c.configuration == Configuration::yes; }},
    {"--no-configure", [](const auto& c) { return c.configuration == Configuration::no; }},
    {"--helper=/h", [](const auto& c) { return c.helper == "/h"; }},
    {"-a /s", [](const auto& c) { return c.forward.api_socket == "/s"; }},
    {"--api-socket=/s", [](const auto& c) { return c.forward.api_socket == "/s"; }},
    {"-p 8080:80", [](const auto& c) { return !c.forward.published.empty(); }},
    {"--publish=127.0.0.1:53:53/udp -p 127.0.0.2:80:8000",
     [](const auto& c) {
       const auto& rules = c.forward.published;
       return rules.size() == 2 && rules[0].to_string() == "127.0.0.1:53/udp" &&
              rules[1].to_string() == "127.0.0.2:80/tcp" && rules[1].guest.port == 8000;
     }},
};

const std::vector<Seen<AttachCommand>> of_slirp4netns = {
    {"--engine-addresses", [](const auto& c) { return c.engine && c.engine->guest == prefix("10.0.2.100/32"); }},
    {"--cidr=10.9.0.0/24", [](const auto& c) { return c.engine && c.engine->guest == prefix("10.9.0.100/32"); }},
    {"--disable-dns", [](const auto& c) { return c.engine && !c.engine->dns; }},
    {"--disable-host-loopback", [](const auto& c) { return c.engine && c.engine->dns; }},
    {"--no-host-loopback", [](const auto& c) { return c.engine.has_value(); }},
    {"-6", [](const auto& c) { return c.engine.has_value(); }},
    {"--enable-ipv6", [](const auto& c) { return c.engine.has_value(); }},
};

const TunnelOptions& tunnel_of(const AttachCommand& command) { return command.tunnel; }

TEST_CASE("attach") {
  check_texts(attach);
  check_options<AttachCommand>(attach, "1",
                               joined({of_attach, of_slirp4netns, at<AttachCommand>(tunnel_of, common),
                                       at<AttachCommand>(tunnel_of, of_places)}),
                               {"--no-engine-addresses", "--target-type=netns", "-c --macaddress=02:00:00:00:00:01"});
  check_wrong(attach, "1", wrong_common);
  check_wrong(attach, "1", wrong_of_places);
  CHECK(attach.text("--help").contains("\n  show       say how tunnels are\n"));
}

TEST_CASE("attach's words") {
  CHECK(attach.value("1").target == "1");
  CHECK(attach.value("1").ifname == "wg0");
  CHECK(attach.value("1 wg7").ifname == "wg7");
  CHECK(attach.value("/run/netns/a wg7 a.conf").tunnel.config == "a.conf");
  CHECK(attach.value("--sandbox=off 1 wg7 --mtu=1400").ifname == "wg7");
  CHECK_FALSE(attach.value("1").engine);
  CHECK(attach.value("1").forward.guest == prefix("10.0.2.100/32")->address);
  check_refused(attach, {{"", "PID|PATH is required. See wireguard4netns --help"},
                         {"1 wg0 a.conf more", "unexpected argument 'more'"},
                         {"1 -p", "--publish: 1 required SPEC missing"},
                         {"1 show", "'show' is a command, not the name of an interface"},
                         {"1 a.conf", "wireguard4netns PID wg0 a.conf"},
                         {"a.conf 1", "wireguard4netns PID wg0 a.conf"},
                         {"shwo", "Did you mean `show`?"},
                         {"shwo --json", "Did you mean `show`?"},
                         {"start wg0", "A tunnel is started by: wireguard4netns up PROFILE, or PID wg0 CONF"},
                         {"wg0 wg1", "'wg0' is neither a PID, nor the path of a namespace, nor a command"}});
}

TEST_CASE("attach's conflicts and wrong values") {
  check_wrong(attach, "1",
              {{"-c --no-configure", "--configure"},
               {"--netns-type=q", "--netns-type: q not in {path,pid}"},
               {"--netns-type=1", "1 not in {path,pid}"},
               {"-p x", "x"},
               {"-p 80:70000", "70000"},
               {"--engine-addresses --no-engine-addresses", "excludes"},
               {"--cidr=10.0.0.1/24", "10.0.0.1/24"},
               {"--cidr=10.0.0.0/26", "10.0.0.0/26"},
               {"--macaddress=02:00:00:00:00:01", "--macaddress requires --configure"},
               {"-c --macaddress=02:00:00:00:00", "--macaddress 02:00:00:00:00 is not a MAC address"},
               {"-c --macaddress=02-00-00-00-00-01", "is not a MAC address"},
               {"--target-type=pid", "--target-type: pid not in {netns}"}});
}

EngineOptions engine_of(const Subject<AttachCommand>& subject, std::string_view line) {
  const AttachCommand command = subject.value(line);
  CAPTURE(line);
  REQUIRE(command.engine);
  return *command.engine;
}

TEST_CASE("slirp4netns's place is known by its name, by the interface's, or by an option") {
  CHECK(engine_of(slirp4netns, "1").guest == prefix("10.0.2.100/32"));
  CHECK(engine_of(slirp4netns, "1").adds_default_route);
  CHECK(engine_of(attach, "1 tap0").adds_default_route);
  CHECK_FALSE(attach.value("1 tap1").engine);
  CHECK_FALSE(engine_of(attach, "-6 1").adds_default_route);
  CHECK_FALSE(slirp4netns.value("--no-engine-addresses 1").engine);
  CHECK_FALSE(attach.value("--no-engine-addresses --cidr=10.9.0.0/24 1 tap0").engine);
  const AttachCommand podman = slirp4netns.value("--disable-host-loopback --mtu=65520 --enable-sandbox -c -r 3 1 tap0");
  CHECK(podman.target == "1");
  CHECK(podman.ifname == "tap0");
  CHECK(podman.tunnel.ready_fd == 3);
  CHECK(slirp4netns.value("--cidr=10.9.0.0/24 1").forward.guest == prefix("10.9.0.100/32")->address);
}

TEST_CASE("the environment stands for some of attach's options") {
  {
    const Environment sandbox("WIREGUARD4NETNS_SANDBOX", "off");
    CHECK(attach.value("1").tunnel.sandbox.mode == SandboxMode::off);
    CHECK(attach.value("--sandbox=on 1").tunnel.sandbox.mode == SandboxMode::on);
  }
  {
    const Environment control("WIREGUARD4NETNS_CONTROL", "vpn");
    CHECK(attach.value("1").tunnel.control == "vpn");
    CHECK(attach.value("--control=off 1").tunnel.control == "off");
  }
  {
    const Environment shared("WIREGUARD4NETNS_ALLOW_SHARED_KEY", "1");
    CHECK(attach.value("1").tunnel.allow_shared_key);
  }
  {
    const Environment sandbox("WIREGUARD4NETNS_SANDBOX", "maybe");
    check_refused(attach, {{"1", "maybe not in {auto,off,on}"}});
  }
  CHECK(attach.value("1").tunnel.sandbox.mode == SandboxMode::automatic);
}

TEST_CASE("serve") {
  const auto where = [](const ServeCommand& command) -> const TunnelOptions& { return command.tunnel; };
  check_texts(serve);
  check_options<ServeCommand>(serve, "--tun-fd=5",
                              joined({at<ServeCommand>(where, common), at<ServeCommand>(where, of_places)}),
                              {"--threads=auto", "--sandbox=auto", "--log-level=info"});
  CHECK(serve.value("--tun-fd 0").tun_fd == 0);
  check_wrong(serve, "--tun-fd=5", wrong_common);
  check_wrong(serve, "--tun-fd=5", wrong_of_places);
  check_refused(serve, {{"", "--tun-fd is required. See wireguard4netns serve --help"},
                        {"--tun-fd", "--tun-fd"},
                        {"--tun-fd=-1", "Value -1 not in range"},
                        {"--tun-fd=5 1", "unexpected argument '1'"},
                        {"--tun-fd=5 --netns-type=pid", "unrecognized option '--netns-type=pid'"}});
}

TEST_CASE("oci-hook") {
  const auto where = [](const OciHookCommand& command) -> const TunnelOptions& { return command.attach.tunnel; };
  using Names = std::set<std::string>;
  const std::vector<Seen<OciHookCommand>> own = {
      {"--helper=/h", [](const auto& c) { return c.attach.helper == "/h"; }},
      {"--allow-annotations=config", [](const auto& c) { return c.allowed_annotations == Names{"config"}; }},
      {"--allow-annotations ifname,publish",
       [](const auto& c) { return c.allowed_annotations == Names{"ifname", "publish"}; }},
      {"--allow-annotations=all",
       [](const auto& c) { return c.allowed_annotations == Names{"allow-shared-key", "config", "ifname", "publish"}; }},
  };
  check_texts(oci_hook);
  check_options<OciHookCommand>(oci_hook, "createRuntime",
                                joined({own, at<OciHookCommand>(where, common), at<OciHookCommand>(where, of_places)}));
  check_wrong(oci_hook, "createRuntime", wrong_common);
  check_wrong(oci_hook, "createRuntime", wrong_of_places);
  check_refused(oci_hook, {{"", "STAGE is required. See wireguard4netns oci-hook --help"},
                           {"poststop", "STAGE: poststop not in {createRuntime}"},
                           {"createRuntime --allow-annotations=x", "x not in {config,ifname,publish,allow-shared-key"},
                           {"createRuntime 1", "unexpected argument '1'"}});
}

// --- the places of others --------------------------------------------------------------------------------------------

const std::vector<Seen<PastaCommand>> of_pasta = {
    {"--userns=/u", [](const auto& c) { return c.attach.userns_path == "/u"; }},
    {"-I vpn0", [](const auto& c) { return c.attach.ifname == "vpn0"; }},
    {"--ns-ifname=vpn0", [](const auto& c) { return c.attach.ifname == "vpn0"; }},
    {"-m 1400", [](const auto& c) { return c.attach.tunnel.mtu == 1400; }},
    {"--mtu=68", [](const auto& c) { return c.attach.tunnel.mtu == 68; }},
    {"-a 192.0.2.7", [](const auto& c) { return c.attach.engine->guest == prefix("192.0.2.7/32"); }},
    {"--address=2001:db8::7", [](const auto& c) { return c.attach.engine->guest_v6 == prefix("2001:db8::7/128"); }},
    {"-a 192.0.2.7 -n 24", [](const auto& c) { return c.attach.engine->guest == prefix("192.0.2.7/24"); }},
    {"--netmask=255.255.0.0 -a 192.0.2.7",
     [](const auto& c) { return c.attach.engine->guest == prefix("192.0.2.7/16"); }},
    {"-g 192.0.2.1", [](const auto& c) { return c.attach.engine->gateways.size() == 1; }},
    {"-g 192.0.2.1 --gateway=fe80::1 -g 192.0.2.2",
     [](const auto& c) {
       const auto& gateways = c.attach.engine->gateways;
       return gateways.size() == 2 && gateways[0].to_string() == "fe80::1" && gateways[1].to_string() == "192.0.2.2";
     }},
    {"-4", [](const auto& c) { return c.attach.engine->only == Family::v4; }},
    {"--ipv4-only", [](const auto& c) { return c.attach.engine->only == Family::v4; }},
    {"-6", [](const auto& c) { return c.attach.engine->only == Family::v6; }},
    {"--ipv6-only", [](const auto& c) { return c.attach.engine->only == Family::v6; }},
    {"-t 127.0.0.1/8080:80",
     [](const auto& c) {
       const auto& rules = c.attach.forward.published;
       return rules.size() == 1 && rules[0].to_string() == "127.0.0.1:8080/tcp" && rules[0].guest.port == 80;
     }},
    {"--tcp-ports=auto", [](const auto& c) { return c.attach.forward.automatic.excluded.contains(Protocol::tcp); }},
    {"-u auto", [](const auto& c) { return c.attach.forward.automatic.excluded.contains(Protocol::udp); }},
    {"--udp-ports=127.0.0.1/53 -u 127.0.0.1/54",
     [](const auto& c) {
       const auto& rules = c.attach.forward.published;
       return rules.size() == 2 && rules[1].to_string() == "127.0.0.1:54/udp";
     }},
    {"--host-lo-to-ns-lo", [](const auto& c) { return c.attach.forward.guest.to_string() == "127.0.0.1"; }},
    {"--dns-forward=169.254.1.1", [](const auto& c) { return c.attach.engine->dns_v4.has_value(); }},
    {"--dns-forward 169.254.1.1 --dns-forward fd00::3",
     [](const auto& c) { return c.attach.engine->dns_v4 && c.attach.engine->dns_v6; }},
    {"-f", [](const auto& c) { return c.foreground; }},
    {"--foreground", [](const auto& c) { return c.foreground; }},
    {"-P /p", [](const auto& c) { return c.pid_file == "/p"; }},
    {"--pid=/p", [](const auto& c) { return c.pid_file == "/p"; }},
    {"-q", [](const auto&) { return log::level() == log::Level::warning; }},
    {"--quiet", [](const auto&) { return log::level() == log::Level::warning; }},
    {"--quiet --log-level=error", [](const auto&) { return log::level() == log::Level::error; }},
    {"-d", [](const auto&) { return log::level() == log::Level::debug; }},
    {"--debug", [](const auto&) { return log::level() == log::Level::debug; }},
    {"-q -d", [](const auto&) { return log::level() == log::Level::debug; }},
};

TEST_CASE("pasta's place") {
  const auto where = [](const PastaCommand& command) -> const TunnelOptions& { return command.attach.tunnel; };
  check_texts(pasta);
  check_options<PastaCommand>(
      pasta, "--netns=/n", joined({of_pasta, at<PastaCommand>(where, common)}),
      {"--netns-only", "--config-net", "--no-dhcp", "--no-dhcpv6", "--no-ra", "--no-ndp", "-T none", "--tcp-ns=none",
       "-U none", "--udp-ns=none", "--map-guest-addr=none", "--map-host-loopback=none", "--no-map-gw", "-e", "--stderr",
       "--netns=/m", "--mtu=0", "-t none"});
  check_wrong(pasta, "--netns=/n", wrong_common);
}

TEST_CASE("pasta's words") {
  CHECK(pasta.value("--netns=/n").attach.target == "/n");
  CHECK(pasta.value("--netns=/n").attach.target_type == TargetType::path);
  CHECK(pasta.value("12").attach.target == "12");
  CHECK(pasta.value("12").attach.target_type == TargetType::guess);
  CHECK(pasta.value("12").attach.ifname == "wg0");
  CHECK(pasta.value("12").attach.until_given_up);
  CHECK(pasta.value("12").attach.engine->configures_at_once);
  // As getopt(3) has it: the last one counts.
  CHECK(pasta.value("--netns=/m --netns=/n").attach.target == "/n");
  CHECK_FALSE(pasta.value("--netns=/n --mtu=67").attach.tunnel.mtu);
  check_refused(pasta, {{"", "one network namespace is needed"},
                        {"--netns=/n 12", "one network namespace is needed"},
                        {"12 13", "unexpected argument '13'. See wireguard4netns pasta --help"},
                        {"-4 -6 12", "excludes"},
                        {"-T auto 12", "--tcp-ns: auto not in {none}"},
                        {"-U 53 12", "--udp-ns: 53 not in {none}"},
                        {"--mtu=65536 12", "Value 65536 not in range"},
                        {"-a here 12", "--address here is not an IP address"},
                        {"-g here 12", "--gateway here is not an IP address"},
                        {"--dns-forward=here 12", "--dns-forward here is not an IP address"},
                        {"-n 33 12", "--netmask 33 is no mask of an IPv4 network"},
                        {"-n 255.0.255.0 12", "--netmask 255.0.255.0 is no mask"},
                        {"-t 70000 12", "70000"},
                        {"-u none -u 53 12", "none"},
                        {"--outbound-addr=1.2.3.4 12", "unrecognized option '--outbound-addr=1.2.3.4'"}});
}

TEST_CASE("netavark") {
  using Verb = NetavarkCommand::Verb;
  check_texts(netavark);
  check_options<NetavarkCommand>(netavark, "create", {});
  CHECK(netavark.value("info").verb == Verb::info);
  CHECK(netavark.value("create").verb == Verb::create);
  CHECK(netavark.value("setup /n").verb == Verb::setup);
  CHECK(netavark.value("teardown /n").verb == Verb::teardown);
  CHECK(netavark.value("teardown /n").netns == "/n");
  CHECK(netavark.description().first_choices == std::vector<std::string>{"create", "info", "setup", "teardown"});
  CHECK(netavark.description().takes_files);
  check_refused(netavark, {{"", "VERB is required. See wireguard4netns netavark --help"},
                           {"fly", "VERB: fly not in {create,info,setup,teardown}"},
                           {"0", "VERB: 0 not in"},
                           {"setup /n /m", "unexpected argument '/m'"}});
}

TEST_CASE("wireguard-go's place") {
  const auto is_meant = [](std::string_view line) { return is_wireguard_go(Line(line).words()); };
  for (const char* line : {"wg0", "-f wg0", "--foreground wg0", "vpn", "-f 1a"}) CHECK(is_meant(line));
  for (const char* line : {"", "1", "-f", "-f 12", "/run/netns/a", "./a", "--help", "-f -x", "wg0 a.conf", "wg0 -f",
                           "-f wg0 a.conf", "-x wg0"}) {
    CAPTURE(line);
    CHECK_FALSE(is_meant(line));
  }

  CHECK(wireguard_go.value("wg0").ifname == "wg0");
  CHECK_FALSE(wireguard_go.value("wg0").foreground);
  CHECK(wireguard_go.value("-f vpn").ifname == "vpn");
  CHECK(wireguard_go.value("-f vpn").foreground);
  CHECK(wireguard_go.value("--foreground vpn").foreground);
  check_refused(wireguard_go, {{"vpn", "'vpn' is neither a PID"},
                               {"shwo", "Did you mean `show`?"},
                               {"a.conf", "wireguard4netns PID wg0 a.conf"},
                               {"-f a.conf", "wireguard4netns PID wg0 a.conf"}});
}

TEST_CASE("wireguard-go's environment") {
  const Subject<InterfaceCommand> by_name{parse_interface, "", "wireguard-go", two_commands};
  CHECK(by_name.value("vpn").ifname == "vpn");
  {
    const Environment invited("WG_QUICK_USERSPACE_IMPLEMENTATION", "wireguard4netns");
    CHECK(wireguard_go.value("status").ifname == "status");
    check_refused(wireguard_go, {{"a.conf", "wireguard4netns PID wg0 a.conf"}});
  }
  {
    const Environment foreground("WG_PROCESS_FOREGROUND", "1");
    CHECK(wireguard_go.value("vpn").foreground);
  }
  {
    const Environment foreground("WG_PROCESS_FOREGROUND", "0");
    CHECK_FALSE(wireguard_go.value("wg0").foreground);
  }
  for (const auto& [text, level] : {std::pair{"verbose", log::Level::debug}, std::pair{"debug", log::Level::debug},
                                    std::pair{"error", log::Level::error}, std::pair{"silent", log::Level::silent},
                                    std::pair{"loud", log::Level::info}}) {
    const Environment variable("LOG_LEVEL", text);
    log::set_level(log::Level::info);
    static_cast<void>(wireguard_go.value("wg0"));
    CHECK(log::level() == level);
  }
  log::set_level(log::Level::info);
}

}  // namespace
}  // namespace wg4
