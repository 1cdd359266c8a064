// The child's answer is the text behind a 'T', or an error behind an 'E': what it is, a NUL, and the hint.

#include "wg4netns/profile/qr_picture.h"

#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/escaped_text.h"
#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/named_file.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "shared/sys/seccomp.h"
#include "shared/sys/syscall_tables.h"
#include "shared/sys/whole_file.h"
#include "wg4netns/profile/qr_code.h"

namespace wg4 {
namespace {

constexpr std::size_t max_picture = std::size_t{64} * 1024 * 1024;  // bytes
constexpr std::size_t max_answer = std::size_t{16} * 1024;          // a code holds less than 3 KiB
constexpr std::chrono::seconds patience(60);
constexpr char is_text = 'T';
constexpr char is_error = 'E';

// ---------------------------------------------------------------- the child

bool set_limit(__rlimit_resource resource, rlim_t limit) {
  const rlimit both{limit, limit};
  return setrlimit(resource, &both) == 0;
}

/// From here on this process can use what is open, allocate memory, and end.
bool confine() {
  constexpr rlim_t cpu_s = 30;
  if (!set_limit(RLIMIT_CPU, cpu_s)) return false;
#ifdef WG4_SANITIZED
  return true;  // sanitizers reserve terabytes, and make calls of all kinds
#else
  constexpr rlim_t memory = rlim_t{1} << 30U;
  SyscallTable table = runtime_syscalls();
  table.push_back({SCMP_SYS(read), "the picture"});
  return set_limit(RLIMIT_AS, memory) && restrict_syscalls(table, OnViolation::kill).has_value();
#endif
}

std::optional<std::vector<std::uint8_t>> read_picture(int fd) {
  std::vector<std::uint8_t> picture;
  std::array<std::uint8_t, 65536> part{};
  for (;;) {
    const ssize_t got = read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || picture.size() > max_picture) return std::nullopt;
    if (got == 0) return picture;
    picture.insert(picture.end(), part.begin(), part.begin() + got);
  }
}

int decode(int picture_fd, int answer_fd) {
  if (!confine()) return 1;
  const auto picture = read_picture(picture_fd);
  if (!picture) return 1;
  const auto text = find_qr_code(*picture);
  SecretText answer;
  if (text) {
    answer.append({&is_text, 1}).append(text->view());
  } else {
    answer.append({&is_error, 1}).append(text.error().what).append(std::string_view("\0", 1)).append(text.error().hint);
  }
  return write_all(answer_fd, answer.view()) ? 0 : 1;
}

// ---------------------------------------------------------------- this process

Result<UniqueFd> open_picture(const std::string& path) {
  const NamedFile file = TRY(NamedFile::find(path, "picture " + path));
  TRY(file.expect_regular());
  if (file.size() > static_cast<off_t>(max_picture))
    return fail("picture " + path + " is larger than 64 MiB", 0, "Name a PNG file with a QR code in it");
  return file.open(O_RDONLY);
}

Result<SecretText> read_answer(int fd, const std::string& path) {
  const Deadline deadline = deadline_in(patience);
  SecretText answer;
  for (;;) {
    if (!TRY(wait_until(fd, POLLIN, deadline)))
      return fail(path + " takes too long to read", 0, "Cut the code out of it");
    constexpr std::size_t step = 4096;
    const ssize_t got = read(fd, answer.room(step).data(), step);
    if (got < 0 && errno != EINTR) return fail("read the answer for " + path, errno);
    if (got == 0) return answer;
    if (got > 0) answer.added(static_cast<std::size_t>(got));
    if (answer.size() > max_answer) return fail(path + " has more in it than a QR code can have");
  }
}

Result<SecretText> understand(SecretText answer) {
  const char kind = answer.view().front();
  answer.drop_front(1);
  if (kind == is_text) return answer;
  const std::string_view text = answer.view();
  const std::size_t end = std::min(text.find('\0'), text.size());
  return fail(printable(text.substr(0, end)), 0, printable(text.substr(std::min(end + 1, text.size()))));
}

}  // namespace

Result<ConfigText> read_qr_picture(const std::string& path) {
  const UniqueFd picture = TRY(open_picture(path));
  Pipe pipe = TRY(make_pipe());
  const std::array fds{picture.get(), pipe.writer.get()};
  Child child = TRY(Child::fork(fds, [&] { return decode(picture.get(), pipe.writer.get()); }));
  pipe.writer.reset();
  SecretText answer = TRY(read_answer(pipe.reader.get(), path));
  const auto status = TRY(child.wait(patience));
  if (answer.empty() || !status || !status->success())
    return fail(
        path + " could not be decoded: the process for that " + (status ? status->to_string() : std::string("hangs")),
        0, "The file is damaged, or was made to do harm");
  auto text = understand(std::move(answer));
  if (!text) return fail_in(path, std::move(text).error());
  return ConfigText{.path = path, .text = *std::move(text), .open_to_all = false};
}

}  // namespace wg4
