#pragma once
// How our own processes say things to each other, as bytes. Pure: who sends them is in message_socket.h.
//
// A message is a struct that knows its kind, and visits its fields for writing and for reading alike:
//
//   struct Dial {
//     static constexpr wire::Kind message_kind = wire::Kind::dial;
//     Protocol protocol = Protocol::tcp;
//     IpAddress address;
//     std::uint16_t port = 0;
//
//     static constexpr void fields(auto& self, auto& visit) {
//       visit.choice(self.protocol, Protocol::udp);  // an enum, and the last of its values
//       visit(self.address);
//       visit(self.port);
//     }
//   };
//
//   const std::vector<std::uint8_t> bytes = TRY(wire::encode(dial));
//   const Dial dial = TRY(wire::decode<Dial>(bytes));
//
// Its bytes are the format's version, the kind, and the fields in this order. A number is little-endian, a bool 0 or 1;
// text is its length (16 bits) and its bytes, a list its count (32 bits) and its elements; strings are a list of texts
// with longer lengths (32 bits); an address is 4 or 6 and its bytes, a prefix its length and its address. There is one
// way to write each message, and nothing is optional: what decodes encodes to the same bytes again.

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/wire/kind.h"

namespace wg4::wire {

inline constexpr std::uint8_t format_version = 3;
inline constexpr std::size_t max_message_size = std::size_t{32} * 1024;  // well under the default socket buffer
inline constexpr std::size_t max_sentence_size = 2048;                   // bytes; what is longer is cut
inline constexpr int max_errno = 4095;                                   // the kernel's own limit

// The verbs of a visitor. Limits belong to the field: more than that neither leaves nor arrives.
//
//   visit(field)                a bool, an unsigned number, an IpAddress, a Prefix, an Endpoint
//   visit.ranged(n, from, to)   an int or an unsigned within these two
//   visit.error_number(n)       an errno; 0 = none
//   visit.choice(e, last)       an enum that counts from 0 to `last`
//   visit.text(s, max)          at most `max` bytes, any but NUL
//   visit.name(s, max)          the same, but not empty, and with control characters as in a sentence
//   visit.sentence(s)           for people: cut to max_sentence_size, control characters become '?', since the other
//                               side shows it on somebody's terminal; one that still has any is refused
//   visit.bytes(v, max)         at most `max` bytes of any kind, in a vector or a string
//   visit.list(v, max)          a vector of what visit() takes
//   visit.texts(v, n, max)      at most `n` texts of at most `max` bytes
//   visit.sentences(v, n)       at most `n`; what is more is left out
//   visit.each(v, max, body)    a vector of anything else; body(element) visits one
//   visit.alternative(a, body)  a variant; body(value) visits what it holds
//   visit.strings(v, max)       any number of texts of any length, with at most `max` bytes together

class Writer {
 public:
  explicit Writer(Kind kind) : bytes_{format_version, static_cast<std::uint8_t>(kind)} {}

  void operator()(bool value) { bytes_.push_back(value ? 1 : 0); }
  template <std::unsigned_integral T>
  void operator()(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store_le(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  void operator()(const IpAddress& value);
  void operator()(const Prefix& value);
  void operator()(const Endpoint& value);

  template <std::integral T>
  void ranged(T value, std::type_identity_t<T> least, std::type_identity_t<T> most) {
    static_assert(sizeof(T) == sizeof(std::uint32_t));
    require(least <= value && value <= most, EINVAL);
    (*this)(static_cast<std::uint32_t>(value));
  }
  void error_number(int value);
  template <class E>
  void choice(E value, E last) {
    require(value <= last, EINVAL);
    (*this)(static_cast<std::uint8_t>(value));
  }
  void text(const std::string& value, std::size_t max);
  void name(const std::string& value, std::size_t max);
  void sentence(const std::string& value);
  void bytes(const std::vector<std::uint8_t>& value, std::size_t max);
  void bytes(const std::string& value, std::size_t max);
  template <class T>
  void each(const std::vector<T>& values, std::size_t max, const auto& body) {
    count(values.size(), max);
    for (const T& value : values) body(value);
  }
  template <class... T>
  void alternative(const std::variant<T...>& value, const auto& body) {
    (*this)(static_cast<std::uint8_t>(value.index()));
    std::visit(body, value);
  }
  template <class T>
  void list(const std::vector<T>& values, std::size_t max) {
    count(values.size(), max);
    for (const T& value : values) (*this)(value);
  }
  void texts(const std::vector<std::string>& values, std::size_t max_count, std::size_t max_size);
  void sentences(const std::vector<std::string>& values, std::size_t max_count);
  void strings(const std::vector<std::string>& values, std::size_t max_total);

  /// EMSGSIZE if a field, or all of them, are beyond their limit; EINVAL if one is what it cannot be.
  [[nodiscard]] Result<std::vector<std::uint8_t>> take(std::size_t max_size);

 private:
  void require(bool condition, int fault) { fault_ = fault_ == 0 && !condition ? fault : fault_; }
  void count(std::size_t size, std::size_t max);

  std::vector<std::uint8_t> bytes_;
  int fault_ = 0;  // errno
};

/// Reads on after an error, yielding zeros: decode() asks once, at the end, whether all was well. It holds no more than
/// what the message has bytes for.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  void operator()(bool& value);
  template <std::unsigned_integral T>
  void operator()(T& value) {
    const ByteView raw = take(sizeof(T));
    value = raw.empty() ? T{0} : load_le<T>(raw.data());
  }
  void operator()(IpAddress& value);
  void operator()(Prefix& value);
  void operator()(Endpoint& value);

  template <std::integral T>
  void ranged(T& value, std::type_identity_t<T> least, std::type_identity_t<T> most) {
    static_assert(sizeof(T) == sizeof(std::uint32_t));
    std::uint32_t raw = 0;
    (*this)(raw);
    value = static_cast<T>(raw);
    require(least <= value && value <= most);
  }
  void error_number(int& value) { ranged(value, 0, max_errno); }
  template <class E>
  void choice(E& value, E last) {
    std::uint8_t raw = 0;
    (*this)(raw);
    require(raw <= static_cast<std::uint8_t>(last));
    value = static_cast<E>(failed_ ? 0 : raw);
  }
  void text(std::string& value, std::size_t max);
  void name(std::string& value, std::size_t max);
  void sentence(std::string& value);
  void bytes(std::vector<std::uint8_t>& value, std::size_t max);
  void bytes(std::string& value, std::size_t max);
  template <class T>
  void each(std::vector<T>& values, std::size_t max, const auto& body) {
    const std::size_t size = count(max);
    for (std::size_t i = 0; i < size && !failed_; ++i) body(values.emplace_back());
  }
  template <class... T>
  void alternative(std::variant<T...>& value, const auto& body) {
    std::uint8_t index = 0;
    (*this)(index);
    require(index < sizeof...(T));
    if (failed_) return;
    std::size_t at = 0;
    ((at++ == index ? static_cast<void>(value.template emplace<T>()) : void()), ...);
    std::visit(body, value);
  }
  template <class T>
  void list(std::vector<T>& values, std::size_t max) {
    const std::size_t size = count(max);
    for (std::size_t i = 0; i < size && !failed_; ++i) (*this)(values.emplace_back());
  }
  void texts(std::vector<std::string>& values, std::size_t max_count, std::size_t max_size);
  void sentences(std::vector<std::string>& values, std::size_t max_count);
  void strings(std::vector<std::string>& values, std::size_t max_total);

  /// All of it made sense, and nothing is left.
  [[nodiscard]] bool is_done() const { return !failed_ && rest_.empty(); }

 private:
  void require(bool condition) { failed_ = failed_ || !condition; }
  std::size_t count(std::size_t max);
  ByteView take(std::size_t size);

  ByteView rest_;
  bool failed_ = false;
};

/// The kind of a message and the rest of it. A message of another version is an error that says so.
struct Opened {
  Kind kind{};
  ByteView body;
};
[[nodiscard]] Result<Opened> open(ByteView bytes);
/// The error of a message that is not one of ours.
[[nodiscard]] std::unexpected<Error> no_sense();

/// Of the largest M, in bytes: what it says itself ("static constexpr std::size_t max_size"), or max_message_size.
template <class M>
[[nodiscard]] consteval std::size_t max_size_of() {
  if constexpr (requires { M::max_size; })
    return M::max_size;
  else
    return max_message_size;
}

/// EMSGSIZE: something in it is too long, or there is too much of it. EINVAL: something in it cannot be said.
template <class M>
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(const M& message) {
  Writer writer(M::message_kind);
  M::fields(message, writer);
  return writer.take(max_size_of<M>());
}

template <class M>
struct Decoder {
  [[nodiscard]] static Result<M> read(const Opened& opened) {
    if (opened.kind != M::message_kind || opened.body.size() > max_size_of<M>()) return no_sense();
    M message;
    Reader reader(opened.body);
    M::fields(message, reader);
    if (!reader.is_done()) return no_sense();
    return message;
  }
};

template <class... M>
struct Decoder<std::variant<M...>> {
  [[nodiscard]] static Result<std::variant<M...>> read(const Opened& opened) {
    Result<std::variant<M...>> result = no_sense();
    const auto try_one = [&]<class One>(std::type_identity<One>) {
      if (opened.kind != One::message_kind) return;
      auto message = Decoder<One>::read(opened);
      if (message) result = *std::move(message);
    };
    (try_one(std::type_identity<M>{}), ...);
    return result;
  }
};

/// M is a message, or a variant of those that may come. Anything malformed is an error: another version or kind, cut
/// off, trailing bytes, lengths that lie, values out of range.
template <class M>
[[nodiscard]] Result<M> decode(ByteView bytes) {
  return Decoder<M>::read(TRY(open(bytes)));
}

}  // namespace wg4::wire
