#include "wg4netns/forward/datagram_batch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "shared/net/ip_address.h"

namespace wg4::forward {
namespace {

/// Sends as much as the socket takes now. Skips a datagram that it refuses, which may be too long for the path.
void send_all(int socket, std::span<mmsghdr> messages) {
  bool complained = false;
  while (!messages.empty()) {
    const int sent = sendmmsg(socket, messages.data(), static_cast<unsigned>(messages.size()), MSG_NOSIGNAL);
    if (sent > 0) {
      messages = messages.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      return;
    } else if (errno == ECONNREFUSED && !complained) {
      complained = true;  // the error is about an earlier datagram: nothing listened
    } else if (errno != EINTR) {
      messages = messages.subspan(1);
    }
  }
}

template <class T>
void write_control(std::uint8_t* to, int level, int type, const T& value) {
  const cmsghdr head{.cmsg_len = CMSG_LEN(sizeof(T)), .cmsg_level = level, .cmsg_type = type};
  std::memcpy(to, &head, sizeof head);
  std::memcpy(to + CMSG_LEN(0), &value, sizeof value);
}

/// Writes a PKTINFO that selects the source address; returns its size.
std::size_t choose_source(std::uint8_t* to, const Endpoint& client, const IpAddress& local) {
  if (local.is_v4()) {
    in_pktinfo info{};
    info.ipi_spec_dst = to_in_addr(local);
    write_control(to, IPPROTO_IP, IP_PKTINFO, info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  info.ipi6_addr = to_in6_addr(local);
  info.ipi6_ifindex = client.scope;
  write_control(to, IPPROTO_IPV6, IPV6_PKTINFO, info);
  return CMSG_SPACE(sizeof info);
}

}  // namespace

std::array<SocketAddress, DatagramBatch::max_datagrams> DatagramBatch::make_names() {
  const SocketAddress any{Endpoint{}};
  return {any, any, any, any, any, any, any, any, any, any, any, any, any, any, any, any};
}

std::size_t DatagramBatch::receive(int socket) {
  for (std::size_t i = 0; i < max_datagrams; ++i) {
    places_[i] = {buffer_->data() + i * room, room};
    messages_[i] = {};
    messages_[i].msg_hdr.msg_name = names_[i].get();
    messages_[i].msg_hdr.msg_namelen = sizeof names_[i].storage;
    messages_[i].msg_hdr.msg_iov = &places_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = controls_[i].bytes.data();
    messages_[i].msg_hdr.msg_controllen = control_room;
  }
  // An error is about a datagram sent earlier, and is cleared by this call: the next one returns datagrams.
  const int received = recvmmsg(socket, messages_.data(), max_datagrams, MSG_DONTWAIT, nullptr);
  const std::size_t count = received < 0 ? 0 : static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count; ++i) places_[i].iov_len = messages_[i].msg_len;
  return count;
}

ByteView DatagramBatch::bytes(std::size_t i) const {
  return {static_cast<const std::uint8_t*>(places_[i].iov_base), places_[i].iov_len};
}

IpAddress DatagramBatch::local(std::size_t i) {
  msghdr& header = messages_[i].msg_hdr;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      return to_address(info.ipi_spec_dst);
    }
    if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      return to_address(info.ipi6_addr);
    }
  }
  return {};
}

void DatagramBatch::send(int socket, std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i) {
    messages_[i].msg_hdr = {};
    messages_[i].msg_hdr.msg_iov = &places_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  send_all(socket, std::span(messages_).subspan(first, end - first));
}

void DatagramBatch::send_from(int socket, std::size_t count, const Endpoint& client, const IpAddress& local) {
  SocketAddress to(client);
  Control source{};
  const std::size_t source_size = choose_source(source.bytes.data(), client, local);
  for (std::size_t i = 0; i < count; ++i) {
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = to.get();
    header.msg_namelen = to.length;
    header.msg_iov = &places_[i];
    header.msg_iovlen = 1;
    header.msg_control = source.bytes.data();
    header.msg_controllen = source_size;
  }
  send_all(socket, std::span(messages_).first(count));
}

}  // namespace wg4::forward
