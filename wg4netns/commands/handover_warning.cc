#include "wg4netns/commands/handover_warning.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "shared/base/unique_fd.h"
#include "shared/sys/log.h"
#include "shared/sys/netns_processes.h"
#include "shared/sys/process.h"
#include "wg4netns/desktop/handover.h"

namespace wg4 {
namespace {

/// By the name of the process, which the kernel cuts at 15 bytes, or by that of its program file.
bool is_one_of(pid_t pid, const desktop::HandoverProgram& program) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string name = process_name(folder);
  std::error_code error;
  const std::string path = std::filesystem::read_symlink(folder + "/exe", error).string();
  return std::ranges::any_of(program.processes,
                             [&](std::string_view each) { return name == each || desktop::base_name(path) == each; });
}

}  // namespace

void warn_of_handover(const std::vector<std::string>& command) {
  const auto* program = desktop::hands_over(command);
  if (program == nullptr) return;
  const UniqueFd here(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const auto processes = NetnsProcesses::of(here.get(), getpid());
  if (!processes) return;
  const auto all = processes->all();
  const auto found = std::ranges::find_if(all, [&](pid_t pid) { return is_one_of(pid, *program); });
  if (found == all.end()) return;
  log::warning("{} may hand its work to process {}, which is outside of the tunnel. {}",
               desktop::base_name(desktop::program_word(command)), *found, program->advice);
}

}  // namespace wg4
