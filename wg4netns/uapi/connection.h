#pragma once
// The server's side of one client's connection, without the socket: bytes in, bytes out. Requests follow each other;
// each ends with an empty line and is answered:
//
//   set=1, lines, ""        errno=N, ""           lines are applied as they come
//   get=1, ""               status, errno=0, ""   written as the client reads
//   wg4netns=1, ""          more of this program's own, as "key=value" lines; errno=0, ""
//   wg4netns=follow, lines, ""   errno=N, ""    replaces all endpoints that are names
//   wg4netns=capture, ""    errno=N, "", and then a capture of the tunnel instead of requests
//   wg4netns=capture-keys, ""   the same, with the keys that decrypt it
//   wg4netns=tun, ""        errno=0, "" with a descriptor of the TUN (SCM_RIGHTS), for a reload; then the connection
//   ends wg4netns=link, lines, ""   errno=N, ""      the interface's settings after a reload
//
// The last six are requests of their own because clients know get's keys: wg(8) ignores unknown keys, but
// others need not. Any other request ends the connection.
//
// The memory for one client is bounded, whatever it sends and however slowly it reads: a line, some peers of a set, and
// a piece of an answer. So an answer that is longer than a piece (some hundred allowed IPs) is no atomic snapshot: a
// change in between shows in the pieces behind it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/core/control.h"
#include "wg4netns/uapi/codec.h"

namespace wg4::uapi {

/// The tunnel, as clients configure it and read its status.
class Target {
 public:
  virtual ~Target() = default;
  /// May fail in the middle; the changes before that stay applied.
  [[nodiscard]] virtual Errno apply(DeviceChange change) = 0;
  [[nodiscard]] virtual InterfaceStatus interface_status() = 0;
  /// See Device::next_status().
  [[nodiscard]] virtual std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) = 0;
  /// The lines of "wg4netns=1".
  virtual void write_own_status(SecretText& out) = 0;
  /// Replaces the list of peers whose endpoints are names.
  [[nodiscard]] virtual Errno follow(std::vector<NamedEndpoint> names) = 0;
  /// The interface now has these addresses, this MTU, and its routes in this table.
  [[nodiscard]] virtual Errno follow_link(LinkStatus link) = 0;
  /// Takes over the connection of a client that has asked for a capture, or for the TUN, and answers it.
  virtual void begin_capture(UniqueFd client, bool with_keys) = 0;
  virtual void give_tun(UniqueFd client) = 0;
};

class Connection {
 public:
  static constexpr std::size_t max_line = 64UL * 1024;    // bytes; a longer line is answered by EIO
  static constexpr std::size_t max_read = 16UL * 1024;    // at a time
  static constexpr std::size_t piece_size = 16UL * 1024;  // bytes of an answer; a little more may be made at a time

  explicit Connection(Target& target, ScopeOfName scopes = no_scopes) : target_(&target), scopes_(scopes) {}

  /// The client's bytes may be read only while this is true.
  [[nodiscard]] bool wants_input() const { return !is_over() && !ended_ && !answering(); }
  /// The buffer to read them into, at most max_read bytes.
  [[nodiscard]] std::span<char> room() { return input_.room(max_read); }
  void received(std::size_t bytes);
  /// The client sends no more. The lines of a set so far are applied.
  void received_end();

  /// The next bytes for the client; more are made as these are taken. Empty: nothing for now.
  [[nodiscard]] std::string_view output() const { return output_.view(); }
  void sent(std::size_t bytes);
  /// What Target is to take over the socket for, after all output has been sent.
  enum class Handover : std::uint8_t { none, capture, capture_with_keys, tun };
  [[nodiscard]] Handover handover() const {
    return state_ == State::captured && output_.empty() ? handover_ : Handover::none;
  }
  /// There will be no more output.
  [[nodiscard]] bool done() const { return (state_ == State::closed || ended_) && output_.empty(); }

 private:
  enum class State : std::uint8_t {
    request,     ///< expects the first line of a request
    get,         ///< expects the end of a get
    own_status,  ///< ... of a wg4netns=1
    handing,     ///< ... of a request that hands over a descriptor
    names,       ///< expects lines of a wg4netns=follow
    link,        ///< expects lines of a wg4netns=link
    set,         ///< expects lines of a set
    failed,      ///< skips the rest of a request that was answered with an error
    answer,      ///< writes the answer to a get
    captured,    ///< Target takes over the connection
    closed,      ///< the connection ends
  };

  [[nodiscard]] bool is_over() const { return state_ == State::captured || state_ == State::closed; }
  [[nodiscard]] bool answering() const { return state_ == State::answer || output_.size() >= piece_size; }
  void advance();
  void take_line(std::string_view line);
  void take_long_line();
  void begin_request(std::string_view line);
  void set_line(std::string_view line);
  void name_line(std::string_view line);
  void link_line(std::string_view line);
  void apply(DeviceChange change);
  void write_piece();
  void finish(Errno number, State next);

  Target* target_;
  ScopeOfName scopes_;
  State state_ = State::request;
  bool ended_ = false;         // the client sends no more, and all that it sent was processed
  bool in_long_line_ = false;  // a line that is being skipped
  Handover handover_ = Handover::none;
  SecretText input_;
  SecretText output_;
  ChangeReader change_;
  NameReader names_;
  LinkReader link_;
  StatusCursor cursor_;  // position of the answer
};

}  // namespace wg4::uapi
