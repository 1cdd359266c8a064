#include "netns-helper/container/id_mapping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/escaped_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/program_file.h"
#include "shared/sys/read_all.h"
#include "shared/sys/sub_ids.h"

namespace wg4::container {
namespace {

constexpr std::chrono::seconds patience{10};  // with a helper: it may ask a directory service who the user is
constexpr std::size_t max_complaint = 4096;   // bytes of a helper's stderr

/// What a helper says, on one line.
std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) text.replace(end, 1, "; ");
  return printable(text);
}

/// Runs newuidmap or newgidmap.
Result<void> run_helper(const PrivilegedProgram& program, const char* name, pid_t process, const IdMap& map) {
  if (program.path.empty()) return fail(std::string(name) + " is not in $PATH");
  Pipe pipe = TRY(make_pipe());
  const UniqueFd nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nowhere.valid()) return fail("open /dev/null", errno);
  SpawnRequest request{
      .program = program.path, .arguments = {name, std::to_string(process)}, .environment = {}, .fds = {}};
  for (const IdMapLine& line : map)
    for (const std::uint32_t number : {line.inside, line.outside, line.count})
      request.arguments.push_back(std::to_string(number));
  request.fds = {{nowhere.get(), STDIN_FILENO}, {pipe.writer.get(), STDOUT_FILENO}, {pipe.writer.get(), STDERR_FILENO}};
  Child child = TRY(Child::spawn(request));
  pipe.writer.reset();
  const std::string said = TRY(read_all(pipe.reader.get(), program.path, max_complaint, deadline_in(patience)));
  const auto ended = TRY(child.wait(patience));
  if (!ended) return fail(program.path + " does not end");
  if (ended->success()) return {};
  return fail(said.empty() ? program.path + " " + ended->to_string() : one_line(said));
}

/// The kernel takes each map once, so what one rung has done, later ones build on.
class Ladder {
 public:
  Ladder(pid_t process, const IdPlan& plan, HostFolders folders)
      : process_(process), plan_(plan), folders_(std::move(folders)) {}

  Result<IdMapping> climb() {
    std::string refusals;
    for (const Rung rung : {Rung::direct, Rung::helper, Rung::uid_only, Rung::helper_uid_only}) {
      const bool by_helper = rung == Rung::helper || rung == Rung::helper_uid_only;
      if (plan_.sub_ids && !by_helper) continue;
      const auto reached = reach(rung);
      if (reached) return mapping_by(rung);
      refusals += fmt::format("  {}: {}\n", to_string(rung), reached.error().message());
    }
    return fail(fmt::format("map the ids of a new user namespace: each way fails\n{}This host:\n{}Next step: {}",
                            refusals, userns_facts(setup(), folders_), next_step(setup(), plan_, folders_)));
  }

 private:
  enum class Writer : std::uint8_t { nobody, this_process, helper };

  Result<void> reach(Rung rung) {
    switch (rung) {
      case Rung::direct:
        TRY(deny_setgroups());
        TRY(map_users(Writer::this_process));
        return write_map("gid_map", plan_map(plan_.for_groups(), getegid(), {}));
      case Rung::helper:
        TRY(map_users(Writer::helper));
        return map_groups_by_helper();
      case Rung::uid_only:
        return map_users(Writer::this_process);
      case Rung::helper_uid_only:
        break;
    }
    return map_users(Writer::helper);
  }

  Result<void> map_users(Writer writer) {
    if (users_mapped_by_ != Writer::nobody) return {};
    if (writer == Writer::helper) {
      const IdMap map = TRY(map_of(plan_, geteuid(), setup().uids));
      TRY(run_helper(setup().newuidmap, "newuidmap", process_, map));
    } else {
      TRY(write_map("uid_map", plan_map(plan_, geteuid(), {})));
    }
    users_mapped_by_ = writer;
    return {};
  }

  Result<void> map_groups_by_helper() {
    const IdMap map = TRY(map_of(plan_.for_groups(), getegid(), setup().gids));
    return run_helper(setup().newgidmap, "newgidmap", process_, map);
  }

  /// Without it an ordinary user may map no group: a user could leave groups to which files deny access.
  Result<void> deny_setgroups() {
    const auto denied = write_proc_file(file("setgroups"), "deny");
    if (!denied && denied.error().number == ENOENT) return {};  // before Linux 3.19
    return denied;
  }

  Result<void> write_map(const char* name, const IdMap& map) {
    std::string text;
    for (const IdMapLine& line : map) text += fmt::format("{} {} {}\n", line.inside, line.outside, line.count);
    return write_proc_file(file(name), text);
  }

  Result<IdMap> map_of(const IdPlan& plan, std::uint32_t own, const SubIdLines& lines) {
    const auto ranges = lines.ranges();
    if (plan.sub_ids && ranges.empty()) return fail("user " + setup().user + " has no range in " + lines.path);
    return plan_map(plan, own, ranges);
  }

  IdMapping mapping_by(Rung rung) {
    if (rung == Rung::uid_only && users_mapped_by_ == Writer::helper) rung = Rung::helper_uid_only;
    const bool has_group = rung == Rung::direct || rung == Rung::helper;
    return {.rung = rung,
            .uid = own_inside(plan_, geteuid()),
            .gid = has_group ? own_inside(plan_.for_groups(), getegid()) : overflow_ids(folders_).gid,
            .sub_ids = plan_.sub_ids};
  }

  /// On demand: hosts where the first rung holds do not need it.
  const SubIdSetup& setup() {
    if (!setup_) setup_ = look_at_sub_ids(folders_.etc);
    return *setup_;
  }

  [[nodiscard]] std::string file(const char* name) const {
    return fmt::format("{}/{}/{}", folders_.proc, process_, name);
  }

  pid_t process_;
  IdPlan plan_;
  HostFolders folders_;
  std::optional<SubIdSetup> setup_;
  Writer users_mapped_by_ = Writer::nobody;
};

}  // namespace

std::string_view to_string(Rung rung) {
  switch (rung) {
    case Rung::direct:
      break;
    case Rung::helper:
      return "helper";
    case Rung::uid_only:
      return "uid only";
    case Rung::helper_uid_only:
      return "helper, uid only";
  }
  return "direct";
}

OverflowIds overflow_ids(const HostFolders& folders) {
  const auto read = [&](const char* name) {
    std::ifstream file(folders.proc + "/sys/kernel/" + name);
    std::uint32_t id = 0;
    constexpr std::uint32_t usual = 65534;
    return file >> id ? id : usual;
  };
  return {read("overflowuid"), read("overflowgid")};
}

Result<IdMapping> map_ids(pid_t process, const IdPlan& plan, const HostFolders& folders) {
  return Ladder(process, plan, folders).climb();
}

}  // namespace wg4::container
