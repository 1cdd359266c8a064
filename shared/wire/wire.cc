#include "shared/wire/wire.h"

#include <algorithm>
#include <cerrno>
#include <expected>
#include <iterator>
#include <limits>
#include <string_view>

namespace wg4::wire {
namespace {

constexpr std::size_t header_size = 2;
constexpr std::size_t max_text_size = std::numeric_limits<std::uint16_t>::max();  // what its length has room for
constexpr const char* same_version = "Install both programs from the same version";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

void Writer::operator()(const IpAddress& value) {
  bytes_.push_back(value.is_v4() ? 4 : 6);
  std::ranges::copy(value.bytes(), std::back_inserter(bytes_));  // g++ 14 sees an overflow in insert()
}

void Writer::operator()(const Prefix& value) {
  (*this)(value.length);
  (*this)(value.address);
}

void Writer::operator()(const Endpoint& value) {
  (*this)(value.address);
  (*this)(value.port);
  (*this)(value.scope);
}

void Writer::error_number(int value) { ranged(std::clamp(value, 0, max_errno), 0, max_errno); }

void Writer::text(const std::string& value, std::size_t max) {
  require(value.size() <= std::min(max, max_text_size), EMSGSIZE);
  require(value.find('\0') == std::string::npos, EINVAL);
  (*this)(static_cast<std::uint16_t>(value.size()));
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

void Writer::name(const std::string& value, std::size_t max) {
  require(value.size() <= max, EMSGSIZE);
  require(!value.empty(), EINVAL);
  sentence(value);
}

void Writer::sentence(const std::string& value) {
  const std::string_view cut = std::string_view(value).substr(0, max_sentence_size);
  (*this)(static_cast<std::uint16_t>(cut.size()));
  std::ranges::transform(cut, std::back_inserter(bytes_),
                         [](char c) { return static_cast<std::uint8_t>(is_control(c) ? '?' : c); });
}

void Writer::bytes(const std::vector<std::uint8_t>& value, std::size_t max) {
  count(value.size(), max);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

void Writer::bytes(const std::string& value, std::size_t max) {
  count(value.size(), max);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

void Writer::texts(const std::vector<std::string>& values, std::size_t max_count, std::size_t max_size) {
  count(values.size(), max_count);
  for (const std::string& value : values) text(value, max_size);
}

void Writer::sentences(const std::vector<std::string>& values, std::size_t max_count) {
  const std::size_t size = std::min(values.size(), max_count);
  count(size, max_count);
  for (std::size_t i = 0; i < size; ++i) sentence(values[i]);
}

void Writer::strings(const std::vector<std::string>& values, std::size_t max_total) {
  count(values.size(), max_total);
  std::size_t total = 0;
  for (const std::string& value : values) {
    total += value.size() + 1;  // as execve(2) counts them
    require(total <= max_total, EMSGSIZE);
    require(value.find('\0') == std::string::npos, EINVAL);
    (*this)(static_cast<std::uint32_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
}

Result<std::vector<std::uint8_t>> Writer::take(std::size_t max_size) {
  require(bytes_.size() <= max_size, EMSGSIZE);
  if (fault_ != 0) return fail("a message to the other process", fault_);
  return std::move(bytes_);
}

void Writer::count(std::size_t size, std::size_t max) {
  require(size <= max, EMSGSIZE);
  (*this)(static_cast<std::uint32_t>(size));
}

void Reader::operator()(bool& value) {
  std::uint8_t raw = 0;
  (*this)(raw);
  require(raw <= 1);
  value = raw == 1;
}

void Reader::operator()(IpAddress& value) {
  std::uint8_t family = 0;
  (*this)(family);
  require(family == 4 || family == 6);
  const ByteView raw = take(family == 4 ? 4 : 16);
  if (failed_) return;
  value = family == 4 ? IpAddress::v4(raw.first<4>()) : IpAddress::v6(raw.first<16>());
}

void Reader::operator()(Prefix& value) {
  (*this)(value.length);
  (*this)(value.address);
  require(value.length <= value.address.bits());
}

void Reader::operator()(Endpoint& value) {
  (*this)(value.address);
  (*this)(value.port);
  (*this)(value.scope);
}

void Reader::text(std::string& value, std::size_t max) {
  std::uint16_t size = 0;
  (*this)(size);
  require(size <= max);
  const ByteView raw = take(size);
  value.assign(raw.begin(), raw.end());
  require(value.find('\0') == std::string::npos);
}

void Reader::name(std::string& value, std::size_t max) {
  text(value, max);
  require(!value.empty() && std::ranges::none_of(value, is_control));
}

void Reader::sentence(std::string& value) {
  text(value, max_sentence_size);
  require(std::ranges::none_of(value, is_control));
}

void Reader::bytes(std::vector<std::uint8_t>& value, std::size_t max) {
  const ByteView raw = take(count(max));
  value.assign(raw.begin(), raw.end());
}

void Reader::bytes(std::string& value, std::size_t max) {
  const ByteView raw = take(count(max));
  value.assign(raw.begin(), raw.end());
}

void Reader::texts(std::vector<std::string>& values, std::size_t max_count, std::size_t max_size) {
  const std::size_t size = count(max_count);
  for (std::size_t i = 0; i < size && !failed_; ++i) text(values.emplace_back(), max_size);
}

void Reader::sentences(std::vector<std::string>& values, std::size_t max_count) {
  const std::size_t size = count(max_count);
  for (std::size_t i = 0; i < size && !failed_; ++i) sentence(values.emplace_back());
}

void Reader::strings(std::vector<std::string>& values, std::size_t max_total) {
  const std::size_t size = count(max_total);
  std::size_t total = 0;
  for (std::size_t i = 0; i < size && !failed_; ++i) {
    const ByteView raw = take(count(max_total));
    std::string& value = values.emplace_back(raw.begin(), raw.end());
    total += value.size() + 1;
    require(total <= max_total && value.find('\0') == std::string::npos);
  }
}

/// A count that lies is found out at once where the message is too short for it, for an element has a byte at least.
std::size_t Reader::count(std::size_t max) {
  std::uint32_t size = 0;
  (*this)(size);
  require(size <= max && size <= rest_.size());
  return failed_ ? 0 : size;
}

ByteView Reader::take(std::size_t size) {
  require(size <= rest_.size());
  if (failed_) return {};
  const ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

Result<Opened> open(ByteView bytes) {
  if (bytes.size() < header_size) return no_sense();
  if (bytes[0] != format_version)
    return fail("the other process speaks version " + std::to_string(bytes[0]) + " of our messages, this one version " +
                    std::to_string(format_version),
                0, same_version);
  return Opened{static_cast<Kind>(bytes[1]), bytes.subspan(header_size)};
}

std::unexpected<Error> no_sense() { return fail("a message of the other process makes no sense", 0, same_version); }

}  // namespace wg4::wire
