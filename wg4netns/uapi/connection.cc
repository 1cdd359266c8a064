#include "wg4netns/uapi/connection.h"

#include <cerrno>
#include <utility>

namespace wg4::uapi {
namespace {

constexpr std::size_t allowed_ips_in_a_piece = 256;

}  // namespace

void Connection::received(std::size_t bytes) {
  input_.added(bytes);
  advance();
}

void Connection::received_end() {
  if (state_ == State::set && !in_long_line_) {
    if (!input_.empty()) take_line(input_.view());
    if (state_ == State::set) take_line("");
  }
  input_.clear();
  ended_ = true;
}

void Connection::sent(std::size_t bytes) {
  output_.drop_front(bytes);
  advance();
}

/// Processes complete lines, and continues an answer, until enough output waits to be read.
void Connection::advance() {
  while (state_ == State::answer && output_.size() < piece_size) write_piece();
  while (!answering() && !is_over()) {
    const std::string_view text = input_.view();
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos ? text.size() >= max_line : end >= max_line) {
      take_long_line();
      continue;
    }
    if (end == std::string_view::npos) break;
    if (!std::exchange(in_long_line_, false)) take_line(text.substr(0, end));
    input_.drop_front(end + 1);
    while (state_ == State::answer && output_.size() < piece_size) write_piece();
  }
  if (state_ == State::set) apply(change_.take());
}

/// Drops the part of a too long line that has come; its end may not have come yet.
void Connection::take_long_line() {
  const std::size_t end = input_.view().find('\n');
  if (state_ == State::set) finish(EIO, State::failed);
  if (state_ != State::failed) state_ = State::closed;
  in_long_line_ = end == std::string_view::npos;
  input_.drop_front(in_long_line_ ? input_.size() : end + 1);
}

void Connection::take_line(std::string_view line) {
  switch (state_) {
    case State::request:
      return begin_request(line);
    case State::get:
      if (!line.empty()) return finish(EINVAL, State::failed);
      cursor_ = {};
      write(output_, target_->interface_status());
      state_ = State::answer;
      return;
    case State::own_status:
      if (!line.empty()) return finish(EINVAL, State::failed);
      target_->write_own_status(output_);
      return finish(0, State::request);
    case State::handing:
      if (!line.empty()) return finish(EINVAL, State::failed);
      state_ = State::captured;
      return;
    case State::names:
      return name_line(line);
    case State::link:
      return link_line(line);
    case State::set:
      return set_line(line);
    case State::failed:
      // After an error wg(8) still ends its request with an empty line; other clients begin the next request.
      if (line.empty()) state_ = State::request;
      if (line == "get=1" || line == "set=1") begin_request(line);
      return;
    case State::answer:
    case State::captured:
    case State::closed:
      return;
  }
}

void Connection::begin_request(std::string_view line) {
  change_ = ChangeReader(scopes_);
  names_ = NameReader();
  link_ = LinkReader();
  handover_ = line == "wg4netns=capture"        ? Handover::capture
              : line == "wg4netns=capture-keys" ? Handover::capture_with_keys
              : line == "wg4netns=tun"          ? Handover::tun
                                                : Handover::none;
  state_ = handover_ != Handover::none ? State::handing
           : line == "get=1"           ? State::get
           : line == "set=1"           ? State::set
           : line == "wg4netns=1"      ? State::own_status
           : line == "wg4netns=follow" ? State::names
           : line == "wg4netns=link"   ? State::link
                                       : State::closed;
}

void Connection::set_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    apply(change_.take_all());
    if (state_ == State::set) finish(0, State::request);
  } else if (const Errno number = change_.line(line); number != 0) {
    apply(change_.take_all());
    if (state_ == State::set) finish(number, State::failed);
  }
}

/// Other than a set, this request is applied as a whole or not at all.
void Connection::name_line(std::string_view line) {
  if (line.empty()) return finish(target_->follow(names_.take()), State::request);
  if (const Errno number = names_.line(line); number != 0) finish(number, State::failed);
}

/// The same.
void Connection::link_line(std::string_view line) {
  if (line.empty()) return finish(target_->follow_link(link_.take()), State::request);
  if (const Errno number = link_.line(line); number != 0) finish(number, State::failed);
}

void Connection::apply(DeviceChange change) {
  if (is_empty(change)) return;
  if (const Errno number = target_->apply(std::move(change)); number != 0) finish(number, State::failed);
}

void Connection::write_piece() {
  if (const auto piece = target_->next_peer(cursor_, allowed_ips_in_a_piece)) {
    write(output_, piece->peer, piece->continued);
  } else {
    finish(0, State::request);
  }
}

/// Writes the last lines of an answer.
void Connection::finish(Errno number, State next) {
  const bool negative = state_ == State::set;
  output_.append("errno=").append(negative ? -number : number).append("\n\n");
  state_ = next;
}

}  // namespace wg4::uapi
