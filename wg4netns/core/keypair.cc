#include "wg4netns/core/keypair.h"

#include <utility>

namespace wg4 {

Keypair* Keypairs::find(std::uint32_t local_index) {
  for (const KeypairPtr* keypair : {&current_, &next_, &previous_})
    if (*keypair && (*keypair)->local_index == local_index) return keypair->get();
  return nullptr;
}

RetiredIndices Keypairs::add(KeypairPtr keypair) {
  RetiredIndices retired;
  retired.add(previous_);
  if (keypair->initiator) {
    // An unconfirmed session as responder is newer than the current one: packets in flight may belong to it.
    if (next_) {
      retired.add(current_);
      previous_ = std::move(next_);
    } else {
      previous_ = std::move(current_);
    }
    current_ = std::move(keypair);
  } else {
    retired.add(next_);
    previous_.reset();
    next_ = std::move(keypair);
  }
  return retired;
}

bool Keypairs::confirm(const Keypair& keypair, RetiredIndices& retired) {
  if (&keypair != next_.get()) return false;
  retired.add(previous_);
  previous_ = std::move(current_);
  current_ = std::move(next_);
  return true;
}

RetiredIndices Keypairs::clear() {
  RetiredIndices retired;
  for (KeypairPtr* keypair : {&previous_, &current_, &next_}) {
    retired.add(*keypair);
    keypair->reset();
  }
  return retired;
}

RetiredIndices Keypairs::stop_sending() {
  RetiredIndices retired;
  retired.add(next_);
  next_.reset();
  if (current_) current_->sending = false;
  return retired;
}

}  // namespace wg4
