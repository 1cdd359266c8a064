#include "shared/handoff/handoff.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <iterator>
#include <string_view>
#include <utility>

#include "shared/base/check.h"
#include "shared/net/prefix.h"

// A message is: format version, kind, fields in the order of their struct. Numbers are little-endian; a bool is 0 or 1;
// text is its length (16 bits) and its bytes; a list is its count (16 bits) and its elements; an address is 4 or 6 and
// its bytes; a prefix is its length and its address. There is one way to write each message and nothing optional.

namespace wg4::handoff {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t max_ifname_size = 15;
constexpr int max_errno = 4095;  // the kernel's own limit

enum class Kind : std::uint8_t { tun_ready = 1, plan_part = 2, done = 3, failure = 4, dial = 5, dialed = 6 };

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

class Writer {
 public:
  explicit Writer(Kind kind) : bytes_{format_version, static_cast<std::uint8_t>(kind)} {}

  template <std::unsigned_integral T>
  void number(T value) {
    std::array<std::uint8_t, sizeof(T)> raw;
    store_le(raw.data(), value);
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
  }
  void flag(bool value) { bytes_.push_back(value ? 1 : 0); }
  void text(std::string_view value) {
    value = value.substr(0, max_text_size);
    number(static_cast<std::uint16_t>(value.size()));
    std::ranges::transform(value, std::back_inserter(bytes_),
                           [](char c) { return static_cast<std::uint8_t>(is_control(c) ? '?' : c); });
  }
  void address(const IpAddress& value) {
    bytes_.push_back(value.is_v4() ? 4 : 6);
    bytes_.insert(bytes_.end(), value.bytes().begin(), value.bytes().end());
  }
  void prefix(const Prefix& value) {
    bytes_.push_back(value.length);
    address(value.address);
  }
  template <class T>
  void list(const std::vector<T>& values, void (Writer::*element)(const T&)) {
    CHECK(values.size() <= UINT16_MAX);
    number(static_cast<std::uint16_t>(values.size()));
    for (const T& value : values) (this->*element)(value);
  }
  void string(const std::string& value) { text(value); }

  [[nodiscard]] std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Reads on after an error, yielding zeros: the caller asks once, at the end, whether all was well.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    const ByteView raw = take(sizeof(T));
    return raw.empty() ? T{0} : load_le<T>(raw.data());
  }
  bool flag() {
    const auto value = number<std::uint8_t>();
    require(value <= 1);
    return value == 1;
  }
  std::string text() {
    const auto size = number<std::uint16_t>();
    require(size <= max_text_size);
    const ByteView raw = take(size);
    std::string value(raw.begin(), raw.end());
    require(std::ranges::none_of(value, is_control));
    return value;
  }
  IpAddress address() {
    const auto family = number<std::uint8_t>();
    require(family == 4 || family == 6);
    const ByteView raw = take(family == 4 ? 4 : 16);
    if (failed_) return {};
    return family == 4 ? IpAddress::v4(raw.first<4>()) : IpAddress::v6(raw.first<16>());
  }
  Prefix prefix() {
    const auto length = number<std::uint8_t>();
    const Prefix value{address(), length};
    require(length <= value.address.bits());
    return value;
  }
  /// A count that lies runs into the end of the message, which stops the loop.
  template <class T>
  std::vector<T> list(T (Reader::*element)()) {
    std::vector<T> values;
    const auto count = number<std::uint16_t>();
    for (std::size_t i = 0; i < count && !failed_; ++i) values.push_back((this->*element)());
    return values;
  }

  void require(bool condition) { failed_ = failed_ || !condition; }
  [[nodiscard]] bool read_all() const { return !failed_ && rest_.empty(); }

 private:
  ByteView take(std::size_t size) {
    require(size <= rest_.size());
    if (failed_) return {};
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  ByteView rest_;
  bool failed_ = false;
};

std::vector<std::uint8_t> encode_body(const TunReady& message) {
  Writer writer(Kind::tun_ready);
  writer.text(message.ifname);
  writer.number(message.tun_flags);
  writer.flag(message.existed);
  return writer.take();
}

std::vector<std::uint8_t> encode_body(const PlanPart& message) {
  Writer writer(Kind::plan_part);
  writer.number(message.plan.mtu);
  writer.list(message.plan.addresses, &Writer::prefix);
  writer.list(message.plan.routes, &Writer::prefix);
  writer.number(message.plan.table);
  writer.list(message.plan.route_sources, &Writer::address);
  writer.number(message.plan.route_mtu);
  writer.list(message.plan.gateways, &Writer::address);
  writer.list(message.plan.retired_addresses, &Writer::prefix);
  writer.flag(message.last);
  return writer.take();
}

std::vector<std::uint8_t> encode_body(const Done& message) {
  Writer writer(Kind::done);
  std::vector<std::string> warnings = message.warnings;
  warnings.resize(std::min(warnings.size(), max_warnings));
  writer.list(warnings, &Writer::string);
  std::vector<std::string> changes = message.changes;
  changes.resize(std::min(changes.size(), max_changes));
  writer.list(changes, &Writer::string);
  return writer.take();
}

std::vector<std::uint8_t> encode_body(const Failure& message) {
  Writer writer(Kind::failure);
  writer.text(message.error.what);
  writer.number(static_cast<std::uint16_t>(std::clamp(message.error.number, 0, max_errno)));
  writer.text(message.error.hint);
  return writer.take();
}

std::vector<std::uint8_t> encode_body(const Dial& message) {
  Writer writer(Kind::dial);
  writer.flag(message.protocol == Protocol::udp);
  writer.address(message.address);
  writer.number(message.port);
  return writer.take();
}

std::vector<std::uint8_t> encode_body(const Dialed& message) {
  Writer writer(Kind::dialed);
  writer.number(static_cast<std::uint16_t>(std::clamp(message.error, 0, max_errno)));
  return writer.take();
}

TunReady read_tun_ready(Reader& reader) {
  TunReady message;
  message.ifname = reader.text();
  reader.require(!message.ifname.empty() && message.ifname.size() <= max_ifname_size);
  message.tun_flags = reader.number<std::uint16_t>();
  message.existed = reader.flag();
  return message;
}

PlanPart read_plan_part(Reader& reader) {
  PlanPart message;
  message.plan.mtu = reader.number<std::uint16_t>();
  message.plan.addresses = reader.list(&Reader::prefix);
  message.plan.routes = reader.list(&Reader::prefix);
  message.plan.table = reader.number<std::uint32_t>();
  message.plan.route_sources = reader.list(&Reader::address);
  message.plan.route_mtu = reader.number<std::uint16_t>();
  message.plan.gateways = reader.list(&Reader::address);
  message.plan.retired_addresses = reader.list(&Reader::prefix);
  message.last = reader.flag();
  return message;
}

Done read_done(Reader& reader) {
  Done message;
  message.warnings = reader.list(&Reader::text);
  message.changes = reader.list(&Reader::text);
  reader.require(message.warnings.size() <= max_warnings && message.changes.size() <= max_changes);
  return message;
}

Failure read_failure(Reader& reader) {
  Failure message;
  message.error.what = reader.text();
  message.error.number = reader.number<std::uint16_t>();
  reader.require(message.error.number <= max_errno);
  message.error.hint = reader.text();
  return message;
}

Dial read_dial(Reader& reader) {
  Dial message;
  message.protocol = reader.flag() ? Protocol::udp : Protocol::tcp;
  message.address = reader.address();
  message.port = reader.number<std::uint16_t>();
  return message;
}

Dialed read_dialed(Reader& reader) {
  const Dialed message{reader.number<std::uint16_t>()};
  reader.require(message.error <= max_errno);
  return message;
}

Message read_message(Reader& reader) {
  reader.require(reader.number<std::uint8_t>() == format_version);
  switch (static_cast<Kind>(reader.number<std::uint8_t>())) {
    case Kind::tun_ready:
      return read_tun_ready(reader);
    case Kind::plan_part:
      return read_plan_part(reader);
    case Kind::done:
      return read_done(reader);
    case Kind::failure:
      return read_failure(reader);
    case Kind::dial:
      return read_dial(reader);
    case Kind::dialed:
      return read_dialed(reader);
  }
  reader.require(false);
  return Done{};
}

/// Fills one part after the other; a part's size is counted, never guessed.
class Splitter {
 public:
  explicit Splitter(const LinkPlan& plan) : mtu_(plan.mtu), table_(plan.table), route_mtu_(plan.route_mtu) {
    start_part();
  }

  template <class T>
  void add(std::vector<T> LinkPlan::* list, const std::vector<T>& values) {
    for (const T& value : values) {
      const std::size_t size = encoded_size(value);
      if (used_ + size > max_message_size) start_part();
      (parts_.back().plan.*list).push_back(value);
      used_ += size;
    }
  }
  [[nodiscard]] std::vector<PlanPart> take() {
    parts_.back().last = true;
    return std::move(parts_);
  }

 private:
  static std::size_t encoded_size(const IpAddress& value) { return 1 + value.bytes().size(); }
  static std::size_t encoded_size(const Prefix& value) { return 1 + encoded_size(value.address); }

  void start_part() {
    PlanPart& part = parts_.emplace_back();
    part.plan.mtu = mtu_;
    part.plan.table = table_;
    part.plan.route_mtu = route_mtu_;
    used_ = encode_body(part).size();
  }

  std::uint16_t mtu_;
  std::uint32_t table_;
  std::uint16_t route_mtu_;
  std::vector<PlanPart> parts_;
  std::size_t used_ = 0;
};

template <class T>
void append_list(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

std::vector<std::uint8_t> encode(const Message& message) {
  std::vector<std::uint8_t> bytes = std::visit([](const auto& kind) { return encode_body(kind); }, message);
  CHECK(bytes.size() <= max_message_size);
  return bytes;
}

Result<Message> decode(ByteView bytes) {
  Reader reader(bytes);
  Message message = read_message(reader);
  if (bytes.size() > max_message_size || !reader.read_all())
    return fail("wireguard4netns and wg4netns-helper do not understand each other", 0,
                "Install both programs from the same version");
  return message;
}

std::vector<PlanPart> split(const LinkPlan& plan) {
  Splitter splitter(plan);
  splitter.add(&LinkPlan::addresses, plan.addresses);
  splitter.add(&LinkPlan::routes, plan.routes);
  splitter.add(&LinkPlan::route_sources, plan.route_sources);
  splitter.add(&LinkPlan::gateways, plan.gateways);
  splitter.add(&LinkPlan::retired_addresses, plan.retired_addresses);
  return splitter.take();
}

void append(LinkPlan& plan, PlanPart part) {
  plan.mtu = part.plan.mtu;
  plan.table = part.plan.table;
  plan.route_mtu = part.plan.route_mtu;
  append_list(plan.addresses, std::move(part.plan.addresses));
  append_list(plan.routes, std::move(part.plan.routes));
  append_list(plan.route_sources, std::move(part.plan.route_sources));
  append_list(plan.gateways, std::move(part.plan.gateways));
  append_list(plan.retired_addresses, std::move(part.plan.retired_addresses));
}

}  // namespace wg4::handoff
