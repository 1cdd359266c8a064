#include "shared/sys/tun_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <utility>

#include "shared/base/unique_fd.h"

namespace wg4 {
namespace {

constexpr const char* folder_path = "/dev/net";
constexpr const char* pass_it_in = "in a container, pass it in (--device /dev/net/tun)";

TunFile::Kind kind_of(mode_t mode) {
  if (S_ISCHR(mode)) return TunFile::Kind::character_device;
  if (S_ISREG(mode)) return TunFile::Kind::file;
  if (S_ISDIR(mode)) return TunFile::Kind::folder;
  return S_ISFIFO(mode) ? TunFile::Kind::pipe : TunFile::Kind::other;
}

std::string in_words(TunFile::Kind kind) {
  switch (kind) {
    case TunFile::Kind::file:
      return "an ordinary file";
    case TunFile::Kind::folder:
      return "a folder";
    case TunFile::Kind::pipe:
      return "a named pipe";
    case TunFile::Kind::character_device:
    case TunFile::Kind::other:
      break;
  }
  return "no character device";
}

Error fault(std::string what, int number, std::string hint) { return {std::move(what), number, std::move(hint)}; }

Error fault_of_absence(const TunFile& file) {
  const std::string remedy = std::string("As root: modprobe tun; ") + pass_it_in;
  if (file.look_error == ENOENT && file.folder_is_missing)
    return fault(std::string("the folder ") + folder_path + " is missing", ENOENT, remedy);
  if (file.look_error == ENOENT) return fault(std::string(tun_file_path) + " is missing", ENOENT, remedy);
  return fault(std::string("look at ") + tun_file_path, file.look_error, "");
}

Error fault_of_opening(const TunFile& file) {
  const std::string what = std::string("open ") + tun_file_path;
  const std::string mode = "Its mode is " + octal(file.mode);
  constexpr unsigned for_everyone = 06;
  switch (file.open_error) {
    case ENODEV:
    case ENXIO:
      return fault(what, file.open_error, "The kernel has no TUN driver loaded. As root: modprobe tun");
    case EPERM:
      return fault(what, EPERM,
                   std::string("The device rules (cgroup) of the container or service that this runs in forbid it: ") +
                       pass_it_in + "; in a unit of systemd, DeviceAllow=/dev/net/tun rw");
    case EACCES:
      if (file.on_nodev)
        return fault(what, EACCES,
                     "It lies on a mount with the option nodev, where no device works. As root: mount -o "
                     "remount,bind,dev " +
                         std::string(tun_file_path) + ", or mount it again without nodev");
      if ((file.mode & for_everyone) == for_everyone)
        return fault(what, EACCES,
                     mode + ", which lets every user open it: a security module (AppArmor, SELinux) may forbid it");
      return fault(what, EACCES, mode + ", but every user must be able to open it. As root: chmod 0666 /dev/net/tun");
    default:
      return fault(what, file.open_error, "");
  }
}

}  // namespace

std::string octal(unsigned mode) { return fmt::format("{:04o}", mode); }

std::optional<Error> fault_of(const TunFile& file) {
  const std::string make_it = "As root: rm -r /dev/net/tun; mknod -m 0666 /dev/net/tun c 10 200";
  if (file.look_error != 0) return fault_of_absence(file);
  if (file.kind != TunFile::Kind::character_device)
    return fault(fmt::format("{} is no device, but {}", tun_file_path, in_words(file.kind)), 0, make_it);
  if (file.major != tun_file_major || file.minor != tun_file_minor)
    return fault(fmt::format("{} is another device: its number is {}:{}, and TUN is {}:{}", tun_file_path, file.major,
                             file.minor, tun_file_major, tun_file_minor),
                 0, make_it);
  if (file.open_error != 0) return fault_of_opening(file);
  return std::nullopt;
}

TunFile look_at_tun_file() {
  TunFile file;
  struct stat info{};
  if (stat(tun_file_path, &info) != 0) {
    file.look_error = errno;
    file.folder_is_missing = stat(folder_path, &info) != 0;
    return file;
  }
  file.kind = kind_of(info.st_mode);
  file.major = major(info.st_rdev);
  file.minor = minor(info.st_rdev);
  file.mode = info.st_mode & 07777U;
  struct statvfs mount{};
  file.on_nodev = statvfs(tun_file_path, &mount) == 0 && (mount.f_flag & ST_NODEV) != 0;
  if (fault_of(file)) return file;
  const UniqueFd fd(open(tun_file_path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  file.open_error = fd.valid() ? 0 : errno;
  return file;
}

}  // namespace wg4
