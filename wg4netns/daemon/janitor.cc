#include "wg4netns/daemon/janitor.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

#include "shared/sys/fd_pass.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/daemon/sandbox.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience{2};

Result<std::vector<UniqueFile>> receive_files(int socket) {
  auto received = TRY(wire::receive<FilesToRemove>(socket, 2 * FilesToRemove::max_files));
  std::vector<UniqueFile> files;
  if (!received) return files;
  std::vector<UniqueFd>& fds = received->fds;
  std::vector<std::string>& names = received->message.names;
  if (fds.size() != 2 * names.size()) return fail("the program did not pass the files to remove");
  for (std::size_t i = 0; i < names.size(); ++i)
    files.push_back(TRY(UniqueFile::own({std::move(fds[2 * i]), std::move(fds[2 * i + 1]), std::move(names[i])})));
  return files;
}

int work(int socket, bool sandboxed) {
  prctl(PR_SET_NAME, "wg4netns-tidy");
  prctl(PR_SET_PDEATHSIG, 0);  // it outlives the program, whose end it notices at the socket: then it has to work
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
  FilesToRemove message;
  std::vector<UniqueFd> descriptors;
  for (UniqueFile& file : files) {
    UniqueFile::Parts parts = file.release();
    message.names.push_back(std::move(parts.name));
    descriptors.push_back(std::move(parts.directory));
    descriptors.push_back(std::move(parts.file));
  }
  if (descriptors.empty()) return {};
  auto sent = wire::send(socket_.get(), message, descriptors);
  if (!sent) return fail_in("hand over files to the process that tidies up", std::move(sent).error());
  return {};
}

Janitor::~Janitor() {
  if (!socket_.valid()) return;
  socket_.reset();
  if (const auto ended = child_.wait(patience); !ended || !*ended) child_.kill();
}

}  // namespace wg4
