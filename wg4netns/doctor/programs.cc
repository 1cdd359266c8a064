#include "wg4netns/doctor/programs.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/program_file.h"
#include "shared/sys/read_all.h"
#include "wg4netns/doctor/containers_conf.h"
#include "wg4netns/doctor/host_facts.h"

namespace wg4::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_size = std::size_t{1} << 20;  // bytes
constexpr std::chrono::seconds patience(1);                  // with a file of a slow file system

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

FoundProgram judged(std::string path) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  const bool ours =
      !error && (target.filename() == "wireguard4netns" || target == fs::read_symlink("/proc/self/exe", error));
  return {std::move(path), ours};
}

/// Paths of containers.conf, in the order in which each overrides those before.
std::vector<fs::path> configuration_files() {
  if (const std::string only = variable("CONTAINERS_CONF"); !only.empty())
    return {only, variable("CONTAINERS_CONF_OVERRIDE")};
  const std::string chosen = variable("XDG_CONFIG_HOME");
  const fs::path home = chosen.empty() ? fs::path(variable("HOME")) / ".config" : fs::path(chosen);
  std::vector<fs::path> files;
  for (const fs::path& folder : {fs::path("/usr/share"), fs::path("/etc"), home}) {
    files.push_back(folder / "containers/containers.conf");
    std::error_code error;
    std::vector<fs::path> parts;
    for (const auto& entry : fs::directory_iterator(folder / "containers/containers.conf.d", error))
      if (entry.path().extension() == ".conf") parts.push_back(entry.path());
    std::ranges::sort(parts);
    std::ranges::move(parts, std::back_inserter(files));
  }
  files.emplace_back(variable("CONTAINERS_CONF_OVERRIDE"));
  return files;
}

ContainersConf read_configuration() {
  ContainersConf conf;
  for (const fs::path& path : configuration_files()) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) continue;
    const auto text = read_all(file.get(), path.string(), max_file_size, deadline_in(patience));
    if (text) read_containers_conf(*text, conf);
  }
  return conf;
}

}  // namespace

PodmanFacts gather_podman_facts(const std::string& version) {
  PodmanFacts facts;
  // "podman version 4.3.1"
  if (std::sscanf(version.c_str(), "%*s %*s %u.%u", &facts.major, &facts.minor) != 2) facts.major = facts.minor = 0;
  facts.conf = read_configuration();
  std::vector<std::string> folders = facts.conf.helper_binaries_dir;
  if (folders.empty())
    folders = {"/usr/local/libexec/podman", "/usr/local/lib/podman", "/usr/libexec/podman", "/usr/lib/podman"};
  if (const std::string first = variable("CONTAINERS_HELPER_BINARY_DIR"); !first.empty())
    folders.insert(folders.begin(), first);
  if (!facts.conf.network_cmd_path.empty()) facts.network_cmd = judged(facts.conf.network_cmd_path);
  facts.slirp4netns_in_path = judged(find_program("slirp4netns"));
  facts.slirp4netns = judged(find_program("slirp4netns", folders));
  facts.pasta = judged(find_program("pasta", folders));
  return facts;
}

}  // namespace wg4::doctor
