// What people type, as values: each option of each command, and what is refused.

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "shared/sys/sandbox_mode.h"
#include "tests/unit/commands_support.h"
#include "wg4netns/commands/capture_command.h"
#include "wg4netns/commands/check.h"
#include "wg4netns/commands/completion.h"
#include "wg4netns/commands/completion_command.h"
#include "wg4netns/commands/key_commands.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/reload.h"
#include "wg4netns/commands/resolver_command.h"
#include "wg4netns/commands/seccomp.h"
#include "wg4netns/commands/show.h"
#include "wg4netns/commands/wg_command.h"
#include "wg4netns/doctor/doctor.h"
#include "wg4netns/engines/broker_command.h"
#include "wg4netns/supervise/broker.h"
#include "wg4netns/verify/verify.h"

namespace wg4 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("verify") {
  const Subject<VerifyCommand> verify{parse_verify, "verify"};
  check_texts(verify);
  check_options<VerifyCommand>(verify, "",
                               {{"work", [](const auto& c) { return c.name == "work"; }},
                                {"--json", [](const auto& c) { return c.json; }},
                                {"--watch", [](const auto& c) { return c.watch == seconds(5); }},
                                {"--watch=2.5", [](const auto& c) { return c.watch == milliseconds(2500); }}});
  CHECK(verify.value("").name.empty());
  check_refused(verify, {{"--watch=0", "--watch: Value 0 not in range"}, {"work other", "other"}});
}

TEST_CASE("show") {
  const Subject<ShowCommand> show{parse_show, "show"};
  check_texts(show);
  check_options<ShowCommand>(show, "",
                             {{"wg0", [](const auto& c) { return c.tunnel == "wg0"; }},
                              {"wg0 dump", [](const auto& c) { return c.field == "dump"; }},
                              {"--json", [](const auto& c) { return c.json; }},
                              {"--watch", [](const auto& c) { return c.watch == seconds(1); }},
                              {"--watch=2.5", [](const auto& c) { return c.watch == milliseconds(2500); }},
                              {"--watch 0.1", [](const auto& c) { return c.watch == milliseconds(100); }}});
  CHECK(show.value("").tunnel == "all");
  CHECK(show.value("interfaces").tunnel == "interfaces");
  check_refused(show, {{"--watch=0", "--watch: Value 0 not in range"},
                       {"--watch=86401", "not in range"},
                       {"--watch=x", "Value x not in range"},
                       {"--watch 1 --watch 2", "--watch"},
                       {"wg0 dump more", "unexpected argument 'more'"},
                       {"--xml", "unrecognized option '--xml'. See wireguard4netns show --help"}});
}

TEST_CASE("reload") {
  const Subject<ReloadCommand> reload{parse_reload, "reload"};
  check_texts(reload);
  check_options<ReloadCommand>(reload, "",
                               {{"wg0", [](const auto& c) { return c.tunnel == "wg0"; }},
                                {"--config a.conf", [](const auto& c) { return c.config == "a.conf"; }},
                                {"--profile=work", [](const auto& c) { return c.profile == "work"; }}});
  check_refused(reload, {{"--config a --profile b", "--config excludes --profile"},
                         {"--profile b --config a", "excludes"},
                         {"--config", "--config"},
                         {"wg0 wg1", "unexpected argument 'wg1'"}});
}

TEST_CASE("capture") {
  const Subject<CaptureCommand> capture{parse_capture, "capture"};
  check_texts(capture);
  check_options<CaptureCommand>(capture, "wg0 a.pcapng", {{"--keys", [](const auto& c) { return c.keys; }}});
  CHECK(capture.value("wg0 -").tunnel == "wg0");
  CHECK(capture.value("wg0 -").file == "-");
  CHECK(capture.description().takes_files);
  check_refused(capture, {{"", "NAME is required. See wireguard4netns capture --help"},
                          {"wg0", "FILE is required"},
                          {"wg0 a b", "unexpected argument 'b'"}});
}

TEST_CASE("check") {
  const Subject<CheckCommand> check{parse_check, "check"};
  check_texts(check);
  check_options<CheckCommand>(check, "a.conf", {});
  CHECK(check.value("a.conf").file == "a.conf");
  CHECK(check.value("-- --odd").file == "--odd");
  CHECK(check.description().takes_files);
  check_refused(check, {{"", "FILE is required. See wireguard4netns check --help"},
                        {"a b", "unexpected argument 'b'"},
                        {"a --odd", "unrecognized option '--odd'"}});
}

TEST_CASE("seccomp print") {
  const Subject<SeccompPrintCommand> print{parse_seccomp_print, "seccomp print"};
  check_texts(print);
  check_options<SeccompPrintCommand>(print, "",
                                     {{"--multiarch", [](const auto& c) { return c.flags.multiarch; }},
                                      {"--can", [](const auto& c) { return c.flags.can; }},
                                      {"--bluetooth", [](const auto& c) { return c.flags.bluetooth; }}});
  CHECK(print.value("").words.empty());
  CHECK(print.value("ext deny-tty").words == std::vector<std::string>{"ext", "deny-tty"});
  CHECK(print.description().takes_files);
  const auto error = [](const std::vector<std::string>& words) {
    const auto done = run_seccomp_print({.words = words, .flags = {}});
    return done ? "" : done.error().message();
  };
  CHECK(error({"strickt"}) == "there is no filter preset \"strickt\". Did you mean strict?");
  CHECK(error({"ext", "off"}).starts_with("there is no filter preset \"off\""));
  CHECK(error({"/nonexistent/a.json"}) == "open the filter /nonexistent/a.json: No such file or directory");
}

TEST_CASE("profile import") {
  const Subject<ProfileImportCommand> import{parse_profile_import, "profile import"};
  check_texts(import);
  check_options<ProfileImportCommand>(import, "--qr a.png",
                                      {{"--name work", [](const auto& c) { return c.name == "work"; }},
                                       {"--replace", [](const auto& c) { return c.replace; }}});
  CHECK(import.value("--qr a.png").qr == "a.png");
  CHECK_FALSE(import.value("--qr a.png").file);
  CHECK(import.value("a.conf").file == "a.conf");
  CHECK(import.value("-").file == "-");
  CHECK(import.description().takes_files);
  CHECK_FALSE(import.description().takes_profiles);
  check_refused(import, {{"", "FILE is required. See wireguard4netns profile import --help"},
                         {"a --qr b", "FILE excludes --qr"},
                         {"a b", "unexpected argument 'b'"}});
}

TEST_CASE("profile list, show, edit") {
  const Subject<ProfileListCommand> list{parse_profile_list, "profile list"};
  check_texts(list);
  check_options<ProfileListCommand>(list, "", {{"--json", [](const auto& c) { return c.json; }}});
  check_refused(list, {{"a", "unexpected argument 'a'"}});

  const Subject<ProfileShowCommand> show{parse_profile_show, "profile show"};
  const Subject<ProfileEditCommand> edit{parse_profile_edit, "profile edit"};
  check_texts(show);
  check_texts(edit);
  check_options<ProfileShowCommand>(show, "work", {});
  check_options<ProfileEditCommand>(edit, "work", {});
  CHECK(show.value("work").name == "work");
  CHECK(edit.value("work").name == "work");
  CHECK(show.description().takes_profiles);
  CHECK(edit.description().takes_profiles);
  CHECK_FALSE(edit.description().takes_files);
  check_refused(show, {{"", "NAME is required"}, {"a b", "unexpected argument 'b'"}});
  check_refused(edit, {{"", "NAME is required"}, {"a b", "unexpected argument 'b'"}});
}

TEST_CASE("profile delete, export, rename") {
  const Subject<ProfileDeleteCommand> remove{parse_profile_delete, "profile delete"};
  check_texts(remove);
  check_options<ProfileDeleteCommand>(remove, "work", {{"--force", [](const auto& c) { return c.force; }}});
  check_refused(remove, {{"", "NAME is required"}, {"a b", "unexpected argument 'b'"}});

  const Subject<ProfileExportCommand> out{parse_profile_export, "profile export"};
  check_texts(out);
  check_options<ProfileExportCommand>(out, "work",
                                      {{"--replace", [](const auto& c) { return c.replace; }},
                                       {"--qr", [](const auto& c) { return c.qr; }},
                                       {"--qr --force", [](const auto& c) { return c.force; }}});
  CHECK(out.value("work").file == "-");
  CHECK(out.value("work a.conf").file == "a.conf");
  CHECK(out.description().takes_profiles);
  CHECK(out.description().takes_files);
  check_refused(out, {{"", "NAME is required"},
                      {"a b --qr", "excludes"},
                      {"a --qr --replace", "excludes"},
                      {"a --force", "--force requires --qr"}});

  const Subject<ProfileRenameCommand> rename{parse_profile_rename, "profile rename"};
  check_texts(rename);
  check_options<ProfileRenameCommand>(rename, "a b", {{"--force", [](const auto& c) { return c.force; }}});
  CHECK(rename.value("a b").to == "b");
  check_refused(rename, {{"a", "NEW is required"}, {"a b c", "unexpected argument 'c'"}});
}

TEST_CASE("doctor") {
  const Subject<DoctorCommand> doctor{parse_doctor, "doctor"};
  check_texts(doctor);
  check_options<DoctorCommand>(
      doctor, "",
      {{"--json", [](const auto& c) { return c.json; }}, {"work", [](const auto& c) { return c.config == "work"; }}});
  CHECK(doctor.description().takes_files);
  check_refused(doctor, {{"a b", "unexpected argument 'b'. See wireguard4netns doctor --help"}});
}

TEST_CASE("keys") {
  const Subject<KeyCommand> genkey{parse_genkey, "genkey"};
  const Subject<KeyCommand> pubkey{parse_pubkey, "pubkey"};
  const Subject<KeyCommand> genpsk{parse_genpsk, "genpsk"};
  CHECK(genkey.value("") == KeyCommand::genkey);
  CHECK(pubkey.value("") == KeyCommand::pubkey);
  CHECK(genpsk.value("") == KeyCommand::genpsk);
  for (const auto& each : {genkey, pubkey, genpsk}) {
    check_texts(each);
    check_options<KeyCommand>(each, "", {});
    check_refused(each, {{"more", "unexpected argument 'more'"}, {"--more", "unrecognized option '--more'"}});
  }
}

TEST_CASE("wg takes everything as it is") {
  const Subject<WgCommand> wg{parse_wg, "wg"};
  CHECK(wg.value("").arguments.empty());
  CHECK(wg.value("set wg0 --help -x").arguments == std::vector<std::string>{"set", "wg0", "--help", "-x"});
  CHECK(wg.description().options.empty());
}

TEST_CASE("completion") {
  const Subject<CompletionCommand> completion{parse_completion, "completion"};
  check_texts(completion);
  check_options<CompletionCommand>(completion, "bash", {});
  CHECK(completion.value("bash").shell == Shell::bash);
  CHECK(completion.value("fish").shell == Shell::fish);
  CHECK(completion.value("zsh").shell == Shell::zsh);
  CHECK(completion.description().first_choices == std::vector<std::string>{"bash", "fish", "zsh"});
  check_refused(completion, {{"", "SHELL is required"},
                             {"tcsh", "SHELL: tcsh not in {bash,fish,zsh}. See wireguard4netns completion --help"},
                             {"1", "SHELL: 1 not in {bash,fish,zsh}"},
                             {"bash zsh", "unexpected argument 'zsh'"}});
}

TEST_CASE("resolver") {
  const Subject<ResolverCommand> resolver{parse_resolver, "resolver"};
  check_texts(resolver);
  check_options<ResolverCommand>(resolver, "",
                                 {{"--sandbox=on", [](const auto& c) { return c.sandbox == SandboxMode::on; }},
                                  {"--sandbox off", [](const auto& c) { return c.sandbox == SandboxMode::off; }}});
  CHECK(resolver.value("--sandbox=auto").sandbox == SandboxMode::automatic);
  check_refused(resolver, {{"--sandbox=maybe", "--sandbox: maybe not in {auto,off,on}"}, {"x", "unexpected argument"}});
}

TEST_CASE("broker") {
  const Subject<BrokerCommand> broker{parse_broker, "broker"};
  check_texts(broker);
  check_options<BrokerCommand>(broker, "",
                               {{"--idle=30", [](const auto& c) { return c.idle == seconds(30); }},
                                {"--idle 0", [](const auto& c) { return c.idle == seconds(0); }}});
  check_refused(broker, {{"--idle=-1", "Value -1 not in range"},
                         {"--idle=86401", "not in range"},
                         {"--idle=x", "Value x not in range"},
                         {"--idle", "--idle"},
                         {"x", "unexpected argument 'x'"}});
}

}  // namespace
}  // namespace wg4
