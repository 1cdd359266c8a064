#include "wg4netns/io/control_message.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <cstring>

#include "shared/base/check.h"

namespace wg4 {
namespace {

template <class T>
T value_of(const cmsghdr* message) {
  T value{};
  std::memcpy(&value, CMSG_DATA(message), sizeof(value));
  return value;
}

}  // namespace

void ReceivedControl::attach(msghdr& header) {
  header.msg_control = bytes_.data();
  header.msg_controllen = bytes_.size();
}

ControlMessage ReceivedControl::parse(msghdr& header) const {
  ControlMessage control;
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr; message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
      control.local = to_address(value_of<in_pktinfo>(message).ipi_addr);
    } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
      control.local = to_address(value_of<in6_pktinfo>(message).ipi6_addr);
    } else if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_TOS) {
      control.tos = value_of<std::uint8_t>(message);
    } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_TCLASS) {
      control.tos = static_cast<std::uint8_t>(value_of<int>(message));
    } else if (message->cmsg_level == SOL_UDP && message->cmsg_type == UDP_GRO) {
      const int size = value_of<int>(message);
      control.segment_size = size > 0 ? static_cast<std::size_t>(size) : 0;
    }
  }
  return control;
}

std::optional<QueuedError> ReceivedControl::parse_error(msghdr& header) const {
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr; message = CMSG_NXTHDR(&header, message)) {
    const bool v4 = message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_RECVERR;
    const bool v6 = message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    const auto error = value_of<sock_extended_err>(message);
    // Behind the error is the address of the host that sent it (SO_EE_OFFENDER).
    QueuedError queued{.number = static_cast<int>(error.ee_errno), .reported_by = {}};
    const std::uint8_t* offender = CMSG_DATA(message) + sizeof(error);
    sockaddr_storage storage{};
    if (v4 && error.ee_origin == SO_EE_ORIGIN_ICMP) {
      std::memcpy(&storage, offender, sizeof(sockaddr_in));
      queued.reported_by = to_endpoint(storage).address;
    } else if (v6 && error.ee_origin == SO_EE_ORIGIN_ICMP6) {
      std::memcpy(&storage, offender, sizeof(sockaddr_in6));
      queued.reported_by = to_endpoint(storage).address;
    }
    return queued;
  }
  return std::nullopt;
}

template <class T>
void OutgoingMessage::add(int level, int type, const T& value) {
  CHECK(header_.msg_controllen + CMSG_SPACE(sizeof(T)) <= control_.size());
  const cmsghdr head{.cmsg_len = CMSG_LEN(sizeof(T)), .cmsg_level = level, .cmsg_type = type};
  std::uint8_t* at = control_.data() + header_.msg_controllen;
  std::memset(at, 0, CMSG_SPACE(sizeof(T)));
  std::memcpy(at, &head, sizeof(head));
  std::memcpy(at + CMSG_LEN(0), &value, sizeof(value));
  header_.msg_controllen += CMSG_SPACE(sizeof(T));
}

void OutgoingMessage::prepare(const SendRun& run, ByteSpan bytes, bool with_source, bool as_run) {
  const bool v4 = run.path.remote.address.is_v4();
  address_ = SocketAddress(run.path.remote);
  place_ = {bytes.data(), bytes.size()};
  header_ = {};
  header_.msg_name = address_.get();
  header_.msg_namelen = address_.length;
  header_.msg_iov = &place_;
  header_.msg_iovlen = 1;
  header_.msg_control = control_.data();

  if (with_source && run.path.has_source() && run.path.local.is_v4() == v4) {
    if (v4) {
      in_pktinfo info{};
      info.ipi_spec_dst = to_in_addr(run.path.local);
      add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      info.ipi6_addr = to_in6_addr(run.path.local);
      info.ipi6_ifindex = run.path.remote.scope;
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  if (run.tos != 0) {
    if (v4) {
      add(IPPROTO_IP, IP_TOS, int{run.tos});
    } else {
      add(IPPROTO_IPV6, IPV6_TCLASS, int{run.tos});
    }
  }
  if (as_run && run.size > run.segment_size) add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(run.segment_size));
  if (header_.msg_controllen == 0) header_.msg_control = nullptr;
}

}  // namespace wg4
