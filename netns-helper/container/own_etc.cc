#include "netns-helper/container/own_etc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <expected>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/etc_links.h"
#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/name_files.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/named_file.h"
#include "shared/sys/read_all.h"

namespace wg4::container {
namespace {

const std::string etc = "/etc";
constexpr const char* nsswitch = "/etc/nsswitch.conf";
constexpr std::size_t max_nsswitch = std::size_t{1} << 20;
constexpr std::chrono::seconds patience{5};  // for a file system that does not answer

const std::string new_link = hidden_folder + "/new";  // a link that is about to replace another
const std::string new_file = hidden_folder + "/new-file";

std::string entry(const std::string& name) { return printable(etc + "/" + name); }

Result<void> make_file(int folder, const std::string& name, const FileText& file) {
  const UniqueFd fd(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.mode));
  // The process' mask must not take from the mode: others read these files.
  if (!fd.valid() || fchmod(fd.get(), file.mode) != 0) return fail("make " + entry(name), errno);
  if (write(fd.get(), file.text.data(), file.text.size()) != std::ssize(file.text))
    return fail("write " + entry(name), errno);
  return give_to_root(fd, entry(name));
}

}  // namespace

Result<OwnFiles> make_name_files(const NameSettings& settings) {
  std::string hosts_own;
  const auto found = NamedFile::find(nsswitch, nsswitch);
  if (!found && found.error().number != ENOENT && found.error().number != ENOTDIR)
    return std::unexpected(found.error());
  if (found) {
    TRY(found->expect_regular());
    const UniqueFd file = TRY(found->open(O_RDONLY));
    hosts_own = TRY(read_all(file.get(), nsswitch, max_nsswitch, deadline_in(patience)));
  }
  OwnFiles files;
  files[resolv_conf].text = make_resolv_conf(settings);
  files["hosts"].text = make_hosts(settings);
  files["nsswitch.conf"].text = make_nsswitch(hosts_own);
  return files;
}

Result<OwnEtc> OwnEtc::create(const OwnFiles& files) {
  OwnEtc made;
  made.host_ = UniqueFd(open(etc.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!made.host_.valid()) return fail("read the folder " + etc, errno);
  const UniqueFd host_tree = TRY(copy_tree(etc));
  TRY(mount_tmpfs(etc, MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m"));
  made.own_ = TRY(copy_mount(etc));
  TRY(give_to_root(made.own_, etc));

  made.ours_ = {hidden_folder, "mtab"};
  TRY(make_hidden_folder(made.own_.get()));
  for (const auto& [name, file] : files) {
    TRY(make_file(made.own_.get(), name, file));
    made.ours_.insert(name);
  }
  TRY(made.mirror_all());

  TRY(attach(host_tree, etc + "/" + host_etc));
  TRY(make_read_only(etc));
  return made;
}

Result<void> OwnEtc::replace(const std::string& name, const FileText& file) {
  if (!is_ours(name)) return fail(entry(name) + " is the host's");
  unlinkat(own_.get(), new_file.c_str(), 0);  // one that could not be written whole
  TRY(make_file(own_.get(), new_file, file));
  if (renameat(own_.get(), new_file.c_str(), own_.get(), name.c_str()) == 0) return {};
  return fail("replace " + entry(name), errno);
}

Result<void> OwnEtc::watch() {
  constexpr std::uint32_t changes = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR;
  // It may be at no path here any more, and the system call takes nothing else.
  const UniqueFd here(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd watched(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!here.valid() || !watched.valid() || fchdir(host_.get()) != 0)
    return fail("watch the host's " + etc, errno, "sysctl fs.inotify shows the limits");
  const bool added = inotify_add_watch(watched.get(), ".", changes) >= 0;
  const int number = errno;
  if (fchdir(here.get()) != 0) return fail("go back to the working directory", errno);
  if (!added) return fail("watch the host's " + etc, number, "sysctl fs.inotify shows the limits");
  changes_ = std::move(watched);
  compared_ = false;
  return {};
}

Result<void> OwnEtc::follow() {
  if (!compared_) {
    compared_ = changes_.valid();
    return mirror_all();
  }
  alignas(inotify_event) std::array<char, std::size_t{64} << 10> buffer{};
  const ssize_t size = read(changes_.get(), buffer.data(), buffer.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (size < 0) return fail("read the changes of " + etc, errno);
  Result<void> result;
  inotify_event event{};
  for (std::size_t at = 0; at < static_cast<std::size_t>(size); at += sizeof event + event.len) {
    std::memcpy(&event, &buffer.at(at), sizeof event);
    if ((event.mask & IN_Q_OVERFLOW) != 0) return mirror_all();
    if (event.len == 0) continue;  // of the folder itself
    auto mirrored = mirror(&buffer.at(at + sizeof event));
    if (!mirrored && result) result = std::move(mirrored);
  }
  return result;
}

Result<void> OwnEtc::mirror_all() {
  std::set<std::string> names = TRY(names_in(host_.get(), etc));
  names.merge(TRY(names_in(own_.get(), etc)));
  Result<void> result;
  for (const std::string& name : names) {
    auto mirrored = mirror(name);
    if (!mirrored && result) result = std::move(mirrored);
  }
  return result;
}

Result<void> OwnEtc::mirror(const std::string& name) {
  if (is_ours(name)) return {};
  const auto wanted = text_for_entry(host_.get(), name);
  if (!wanted && wanted.error().number == ENOENT) {
    if (unlinkat(own_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fail("remove " + entry(name), errno);
    return {};
  }
  if (!wanted) return std::unexpected(wanted.error());
  const auto made = make_etc_link(own_.get(), *wanted, name);
  if (made || made.error().number != EEXIST) return made;
  if (TRY(link_text(own_.get(), name, etc + "/" + name)) == *wanted) return {};
  TRY(make_etc_link(own_.get(), *wanted, new_link));
  if (renameat(own_.get(), new_link.c_str(), own_.get(), name.c_str()) == 0) return {};
  const int number = errno;
  unlinkat(own_.get(), new_link.c_str(), 0);
  return fail("replace " + entry(name), number);
}

}  // namespace wg4::container
