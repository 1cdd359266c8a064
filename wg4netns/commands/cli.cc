#include "wg4netns/commands/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/version.h"
#include "shared/net/ip_address.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/commands/cli_help.h"
#include "wg4netns/commands/cli_words.h"
#include "wg4netns/commands/completion.h"
#include "wg4netns/engines/oci_state.h"
#include "wg4netns/engines/pasta_options.h"
#include "wg4netns/engines/slirp4netns_options.h"
#include "wg4netns/forward/publish_spec.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

const std::map<std::string, log::Level> levels = {{"silent", log::Level::silent},
                                                  {"error", log::Level::error},
                                                  {"warning", log::Level::warning},
                                                  {"info", log::Level::info},
                                                  {"debug", log::Level::debug}};

const std::map<std::string, SandboxMode> sandbox_modes = {
    {"auto", SandboxMode::automatic}, {"on", SandboxMode::on}, {"off", SandboxMode::off}};

void switch_off(Offloads& offloads, const std::string& name) {
  const bool all = name == "all";
  if (all || name == "vnet-hdr") offloads.vnet_header = false;
  if (all || name == "checksum") offloads.checksum = false;
  if (all || name == "tso") offloads.tso = false;
  if (all || name == "uso") offloads.uso = false;
  if (all || name == "udp-segment") offloads.udp_segment = false;
  if (all || name == "udp-gro") offloads.udp_gro = false;
}

/// A command's words; or the wish to know what it would take.
struct Arguments {
  std::span<const char* const> words;
  CommandDescription* description = nullptr;  ///< to be filled in, instead of parsing
};

/// One command's parser, with what all of them share.
class Parser {
 public:
  explicit Parser(const std::string& about, const std::string& name = "wireguard4netns") : app_(about, name) {
    app_.set_help_flag("-h,--help", "Print this and exit");
    app_.set_version_flag("-v,--version", std::string(version), "Print the version and exit");
    lay_out_help(app_);
  }

  CLI::App& app() { return app_; }

  void add_tunnel_options(TunnelOptions& options) {
    add_common_tunnel_options(options);
    add_place_options(options);
  }

  /// Those that have a name of their own in every personality.
  void add_common_tunnel_options(TunnelOptions& options) {
    app_.set_help_all_flag("--help-all", "Print what each option is for, and exit")->group("Options");
    offer(app_.add_option("--log-level", level_, "silent, error, warning, info or debug")
              ->type_name("LEVEL")
              ->group("Options"),
          levels);
    add_configuration_options(options);
    add_transport_options(options);
    add_confining_options(options.sandbox);
    add_observing_options(options.observe);
  }

  void add_place_options(TunnelOptions& options) {
    begin_group("Transport");
    app_.add_option("--outbound-addr", options.outbound_v4, "IPv4 address or interface that UDP is bound to")
        ->type_name("WHERE");
    app_.add_option("--outbound-addr6", options.outbound_v6, "IPv6 address or interface that UDP is bound to")
        ->type_name("WHERE");
    begin_group("Namespace");
    app_.add_option("-m,--mtu", options.mtu, "MTU of the interface in bytes; default from the configuration or route")
        ->type_name("BYTES")
        ->check(CLI::Range(68, 65521).description(""));
    app_.add_option("-e,--exit-fd", options.exit_fd, "End when this descriptor hangs up")
        ->type_name("FD")
        ->check(CLI::Range(0, INT_MAX).description(""));
    app_.add_option("-r,--ready-fd", options.ready_fd, "Write 1 to this descriptor once the interface works")
        ->type_name("FD")
        ->check(CLI::Range(0, INT_MAX).description(""));
  }

  CLI::Option* add_sandbox_option(SandboxMode& mode) {
    CLI::Option* option =
        app_.add_option("--sandbox", mode, "auto (the default: what this host permits), on (all or an error) or off")
            ->type_name("MODE");
    offer(option, sandbox_modes);
    return option;
  }

  /// An option takes one of these names, which are told to who completes a command line.
  template <class Value>
  void offer(CLI::Option* option, const std::map<std::string, Value>& values) {
    for (const auto& entry : values) choices_[option].push_back(entry.first);
    // The second runs first. A CheckedTransformer would take numbers, too, and say them where a name is wrong.
    option->transform(CLI::Transformer(values).description(""))->transform(CLI::IsMember(values).description(""));
  }
  void offer(CLI::Option* option, const std::vector<std::string>& names) {
    choices_[option] = names;
    option->check(CLI::IsMember(names).description(""));
  }

  /// Fills the variables that the options are bound to. Something to print instead, if --help or --version asks for it,
  /// or if there is nothing to parse.
  Result<std::optional<PrintCommand>> parse(const Arguments& arguments) {
    if (arguments.description != nullptr) {
      describe(*arguments.description);
      return PrintCommand{};
    }
    std::vector<std::string> reversed(arguments.words.rbegin(), arguments.words.rend());
    try {
      app_.parse(reversed);
    } catch (const CLI::CallForHelp&) {
      return PrintCommand{app_.help()};
    } catch (const CLI::CallForAllHelp&) {
      return PrintCommand{app_.help("", CLI::AppFormatMode::All)};
    } catch (const CLI::CallForVersion&) {
      return PrintCommand{"wireguard4netns version " + std::string(version) + "\n"};
    } catch (const CLI::ExtrasError&) {
      const std::string first = app_.remaining().front();
      // Podman does without an option that is refused in these words of getopt(3).
      return fail((first.front() == '-' ? "unrecognized option '" : "unexpected argument '") + first + "'", 0,
                  "See " + app_.get_name() + " --help");
    } catch (const CLI::ParseError& error) {
      return fail(error.what(), 0, "See " + app_.get_name() + " --help");
    }
    log::set_level(level_);
    return std::nullopt;
  }

 private:
  void add_configuration_options(TunnelOptions& options);
  void add_transport_options(TunnelOptions& options);
  void add_confining_options(SandboxOptions& options);
  void add_observing_options(ObserveOptions& options);
  void begin_group(const std::string& heading) { app_.option_defaults()->group(heading); }
  void describe(CommandDescription& command) const;
  [[nodiscard]] std::vector<std::string> choices_of(const CLI::Option* option) const {
    const auto found = choices_.find(option);
    return found == choices_.end() ? std::vector<std::string>{} : found->second;
  }

  CLI::App app_;
  log::Level level_ = log::Level::info;
  std::map<const CLI::Option*, std::vector<std::string>> choices_;
};

void Parser::add_configuration_options(TunnelOptions& options) {
  begin_group("Configuration");
  app_.add_option("--config", options.config, "wg-quick file (or WIREGUARD4NETNS_CONFIG)")->type_name("FILE");
  app_.add_option("--profile", options.profile, "The file profiles/NAME.conf (or WIREGUARD4NETNS_PROFILE)")
      ->type_name("NAME")
      ->excludes("--config");
  app_.add_flag("--allow-shared-key", options.allow_shared_key, "Start even if a tunnel that runs has the same key")
      ->envname("WIREGUARD4NETNS_ALLOW_SHARED_KEY");
  app_.add_option("--control", options.control, "Name that 'wg' and 'show' know it by; default IFNAME; off = none")
      ->type_name("NAME")
      ->envname("WIREGUARD4NETNS_CONTROL")
      ->check(CLI::Validator(
          [](const std::string& name) { return uapi::is_socket_name(name) ? "" : "no name for an interface: " + name; },
          ""));
}

void Parser::add_transport_options(TunnelOptions& options) {
  begin_group("Transport");
  offer(app_.add_option_function<std::vector<std::string>>(
                "--no-offload",
                [&options](const std::vector<std::string>& names) {
                  for (const std::string& name : names) switch_off(options.offloads, name);
                },
                "Do without, comma separated: vnet-hdr checksum tso uso udp-segment udp-gro; or all")
            ->type_name("LIST")
            ->delimiter(','),
        {"vnet-hdr", "checksum", "tso", "uso", "udp-segment", "udp-gro", "all"});
  app_.add_option_function<std::string>(
          "--threads",
          [&options](const std::string& text) {
            if (text != "auto") options.threads = static_cast<unsigned>(std::stoul(text));
          },
          "Threads that move packets, 1 to 8, or auto (the default): as many as pay on this machine")
      ->type_name("N")
      ->check((CLI::Range(1, 8) | CLI::IsMember({"auto"})).description(""));
  app_.add_option("--cipher", options.cipher, "Implementation of the cipher; default the fastest that runs here")
      ->type_name("NAME");
}

void Parser::add_confining_options(SandboxOptions& options) {
  begin_group("Sandbox");
  add_sandbox_option(options.mode)->envname("WIREGUARD4NETNS_SANDBOX");
  app_.add_flag("--enable-sandbox", options.root_required,
                "Do not start without an empty root directory; --sandbox=off wins");
  app_.add_flag("--create-sandbox", options.root_required, "The same, by its old name");
  app_.add_flag("--enable-seccomp", options.seccomp_required,
                "Do not start without a system call filter; --sandbox=off wins");
}

void Parser::add_observing_options(ObserveOptions& options) {
  begin_group("Observing, see wireguard4netns-observe(1)");
  app_.add_option("--metrics", options.metrics, "Serve metrics for Prometheus at this address, or unix:PATH")
      ->type_name("ADDR:PORT");
  CLI::Option* pcap =
      app_.add_option("--pcap", options.pcap, "Capture the packets inside and outside, as pcapng; - is stdout")
          ->type_name("FILE");
  app_.add_flag("--pcap-keys", options.pcap_keys, "With the keys that decrypt them: the file is a secret then")
      ->needs(pcap);
}

void Parser::describe(CommandDescription& command) const {
  bool first = true;
  for (const CLI::Option* option : app_.get_options()) {
    if (option->get_positional()) {
      const std::string name = option->get_name();
      command.takes_files |=
          name == "FILE" || name == "CONF" || name == "PID|PATH" || name == "PROFILE|FILE" || name == "NETNS";
      if (std::exchange(first, false)) command.first_choices = choices_of(option);
      continue;
    }
    OptionDescription description{.names = {}, .value = {}, .choices = choices_of(option), .about = {}};
    for (const std::string& name : option->get_snames()) description.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) description.names.push_back("--" + name);
    if (option->get_items_expected_max() > 0) description.value = option->get_type_name();
    description.about = option->get_description();
    command.options.push_back(std::move(description));
  }
}

/// The options that publish ports; `specs` is parsed once the command line is.
void add_forward_options(CLI::App& app, forward::Settings& settings, std::vector<std::string>& specs) {
  app.option_defaults()->group("Ports");
  app.add_option("-a,--api-socket", settings.api_socket, "Publish ports on request at this UNIX socket")
      ->type_name("PATH");
  app.add_option("-p,--publish", specs, "Publish a port of the namespace: [ADDRESS:]PORT:[ADDRESS:]PORT[/udp]")
      ->type_name("SPEC")
      ->allow_extra_args(false);
}

Result<std::vector<forward::Rule>> parse_published(const std::vector<std::string>& specs) {
  std::vector<forward::Rule> all;
  for (const std::string& spec : specs) {
    const auto rules = TRY(forward::parse_publish(spec, forward::published_loopback()));
    all.insert(all.end(), rules.begin(), rules.end());
  }
  return all;
}

void add_helper_option(CLI::App& app, std::optional<std::string>& helper) {
  app.add_option("--helper", helper, "The wg4netns-helper to use (or WIREGUARD4NETNS_HELPER)")->type_name("FILE");
}

std::string introduction();
std::vector<std::string_view> command_names();

Result<Command> parse_attach(const std::string& program, const Arguments& arguments) {
  AttachCommand command;
  Parser parser(introduction());
  CLI::App& app = parser.app();
  std::optional<std::string> ifname;
  std::optional<std::string> conf;
  bool configure = false;
  bool no_configure = false;
  std::vector<std::string> published;
  app.add_option("PID|PATH", command.target, "Process, or path of a network namespace")->type_name("")->required();
  app.add_option("IFNAME", ifname, "Name of the interface in the namespace; default wg0")->type_name("");
  app.add_option("CONF", conf, "wg-quick file, as --config")->type_name("");
  app.option_defaults()->group("Namespace");
  parser.offer(
      app.add_option("--netns-type", command.target_type, "pid or path; default: a number is a PID")->type_name("TYPE"),
      std::map<std::string, TargetType>{{"pid", TargetType::pid}, {"path", TargetType::path}});
  app.add_option("--userns-path", command.userns_path, "User namespace to work in; default: the namespace's owner")
      ->type_name("PATH");
  app.add_flag("-c,--configure", configure, "Set addresses, routes and MTU even if the interface exists already");
  app.add_flag("--no-configure", no_configure, "Make the interface and leave it down and bare")
      ->excludes("--configure");
  add_helper_option(app, command.helper);
  parser.add_tunnel_options(command.tunnel);
  add_forward_options(app, command.forward, published);
  EngineArguments engine;
  add_engine_options(app, engine);

  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  TRY(check_attach_words({.target = command.target,
                          .target_is_guessed = command.target_type == TargetType::guess,
                          .ifname = ifname,
                          .conf = conf,
                          .config_is_named = command.tunnel.config || command.tunnel.profile},
                         command_names()));
  if (ifname) command.ifname = *ifname;
  command.engine = TRY(engine_options(engine, program, command.ifname));
  if (configure) command.configuration = Configuration::yes;
  if (no_configure) command.configuration = Configuration::no;
  if (conf) command.tunnel.config = conf;
  command.forward.published = TRY(parse_published(published));
  command.forward.guest = (command.engine ? *command.engine : slirp_network(default_engine_network())).guest->address;
  return command;
}

Result<Command> parse_pasta(const Arguments& arguments) {
  PastaArguments pasta;
  TunnelOptions tunnel;
  Parser parser("Takes the place of pasta(1) in Podman and RootlessKit.", "wireguard4netns pasta");
  parser.add_common_tunnel_options(tunnel);
  add_pasta_options(parser.app(), pasta);
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  if (pasta.quiet) log::set_level(std::min(log::level(), log::Level::warning));
  if (pasta.debug) log::set_level(log::Level::debug);
  return TRY(pasta_command(pasta, std::move(tunnel)));
}

Result<Command> parse_netavark(const Arguments& arguments) {
  using Verb = NetavarkCommand::Verb;
  NetavarkCommand command;
  Parser parser("A network plugin for Podman: netavark starts it.", "wireguard4netns netavark");
  CLI::App& app = parser.app();
  parser.offer(
      app.add_option("VERB", command.verb, "info, create, setup or teardown")->type_name("")->required(),
      std::map<std::string, Verb>{
          {"info", Verb::info}, {"create", Verb::create}, {"setup", Verb::setup}, {"teardown", Verb::teardown}});
  app.add_option("NETNS", command.netns, "Path of the container's network namespace")->type_name("");
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_broker(const Arguments& arguments) {
  BrokerCommand command;
  std::optional<unsigned> idle;
  Parser parser("Runs the tunnels of containers for the netavark plugin, which cannot reach the host's network.",
                "wireguard4netns broker");
  parser.app()
      .add_option("--idle", idle, "End after so long without a container; default: stay")
      ->type_name("SECONDS")
      ->check(CLI::Range(0, 86400).description(""));
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  if (idle) command.idle = std::chrono::seconds(*idle);
  return command;
}

/// The name of the program without its folder: engines choose a personality by it.
std::string_view name_of_program(std::span<const char* const> all) {
  const std::string_view program = all.empty() ? "" : all[0];
  return program.substr(program.rfind('/') + 1);
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

/// wireguard-go's whole command line: [-f|--foreground] IFNAME. A namespace's path has a slash, and a PID is a number.
/// wg-quick(8) sets a variable for who it starts, and gives it any name.
Result<std::optional<InterfaceCommand>> interface_command(std::span<const char* const> all, CommandNames commands) {
  const auto arguments = all.subspan(std::min<std::size_t>(1, all.size()));
  InterfaceCommand command;
  const std::string_view first = arguments.empty() ? "" : arguments[0];
  command.foreground = first == "-f" || first == "--foreground";
  if (arguments.size() != (command.foreground ? 2U : 1U)) return std::nullopt;
  command.ifname = arguments.back();
  const bool is_number = command.ifname.find_first_not_of("0123456789") == std::string::npos;
  if (is_number || command.ifname.front() == '-' || command.ifname.find('/') != std::string::npos) return std::nullopt;
  const char* foreground = std::getenv("WG_PROCESS_FOREGROUND");
  if (foreground != nullptr && std::string_view(foreground) == "1") command.foreground = true;
  const bool invited =
      command.foreground || is_set("WG_QUICK_USERSPACE_IMPLEMENTATION") || name_of_program(all) == "wireguard-go";
  TRY(check_word_alone(command.ifname, invited, commands));
  if (const char* level = std::getenv("LOG_LEVEL"); level != nullptr) {
    const auto known = levels.find(std::string_view(level) == "verbose" ? "debug" : level);
    if (known != levels.end()) log::set_level(known->second);
  }
  return command;
}

Result<Command> parse_serve(const Arguments& arguments) {
  ServeCommand command;
  Parser parser("Moves packets between a TUN that somebody else made and WireGuard peers.", "wireguard4netns serve");
  parser.app()
      .add_option("--tun-fd", command.tun_fd, "Descriptor attached to a TUN made with IFF_TUN | IFF_NO_PI")
      ->type_name("FD")
      ->required()
      ->check(CLI::Range(0, INT_MAX).description(""));
  parser.add_tunnel_options(command.tunnel);
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_check(const Arguments& arguments) {
  CheckCommand command;
  Parser parser("Reads a wg-quick file and says what it would do.", "wireguard4netns check");
  parser.app().add_option("FILE", command.file, "The configuration")->type_name("")->required();
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_doctor(const Arguments& arguments) {
  DoctorCommand command;
  Parser parser("Checks this host; with a configuration also its peers, by a handshake.", "wireguard4netns doctor");
  parser.app().add_option("PROFILE|FILE", command.config, "The configuration; default: the host alone")->type_name("");
  parser.app().add_flag("--json", command.json, "Print one JSON object, for programs");
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_show(const Arguments& arguments) {
  ShowCommand command;
  Parser parser("Says how tunnels are: for people, or a field of each, as wg(8) prints it.", "wireguard4netns show");
  CLI::App& app = parser.app();
  std::optional<double> seconds;
  app.add_option("NAME", command.tunnel, "The tunnel; all (the default), or interfaces for the names alone")
      ->type_name("");
  app.add_option("FIELD", command.field,
                 "public-key, private-key, listen-port, fwmark, peers, preshared-keys, endpoints, allowed-ips, "
                 "latest-handshakes, transfer, persistent-keepalive, dump, details or drops")
      ->type_name("");
  app.add_flag("--json", command.json, "As JSON, with the keys of wg-json");
  app.add_option("--watch", seconds, "Again every so many seconds; default 1")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0.1, 86400.0).description(""));
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  if (seconds) command.watch = std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
  return command;
}

Result<Command> parse_reload(const Arguments& arguments) {
  ReloadCommand command;
  Parser parser("Has a tunnel take over what has changed in its configuration; other sessions go on.",
                "wireguard4netns reload");
  CLI::App& app = parser.app();
  app.add_option("NAME", command.tunnel, "The tunnel; default the only one")->type_name("");
  app.add_option("--config", command.config, "wg-quick file; default the one that it was started with")
      ->type_name("FILE");
  app.add_option("--profile", command.profile, "The file profiles/NAME.conf")->type_name("NAME")->excludes("--config");
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_capture(const Arguments& arguments) {
  CaptureCommand command;
  Parser parser("Captures a tunnel that runs, inside and outside, as pcapng, until Ctrl-C.", "wireguard4netns capture");
  parser.app().add_option("NAME", command.tunnel, "The tunnel")->type_name("")->required();
  parser.app().add_option("FILE", command.file, "Where to; - is stdout")->type_name("")->required();
  parser.app().add_flag("--keys", command.keys, "With the keys that decrypt it: the file is a secret then");
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

void allow(OciHookCommand& command, const std::vector<std::string>& annotations) {
  for (const std::string& name : annotations) {
    if (name == "all")
      command.allowed_annotations.insert(oci::optional_annotations.begin(), oci::optional_annotations.end());
    else
      command.allowed_annotations.insert(name);
  }
}

Result<Command> parse_oci_hook(const Arguments& arguments) {
  OciHookCommand command;
  Parser parser("Gives a container the tunnel that its annotations name; a container runtime runs it, as a hook.",
                "wireguard4netns oci-hook");
  parser.offer(parser.app().add_option("STAGE", "createRuntime")->type_name("")->required(), {"createRuntime"});
  parser.offer(
      parser.app()
          .add_option_function<std::vector<std::string>>(
              "--allow-annotations", [&command](const std::vector<std::string>& names) { allow(command, names); },
              "Beside profile, comma separated: config ifname publish allow-shared-key; or all")
          ->type_name("LIST")
          ->delimiter(','),
      {"config", "ifname", "publish", "allow-shared-key", "all"});
  add_helper_option(parser.app(), command.attach.helper);
  parser.add_tunnel_options(command.attach.tunnel);
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_resolver(const Arguments& arguments) {
  ResolverCommand command;
  Parser parser("Looks up names for the program that started it.", "wireguard4netns resolver");
  parser.add_sandbox_option(command.sandbox);
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_key(KeyCommand command, const std::string& name, const std::string& about,
                          const Arguments& arguments) {
  Parser parser(about, "wireguard4netns " + name);
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return command;
}

Result<Command> parse_genkey(const Arguments& arguments) {
  return parse_key(KeyCommand::genkey, "genkey", "Prints a new private key.", arguments);
}
Result<Command> parse_pubkey(const Arguments& arguments) {
  return parse_key(KeyCommand::pubkey, "pubkey", "Reads a private key, prints its public key.", arguments);
}
Result<Command> parse_genpsk(const Arguments& arguments) {
  return parse_key(KeyCommand::genpsk, "genpsk", "Prints a new preshared key.", arguments);
}

/// All that follows is wg's own.
Result<Command> parse_wg(const Arguments& arguments) {
  return WgCommand{{arguments.words.begin(), arguments.words.end()}};
}

Result<Command> parse_completion(const Arguments& arguments);

struct CommandEntry {
  const char* name;
  const char* about;
  Result<Command> (*parse)(const Arguments&);
};

constexpr auto commands = std::to_array<CommandEntry>({
    {"show", "say how tunnels are, as wg(8) does, and more", parse_show},
    {"reload", "have a tunnel follow its configuration again", parse_reload},
    {"capture", "write a tunnel's packets to a file, from now on", parse_capture},
    {"wg", "run stock wg(8) where it finds this user's tunnels", parse_wg},
    {"check", "say what a configuration would do", parse_check},
    {"doctor", "say what is wrong: with this host, a configuration, its peers", parse_doctor},
    {"genkey", "make a private key, as wg(8) does", parse_genkey},
    {"pubkey", "make the public key of one", parse_pubkey},
    {"genpsk", "make a preshared key", parse_genpsk},
    {"oci-hook", "give a tunnel to a container that is being made", parse_oci_hook},
    {"pasta", "take the place of pasta(1) in Podman and RootlessKit", parse_pasta},
    {"netavark", "be a network plugin of Podman's", parse_netavark},
    {"broker", "run the tunnels for that", parse_broker},
    {"serve", "move packets for a TUN that somebody else made", parse_serve},
    {"completion", "print what completes command lines in a shell", parse_completion},
});

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  names.reserve(commands.size());
  for (const CommandEntry& command : commands) names.emplace_back(command.name);
  return names;
}

std::string introduction() {
  std::string text =
      "Rootless WireGuard for Linux network namespaces.\n\n"
      "Gives the network namespace of process PID, or the one at PATH, a WireGuard interface IFNAME (wg0).\n"
      "CONF is a wg-quick file; default ~/.config/wireguard4netns/default.conf.\n"
      "-f IFNAME, or a name like wg0 alone, makes it here, for wg(8) to configure, as wireguard-go does.\n\n"
      "Commands with a --help of their own:\n";
  for (const CommandEntry& command : commands) text += fmt::format("  {:<10} {}\n", command.name, command.about);
  return text;
}

/// What every command would take.
Result<std::vector<CommandDescription>> describe_commands() {
  std::vector<CommandDescription> all(1);
  static_cast<void>(TRY(parse_attach("", {.words = {}, .description = &all.front()})));
  for (const CommandEntry& command : commands) {
    CommandDescription description{
        .name = command.name, .about = command.about, .options = {}, .takes_files = false, .first_choices = {}};
    static_cast<void>(TRY(command.parse({.words = {}, .description = &description})));
    all.push_back(std::move(description));
  }
  return all;
}

Result<Command> parse_completion(const Arguments& arguments) {
  Shell shell = Shell::bash;
  Parser parser("Prints a script that completes command lines of this program.", "wireguard4netns completion");
  parser.offer(parser.app().add_option("SHELL", shell, "bash, fish or zsh")->type_name("")->required(),
               std::map<std::string, Shell>{{"bash", Shell::bash}, {"fish", Shell::fish}, {"zsh", Shell::zsh}});
  if (auto print = TRY(parser.parse(arguments))) return *std::move(print);
  return PrintCommand{completion_script(shell, TRY(describe_commands()))};
}

}  // namespace

Result<Command> parse_command_line(int argc, const char* const* argv) {
  const auto all = std::span(argv, static_cast<std::size_t>(argc));
  const auto arguments = all.subspan(std::min<std::size_t>(1, all.size()));
  const std::string_view first = arguments.empty() ? "" : arguments[0];
  // CLI11 would skip it, and take a default where the user's variable was unset.
  if (first != "wg" && std::ranges::any_of(arguments, [](const char* argument) { return *argument == '\0'; }))
    return fail("an argument is empty where a name, a path or a value belongs", 0, "See wireguard4netns --help");
  if (name_of_program(all) == "pasta") return parse_pasta({arguments});
  if (name_of_program(all) == "wireguard") return parse_netavark({arguments});
  const auto command = std::ranges::find(commands, first, &CommandEntry::name);
  if (command != commands.end()) return command->parse({arguments.subspan(1)});
  if (first == "resolver") return parse_resolver({arguments.subspan(1)});
  if (auto interface = TRY(interface_command(all, command_names()))) return *std::move(interface);
  if (!first.empty() && first.front() != '-') TRY(check_first_word(std::string(first), command_names()));
  return parse_attach(all.empty() ? "" : all[0], {arguments});
}

}  // namespace wg4
