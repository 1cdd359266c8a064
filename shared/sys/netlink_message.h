#pragma once
// Writes a netlink request and reads the attributes of an answer, by libmnl. Only for netlink*.cc.

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"

namespace wg4::netlink {

/// A request under construction; its buffer is large enough for all of ours.
class Request {
 public:
  Request(std::uint16_t type, unsigned flags) : header_(mnl_nlmsg_put_header(buffer_.data())) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// The fixed struct at the start of the body, zeroed: ifinfomsg, ifaddrmsg or rtmsg.
  template <class T>
  T& body() {
    return *static_cast<T*>(mnl_nlmsg_put_extra_header(header_, sizeof(T)));
  }
  void put(std::uint16_t type, std::uint32_t value) { mnl_attr_put_u32(header_, type, value); }
  void put(std::uint16_t type, const std::string& value) { mnl_attr_put_strz(header_, type, value.c_str()); }
  void put(std::uint16_t type, const IpAddress& value) {
    mnl_attr_put(header_, type, value.bytes().size(), value.bytes().data());
  }
  [[nodiscard]] nlmsghdr* message() { return header_; }
  [[nodiscard]] ByteView bytes() const { return ByteView(buffer_).first(header_->nlmsg_len); }

 private:
  alignas(nlmsghdr) std::array<std::uint8_t, 256> buffer_{};
  nlmsghdr* header_;
};

/// The fixed struct at the start of a message's body; zeros if the message is too short for it.
template <class T>
T body_of(const nlmsghdr* message) {
  T body{};
  if (mnl_nlmsg_get_payload_len(message) >= sizeof body)
    std::memcpy(&body, mnl_nlmsg_get_payload(message), sizeof body);
  return body;
}

/// The sequence of attributes in a message or inside another attribute.
class Attributes {
 public:
  Attributes() = default;
  /// The attributes behind a fixed struct of `body_size` bytes.
  Attributes(const nlmsghdr* message, std::size_t body_size) {
    const std::size_t payload = mnl_nlmsg_get_payload_len(message);
    const std::size_t skip = std::min(payload, (body_size + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO);
    bytes_ = {static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload(message)) + skip, payload - skip};
  }

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] Attributes nested(std::uint16_t type) const {
    const nlattr* attribute = find(type);
    return attribute == nullptr ? Attributes() : Attributes(payload(attribute));
  }
  [[nodiscard]] std::optional<std::uint32_t> u32(std::uint16_t type) const {
    const nlattr* attribute = find(type);
    if (attribute == nullptr || payload(attribute).size() != sizeof(std::uint32_t)) return std::nullopt;
    return mnl_attr_get_u32(attribute);
  }
  [[nodiscard]] std::optional<std::uint8_t> u8(std::uint16_t type) const {
    const nlattr* attribute = find(type);
    if (attribute == nullptr || payload(attribute).size() != sizeof(std::uint8_t)) return std::nullopt;
    return mnl_attr_get_u8(attribute);
  }
  /// False also if there is none of that type.
  [[nodiscard]] bool flag(std::uint16_t type) const { return u8(type).value_or(0) != 0; }
  /// Empty if there is none of that type.
  [[nodiscard]] std::string text(std::uint16_t type) const {
    const nlattr* attribute = find(type);
    if (attribute == nullptr || mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0) return {};
    return mnl_attr_get_str(attribute);
  }
  [[nodiscard]] std::optional<IpAddress> address(std::uint16_t type) const {
    const nlattr* attribute = find(type);
    if (attribute == nullptr) return std::nullopt;
    const ByteView bytes = payload(attribute);
    if (bytes.size() == 4) return IpAddress::v4(bytes.first<4>());
    if (bytes.size() == 16) return IpAddress::v6(bytes.first<16>());
    return std::nullopt;
  }

 private:
  explicit Attributes(ByteView bytes) : bytes_(bytes) {}
  static ByteView payload(const nlattr* attribute) {
    return {static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
  }
  [[nodiscard]] const nlattr* find(std::uint16_t type) const {
    const void* at = bytes_.data();
    for (;;) {
      const auto left = bytes_.data() + bytes_.size() - static_cast<const std::uint8_t*>(at);
      const auto* attribute = static_cast<const nlattr*>(at);
      if (!mnl_attr_ok(attribute, static_cast<int>(left))) return nullptr;
      if (mnl_attr_get_type(attribute) == type) return attribute;
      at = mnl_attr_next(attribute);
    }
  }

  ByteView bytes_;
};

/// The end of the answer to a request: an acknowledgement, an error, or the end of a dump.
struct Verdict {
  int number = 0;    ///< errno, 0 = done
  std::string text;  ///< the kernel's error text; may be empty

  explicit Verdict(const nlmsghdr* message) : number(-body_of<std::int32_t>(message)) {
    // The socket has NETLINK_CAP_ACK, so the request's body is not repeated and the attributes follow at once.
    if (message->nlmsg_type == NLMSG_ERROR && (message->nlmsg_flags & NLM_F_ACK_TLVS) != 0)
      text = Attributes(message, sizeof(nlmsgerr)).text(NLMSGERR_ATTR_MSG);
  }
};

}  // namespace wg4::netlink
