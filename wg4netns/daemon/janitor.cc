#include "wg4netns/daemon/janitor.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/sys/fd_pass.h"
#include "wg4netns/daemon/sandbox.h"

// One message: the names, each with a NUL behind it, and in the same order the descriptors of each one's folder and of
// itself. So it is what the program has made that is removed, however late this process gets to run.

namespace wg4 {
namespace {

constexpr std::size_t max_files = 8;
constexpr std::size_t max_name = 256;  // with its NUL: NAME_MAX
constexpr std::chrono::seconds patience{2};

Result<std::vector<UniqueFile>> receive_files(int socket) {
  std::array<std::uint8_t, max_files * max_name> buffer;
  auto message = TRY(receive_message(socket, buffer, 2 * max_files));
  std::vector<UniqueFile> files;
  if (!message) return files;
  std::string_view names(reinterpret_cast<const char*>(buffer.data()), message->size);  // NOLINT: bytes as text
  for (std::size_t i = 0; i + 1 < message->fds.size(); i += 2) {
    const std::size_t end = std::min(names.find('\0'), names.size());
    std::string name(names.substr(0, end));
    files.push_back(
        TRY(UniqueFile::own({std::move(message->fds[i]), std::move(message->fds[i + 1]), std::move(name)})));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return files;
}

int work(int socket, bool sandboxed) {
  prctl(PR_SET_NAME, "wg4netns-tidy");
  prctl(PR_SET_PDEATHSIG, 0);  // whatever ends the program, the end of the socket tells, and then there is work to do
  const auto files = receive_files(socket);
  if (!files || files->empty()) return files ? EXIT_SUCCESS : EXIT_FAILURE;
  std::vector<int> folders;
  for (const UniqueFile& file : *files) folders.push_back(file.directory());
  if (!confine_janitor(sandboxed, folders)) return EXIT_FAILURE;
  std::array<char, 1> byte;
  while (read(socket, byte.data(), byte.size()) > 0 || errno == EINTR) errno = 0;
  return EXIT_SUCCESS;
}

}  // namespace

Result<Janitor> Janitor::create(bool sandboxed) {
  SocketPair sockets = TRY(make_message_sockets());
  const std::array kept{sockets.theirs.get()};
  auto child = Child::fork(kept, [&] { return work(sockets.theirs.get(), sandboxed); });
  if (!child) return fail_in("start the process that tidies up", std::move(child).error());
  return Janitor(*std::move(child), std::move(sockets.ours));
}

Result<void> Janitor::take(std::vector<UniqueFile> files) const {
  std::string names;
  std::vector<UniqueFd> descriptors;
  for (UniqueFile& file : files) {
    UniqueFile::Parts parts = file.release();
    names.append(parts.name).push_back('\0');
    descriptors.push_back(std::move(parts.directory));
    descriptors.push_back(std::move(parts.file));
  }
  if (descriptors.empty()) return {};
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(names.data()), names.size());  // NOLINT: text as bytes
  auto sent = send_message(socket_.get(), bytes, descriptors);
  if (!sent) return fail_in("hand over sockets to the process that tidies up", std::move(sent).error());
  return {};
}

Janitor::~Janitor() {
  if (!socket_.valid()) return;
  socket_.reset();
  if (const auto ended = child_.wait(patience); !ended || !*ended) child_.kill();
}

}  // namespace wg4
