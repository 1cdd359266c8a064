#include "shared/sys/program_file.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <vector>

#include "shared/base/version.h"

namespace wg4 {

std::string find_program(const std::string& name) { return find_program(name, {}); }

std::string find_program(const std::string& name, std::span<const std::string> folders) {
  std::vector<std::string> all(folders.begin(), folders.end());
  const char* path = std::getenv("PATH");
  std::istringstream more(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(more, folder, ':');) all.push_back(folder.empty() ? "." : folder);
  for (const std::string& folder : all)
    if (const auto file = std::filesystem::path(folder) / name; access(file.c_str(), X_OK) == 0) return file.string();
  return "";
}

Result<std::string> find_own_program(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> candidates;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", error); !error) {
    candidates.push_back(self.parent_path() / name);
    candidates.push_back(self.parent_path().parent_path() / "libexec" / "wireguard4netns" / name);
  }
  candidates.push_back(fs::path(libexec_dir) / name);
  for (const fs::path& candidate : candidates)
    if (fs::is_regular_file(candidate, error)) return candidate.string();
  return fail("there is no " + name + " beside this program, nor in " + std::string(libexec_dir), 0, "Install it");
}

bool PrivilegedProgram::is_privileged() const { return ((mode & S_ISUID) != 0 && owner == 0) || has_capabilities; }

PrivilegedProgram find_privileged_program(const std::string& name) {
  PrivilegedProgram program{.path = find_program(name)};
  struct stat info{};
  if (program.path.empty() || stat(program.path.c_str(), &info) < 0) return program;
  program.mode = info.st_mode & 07777U;
  program.owner = info.st_uid;
  program.has_capabilities = getxattr(program.path.c_str(), "security.capability", nullptr, 0) > 0;
  struct statvfs mount{};
  program.on_nosuid = statvfs(program.path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0;
  return program;
}

}  // namespace wg4
