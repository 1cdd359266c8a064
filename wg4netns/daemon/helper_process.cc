#include "wg4netns/daemon/helper_process.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

#include "shared/base/bytes.h"
#include "shared/base/version.h"
#include "shared/sys/fd_pass.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

constexpr const char* helper_name = "wg4netns-helper";
constexpr const char* helper_variable = "WIREGUARD4NETNS_HELPER";
constexpr int handoff_fd = 3;  // these in the helper
constexpr int netns_fd = 4;
constexpr int userns_fd = 5;
constexpr int given_tun_fd = 4;  // in the place of both
// After its last message the helper has nothing to do but to end.
constexpr std::chrono::milliseconds time_to_end = std::chrono::seconds(2);

std::vector<std::string> command_line(const AttachRequest& request) {
  std::vector<std::string> words{helper_name, "--handoff-fd", std::to_string(handoff_fd)};
  const auto add = [&words](const char* option, const std::string& value) {
    words.push_back(std::string(option) + "=" + value);  // one word: a value may begin with a dash
  };
  if (request.tun_fd >= 0) {
    add("--tun-fd", std::to_string(given_tun_fd));
    add("--sandbox", request.sandbox);
    return words;
  }
  add("--netns-fd", std::to_string(netns_fd));
  add("--userns-fd", std::to_string(userns_fd));
  add("--target", request.target.name);
  add("--ifname", request.ifname);
  if (request.vnet_hdr) words.emplace_back("--vnet-hdr");
  add("--queues", std::to_string(request.queues));
  if (request.await_owner) words.emplace_back("--await-owner");
  add("--configure", request.configure);
  if (request.port_tables) words.emplace_back("--port-tables");
  add("--sandbox", request.sandbox);
  if (request.agent) words.emplace_back("--agent");
  return words;
}

Result<Child> start_helper(const AttachRequest& request, int socket) {
  const std::string program = request.helper.empty() ? TRY(find_helper()) : request.helper;
  const UniqueFd no_input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!no_input.valid()) return fail("open /dev/null", errno);
  // The environment is empty: what ours holds (paths of key files, say) is none of the helper's business.
  SpawnRequest spawn{.program = program,
                     .arguments = command_line(request),
                     .environment = {},
                     .fds = {{no_input.get(), STDIN_FILENO}, {socket, handoff_fd}}};
  if (request.tun_fd >= 0) {
    spawn.fds.push_back({request.tun_fd, given_tun_fd});
  } else {
    spawn.fds.push_back({request.target.net.get(), netns_fd});
    spawn.fds.push_back({request.target.user.get(), userns_fd});
  }
  return Child::spawn(spawn);
}

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

Result<std::string> find_helper() {
  if (const char* chosen = std::getenv(helper_variable); chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code error;
  std::vector<fs::path> candidates;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", error); !error) {
    candidates.push_back(self.parent_path() / helper_name);
    candidates.push_back(self.parent_path().parent_path() / "libexec" / "wireguard4netns" / helper_name);
  }
  candidates.push_back(fs::path(libexec_dir) / helper_name);
  for (const fs::path& candidate : candidates)
    if (fs::is_regular_file(candidate, error)) return candidate.string();
  return fail(std::string("there is no ") + helper_name + " beside this program, nor in " + std::string(libexec_dir), 0,
              std::string("Install it, or set ") + helper_variable + " to its path");
}

Result<Attachment> Attachment::begin(const AttachRequest& request) {
  SocketPair sockets = TRY(make_message_sockets());
  // Ours must not block: a helper that hangs is noticed by poll and a deadline.
  if (fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail("set up a socket", errno);
  Child helper = TRY(start_helper(request, sockets.theirs.get()));
  sockets.theirs.reset();  // the helper's is the only one: its death closes it

  Attachment attachment(std::move(helper), std::move(sockets.ours), request);
  handoff::Message message = TRY(attachment.receive(deadline_in(request.timeout), &attachment.queues_));
  auto* tun = std::get_if<handoff::TunReady>(&message);
  if (tun == nullptr || (attachment.queues_.empty() && request.tun_fd < 0)) return fail("wg4netns-helper sent no TUN");
  attachment.tun_ = std::move(*tun);
  return attachment;
}

Result<std::vector<std::string>> Attachment::finish(const LinkPlan& plan) {
  const Deadline deadline = deadline_in(timeout_);
  for (handoff::PlanPart& part : handoff::split(plan)) TRY(send(std::move(part), deadline));
  handoff::Message message = TRY(receive(deadline, &port_tables_));
  auto* done = std::get_if<handoff::Done>(&message);
  if (done == nullptr) return fail("wg4netns-helper did not say that it is done");
  if (!agent_ && !TRY(helper_.wait(time_to_end))) helper_.kill();  // our destructor reaps it
  changes_ = std::move(done->changes);
  return std::move(done->warnings);
}

Result<handoff::Message> Attachment::receive(Deadline deadline, std::vector<UniqueFd>* fds) {
  if (!TRY(wait_until(socket_.get(), POLLIN, deadline)))
    return fail("wg4netns-helper gave no answer within " + seconds(timeout_) + " and was stopped");
  std::vector<std::uint8_t> buffer(handoff::max_message_size);
  auto received = TRY(receive_message(socket_.get(), buffer, fds == nullptr ? 0 : handoff::max_tun_fds));
  if (!received) return explain_end();
  handoff::Message message = TRY(handoff::decode(ByteView(buffer).first(received->size)));
  if (auto* failure = std::get_if<handoff::Failure>(&message)) return std::unexpected(std::move(failure->error));
  if (fds != nullptr) *fds = std::move(received->fds);
  return message;
}

/// A helper that is gone is no error here: its last message, or its end, tells more when we receive.
Result<void> Attachment::send(const handoff::Message& message, Deadline deadline) {
  const std::vector<std::uint8_t> bytes = handoff::encode(message);
  for (;;) {
    if (!TRY(wait_until(socket_.get(), POLLOUT, deadline)))
      return fail("wg4netns-helper took nothing within " + seconds(timeout_) + " and was stopped");
    auto sent = send_message(socket_.get(), bytes);
    if (sent || sent.error().number == EPIPE || sent.error().number == ECONNRESET) return {};
    if (sent.error().number != EAGAIN) return sent;
  }
}

std::unexpected<Error> Attachment::explain_end() {
  const auto status = helper_.wait(time_to_end);
  if (!status) return std::unexpected(status.error());
  if (!*status) return fail("wg4netns-helper closed its end and was stopped");
  return fail("wg4netns-helper " + (*status)->to_string() + " before it was done");
}

}  // namespace wg4
