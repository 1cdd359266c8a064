// profile export

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/log.h"
#include "shared/sys/whole_file.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/qr_output.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/profile_folder.h"

namespace wg4 {
namespace {

/// Refuses what is no regular file: it would be replaced by one.
Result<void> expect_file_or_nothing(const std::string& path, bool replace) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail("look at " + path, errno);
  }
  if (S_ISDIR(info.st_mode)) return fail(path + " is a directory", 0, "Name the file in it");
  if (!S_ISREG(info.st_mode))
    return fail(path + " is no regular file", 0, "For a device or a pipe let the shell write there: > " + path);
  if (!replace) return fail("there is a file " + path + " already", 0, "Name another, or give --replace");
  return {};
}

Result<void> write_file(const std::string& path, std::string_view text, bool replace) {
  TRY(expect_file_or_nothing(path, replace));
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail("open the folder " + folder, errno, "It must be there, and readable for this user");
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  auto written = write_whole_file(fd.get(), name, text, replace ? IfThere::replace : IfThere::fail);
  if (!written) return fail("write " + path, written.error().number, "It was not made, nor changed");
  return {};
}

}  // namespace

Parsed<ProfileExportCommand> parse_profile_export(const Arguments& arguments) {
  ProfileExportCommand command;
  Parser parser("Writes a profile as a wg-quick file, with its keys.", arguments);
  parser.argument("NAME", command.name, "The profile").required().is_profile();
  parser.argument("FILE", command.file, "Only this user can read it; - (the default) is standard output").is_file();
  parser.flag("--replace", command.replace, "Replace FILE if it is there");
  parser.flag("--qr", command.qr, "Draw a QR code for a phone, in the terminal").excludes("FILE").excludes("--replace");
  parser.flag("--force", command.force, "Draw it also where there is no terminal, or one that is too small")
      .needs("--qr");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_profile_export(const ProfileExportCommand& command) {
  const ProfileFile profile = TRY(find_profile(command.name));
  if (command.qr) return draw_qr_code(profile.path, command.force);
  const ConfigText text = TRY(read_config_text(profile.path));
  if (command.file == "-") return write_all(STDOUT_FILENO, text.text.view());
  TRY(write_file(command.file, text.text.view(), command.replace));
  log::info("{}: {}; it holds the keys, and only this user can read it", command.name, command.file);
  return {};
}

}  // namespace wg4
