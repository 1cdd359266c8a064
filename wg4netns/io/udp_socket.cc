#include "wg4netns/io/udp_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <expected>
#include <tuple>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/io/control_message.h"

namespace wg4 {
namespace {

constexpr int socket_buffer_size = 4 * 1024 * 1024;  // net.core.{r,w}mem_max may allow less
constexpr int random_port_attempts = 100;
constexpr std::size_t small_datagram = 2048;  // longer on average: they are runs

int family_number(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }

[[nodiscard]] bool set_option(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/// Options that help; the tunnel also works on a kernel without one of them.
void set_optional(int fd, Family family) {
  std::ignore = set_option(fd, SOL_SOCKET, SO_RCVBUF, socket_buffer_size);
  std::ignore = set_option(fd, SOL_SOCKET, SO_SNDBUF, socket_buffer_size);
  if (family == Family::v4) {
    std::ignore = set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    std::ignore = set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
    std::ignore = set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    std::ignore = set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    std::ignore = set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    std::ignore = set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  }
}

Result<void> bind_to_device(int fd, const std::string& device) {
  if (device.empty()) return {};
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), static_cast<socklen_t>(device.size())) == 0)
    return {};
  const std::string hint = errno == ENODEV  ? "The host has no interface of that name"
                           : errno == EPERM ? "Before Linux 5.7 that is for root: name one of its addresses instead"
                                            : "";
  return fail("bind UDP to the interface " + device, errno, hint);
}

Result<void> mark(int fd, std::uint32_t fwmark) {
  if (set_option(fd, SOL_SOCKET, SO_MARK, static_cast<int>(fwmark))) return {};
  return fail("set FwMark " + std::to_string(fwmark), errno,
              "The kernel reserves marks for CAP_NET_ADMIN: remove FwMark from the configuration. It is not needed "
              "here, because the tunnel's routes are in another network namespace than its UDP socket");
}

Result<UniqueFd> open_one(Family family, std::uint16_t port, std::uint32_t fwmark, const UdpBinding& binding) {
  UniqueFd fd(socket(family_number(family), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail("open a UDP socket", errno);
  if (family == Family::v6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1))
    return fail("make the UDP socket IPv6 only", errno);
  if (fwmark != 0) TRY(mark(fd.get(), fwmark));
  set_optional(fd.get(), family);

  TRY(bind_to_device(fd.get(), binding.device));

  const std::array<std::uint8_t, 16> any{};
  const IpAddress anywhere = family == Family::v4 ? IpAddress::v4(std::span(any).first<4>()) : IpAddress::v6(any);
  SocketAddress address({binding.address.value_or(anywhere), port, 0});
  if (bind(fd.get(), address.get(), address.length) < 0) {
    const std::string hint = errno == EADDRINUSE ? "Another program has it: choose another ListenPort, or leave it out"
                             : errno == EACCES   ? "Ports below net.ipv4.ip_unprivileged_port_start are for root: "
                                                   "choose a higher ListenPort"
                             : binding.address   ? "The host must have that address"
                                                 : "";
    const std::string where = binding.address ? " of " + binding.address->to_string() : "";
    return fail("listen on UDP port " + std::to_string(port) + where, errno, hint);
  }
  return fd;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0);
  return to_endpoint(storage).port;
}

bool is_source_refusal(int error) { return error == EINVAL || error == ENETUNREACH || error == EADDRNOTAVAIL; }

/// How many datagrams of this size one message takes.
std::size_t max_segments(std::size_t segment) { return std::min(max_batch, max_run_size / segment); }

/// Errors that may be about an earlier datagram: the kernel reports one once, instead of the result of the present
/// call.
bool may_be_about_another(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == EHOSTDOWN || error == ENETUNREACH ||
         error == ENONET || error == ENOPROTOOPT || error == EOPNOTSUPP || error == EACCES || error == EPROTO ||
         error == EMSGSIZE;
}

/// The kernel did not cut the run into datagrams: they are too long for the path, or it cannot segment here at all.
bool is_segmentation_refusal(int error) { return error == EINVAL || error == EMSGSIZE || error == EIO; }

}  // namespace

// ---------------------------------------------------------------- open

Result<UdpSocket> UdpSocket::open(const UdpOptions& options) {
  UdpSocket udp;
  // The kernel chooses a random port for IPv4, which may be taken for IPv6.
  for (int attempt = 1;; ++attempt) {
    auto opened = udp.open_pair(options);
    if (opened) return udp;
    if (options.port != 0 || opened.error().number != EADDRINUSE || attempt == random_port_attempts)
      return std::unexpected(std::move(opened).error());
  }
}

Result<void> UdpSocket::open_pair(const UdpOptions& options) {
  sockets_[0] = TRY(open_one(Family::v4, options.port, options.fwmark, options.v4));
  port_ = bound_port(sockets_[0].get());
  segmentation_ = options.segment;
  auto six = open_one(Family::v6, port_, options.fwmark, options.v6);
  if (six) {
    sockets_[1] = std::move(*six);
  } else if (options.v6.address || (six.error().number != EAFNOSUPPORT && six.error().number != EADDRNOTAVAIL)) {
    return std::unexpected(std::move(six).error());  // any error but "no IPv6 on this host"
  }
  gro_ = options.gro;
  for (const UniqueFd& socket : sockets_)
    if (options.gro && socket.valid()) gro_ &= set_option(socket.get(), SOL_UDP, UDP_GRO, 1);
  return {};
}

Result<UdpSocket> UdpSocket::share() const {
  UdpSocket other;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (!sockets_[i].valid()) continue;
    other.sockets_[i] = UniqueFd(fcntl(sockets_[i].get(), F_DUPFD_CLOEXEC, 0));
    if (!other.sockets_[i].valid()) return fail("share the UDP socket with another thread", errno);
  }
  other.port_ = port_;
  other.segmentation_ = segmentation_;
  other.gro_ = gro_;
  return other;
}

Result<void> UdpSocket::replace_by(const UdpSocket& fresh) {
  for (const Family family : {Family::v4, Family::v6})
    if (fresh.has(family) != has(family)) return fail("change the UDP port", EAFNOSUPPORT, "IPv6 has come or gone");
  for (const Family family : {Family::v4, Family::v6})
    if (has(family) && dup3(fresh.fd(family), fd(family), O_CLOEXEC) < 0) return fail("change the UDP port", errno);
  port_ = fresh.port_;
  return {};
}

Result<void> UdpSocket::set_fwmark(std::uint32_t fwmark) const {
  for (const UniqueFd& socket : sockets_)
    if (socket.valid()) TRY(mark(socket.get(), fwmark));
  return {};
}

// ---------------------------------------------------------------- receive

std::span<const DatagramRun> UdpSocket::receive(Family family) {
  std::array<mmsghdr, receive_batch> messages;
  std::array<iovec, receive_batch> places;
  std::array<sockaddr_storage, receive_batch> senders;
  std::array<ReceivedControl, receive_batch> controls;
  for (std::size_t i = 0; i < receive_places_; ++i) {
    places[i] = {buffers_->receive[i].data(), receive_buffer_size};
    messages[i] = {{.msg_name = &senders[i],
                    .msg_namelen = sizeof(senders[i]),
                    .msg_iov = &places[i],
                    .msg_iovlen = 1,
                    .msg_control = nullptr,
                    .msg_controllen = 0,
                    .msg_flags = 0},
                   0};
    controls[i].attach(messages[i].msg_hdr);
  }
  const int count = recvmmsg(fd(family), messages.data(), static_cast<unsigned>(receive_places_), 0, nullptr);
  std::size_t used = 0;
  std::size_t total = 0;
  for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
    const std::size_t size = messages[i].msg_len;
    total += size;
    if (size == 0 || (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
    const ControlMessage control = controls[i].parse(messages[i].msg_hdr);
    const std::size_t segment = control.segment_size > 0 ? std::min(control.segment_size, size) : size;
    runs_[used++] = {
        {to_endpoint(senders[i]), control.local}, control.tos, {buffers_->receive[i].data(), size}, segment};
  }
  receive_places_ = total > used * small_datagram ? receive_batch_of_runs : receive_batch;
  return std::span(runs_).first(used);
}

// ---------------------------------------------------------------- send

ByteSpan UdpSocket::room(std::size_t bytes) {
  CHECK(bytes <= max_batch_size);
  const auto fits = [&] { return used_ + bytes <= send_buffer_size && queue_.size() + max_batch <= send_batch; };
  if (!fits()) flush();
  if (!fits()) {
    // Still full: the datagrams that have waited longest are worth least.
    counters_.overflow += queue_.size();
    consume(queue_.size());
  }
  return ByteSpan(buffers_->send).subspan(used_, bytes);
}

void UdpSocket::push(const SendRun& run) {
  std::size_t left = run.size;
  if (!queue_.empty()) {
    const std::size_t joined = std::min(left, space_behind(queue_.back(), run));
    queue_.back().run.size += joined;
    used_ += joined;
    left -= joined;
  }
  const std::size_t max_size = run.segment_size * max_segments(run.segment_size);
  while (left > 0) {
    queue_.push_back({run, used_});
    queue_.back().run.size = std::min(left, max_size);
    used_ += queue_.back().run.size;
    left -= queue_.back().run.size;
  }
}

/// How many bytes of `run`, in whole datagrams, could be added to the run before it.
std::size_t UdpSocket::space_behind(const QueuedRun& last, const SendRun& run) const {
  const std::size_t segment = last.run.segment_size;
  const std::size_t segments = last.run.size / segment;
  const bool last_is_whole = last.run.size % segment == 0;
  const bool run_fits = run.segment_size == segment || run.size < segment;
  const bool same_kind = last.run.tos == run.tos && last.run.path == run.path;
  if (!segmentation_ || !last_is_whole || !run_fits || !same_kind) return 0;
  return (max_segments(segment) - segments) * segment;
}

void UdpSocket::flush() {
  std::size_t next = 0;
  backlogged_ = false;
  while (next < queue_.size()) {
    const std::size_t sent = send_same_family(next);
    next += sent;
    if (sent > 0) continue;
    if (errno == EAGAIN || errno == ENOBUFS) {
      backlogged_ = true;
      break;
    }
    if (errno != EINTR) send_refused(queue_[next++], errno);
  }
  consume(next);
}

/// One sendmmsg for the runs from `first` on that use the same socket. Returns how many were sent, or 0 with errno set.
std::size_t UdpSocket::send_same_family(std::size_t first) {
  const Family family = queue_[first].run.path.remote.address.family();
  if (!has(family)) {
    errno = EAFNOSUPPORT;
    return 0;
  }
  std::array<mmsghdr, send_batch> messages;
  std::array<OutgoingMessage, send_batch> outgoing;
  std::size_t count = 0;
  for (; first + count < queue_.size() && count < send_batch; ++count) {
    const QueuedRun& queued = queue_[first + count];
    if (queued.run.path.remote.address.family() != family) break;
    // Without segmentation each datagram is a message of its own: slow, and done one run at a time.
    if (!segmentation_ && queued.run.size > queued.run.segment_size) break;
    outgoing[count].prepare(queued.run, ByteSpan(buffers_->send).subspan(queued.offset, queued.run.size), true, true);
    messages[count] = {outgoing[count].header(), 0};
  }
  if (count == 0) {
    errno = EIO;
    return 0;
  }
  const int sent = sendmmsg(fd(family), messages.data(), static_cast<unsigned>(count), 0);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

/// Tries other ways to send a run that the system refused.
void UdpSocket::send_refused(QueuedRun& queued, int error) {
  if (may_be_about_another(error)) error = send_one(queued, true, segmentation_);
  const bool is_run = queued.run.size > queued.run.segment_size;
  if (is_run && is_segmentation_refusal(error)) {
    if (error == EIO) segmentation_ = false;
    error = send_singly(queued, true);
  }
  if (error != 0 && queued.run.path.has_source() && is_source_refusal(error)) {
    bad_sources_.push_back(queued.run.peer);
    error = send_one(queued, false, segmentation_);
    if (error != 0 && is_run && is_segmentation_refusal(error)) error = send_singly(queued, false);
  }
  if (error == 0) return;
  ++counters_.send_errors;
  note_failure({.to = queued.run.path.remote, .error = error, .reported_by = {}});
}

/// Returns 0 or errno.
int UdpSocket::send_one(const QueuedRun& queued, bool with_source, bool as_run) {
  OutgoingMessage message;
  message.prepare(queued.run, ByteSpan(buffers_->send).subspan(queued.offset, queued.run.size), with_source, as_run);
  const auto send = [&] { return sendmsg(fd(queued.run.path.remote.address.family()), &message.header(), 0); };
  if (send() >= 0) return 0;
  return !may_be_about_another(errno) || send() < 0 ? errno : 0;
}

int UdpSocket::send_singly(const QueuedRun& queued, bool with_source) {
  int error = 0;
  for (std::size_t at = 0; at < queued.run.size && error == 0; at += queued.run.segment_size) {
    QueuedRun single = queued;
    single.offset += at;
    single.run.size = std::min(queued.run.segment_size, queued.run.size - at);
    error = send_one(single, with_source, false);
  }
  return error;
}

/// Removes the first `sent` runs from the queue. The rest moves to the front of the buffer.
void UdpSocket::consume(std::size_t sent) {
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent));
  const std::size_t start = queue_.empty() ? used_ : queue_.front().offset;
  if (start == 0) return;
  std::memmove(buffers_->send.data(), buffers_->send.data() + start, used_ - start);
  for (QueuedRun& queued : queue_) queued.offset -= start;
  used_ -= start;
}

// ---------------------------------------------------------------- errors of earlier datagrams

void UdpSocket::report_failures(bool wanted) const {
  const int value = wanted ? 1 : 0;
  std::ignore = set_option(fd(Family::v4), IPPROTO_IP, IP_RECVERR, value);
  if (has(Family::v6)) std::ignore = set_option(fd(Family::v6), IPPROTO_IPV6, IPV6_RECVERR, value);
}

void UdpSocket::read_failures(Family family) {
  for (std::size_t i = 0; i < max_failures; ++i) {
    sockaddr_storage destination{};
    std::array<std::uint8_t, 1> datagram;
    iovec place{datagram.data(), datagram.size()};
    ReceivedControl control;
    msghdr message{};
    message.msg_name = &destination;
    message.msg_namelen = sizeof(destination);
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    control.attach(message);
    if (recvmsg(fd(family), &message, MSG_ERRQUEUE) < 0) return;
    const auto error = control.parse_error(message);
    // EMSGSIZE only means that the path takes smaller packets.
    if (error && error->number != EMSGSIZE)
      note_failure({.to = to_endpoint(destination), .error = error->number, .reported_by = error->reported_by});
  }
}

void UdpSocket::note_failure(const SendFailure& failure) {
  const auto known = std::ranges::find(failures_, failure.to, &SendFailure::to);
  if (known != failures_.end()) {
    *known = failure;
  } else if (failures_.size() < max_failures) {
    failures_.push_back(failure);
  }
}

std::optional<PeerId> UdpSocket::take_bad_source() {
  if (bad_sources_.empty()) return std::nullopt;
  const PeerId peer = bad_sources_.back();
  bad_sources_.pop_back();
  return peer;
}

}  // namespace wg4
