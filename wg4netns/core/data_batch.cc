#include "wg4netns/core/data_batch.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "shared/base/bytes.h"
#include "wg4netns/core/messages.h"

namespace wg4 {
namespace {

std::size_t datagram_size(const crypto::SealJob& job) { return data_overhead + job.plaintext.size() + job.padding; }

}  // namespace

void SealBatch::finish(crypto::Aead& aead, Output& out) {
  if (count_ == 0) return;
  auto jobs = std::span(jobs_).first(std::exchange(count_, 0));
  aead.seal_batch(*key_, jobs);
  key_->wipe();
  while (!jobs.empty()) {
    SendRun run = run_;
    run.segment_size = datagram_size(jobs[0]);
    std::size_t count = 0;
    for (bool whole = true; whole && count < jobs.size(); ++count) {
      const std::size_t size = datagram_size(jobs[count]);
      if (size > run.segment_size) break;
      run.size += size;
      whole = size == run.segment_size;
    }
    out.send(run);
    jobs = jobs.subspan(count);
  }
}

ByteSpan RunCursor::datagram() const {
  return run().bytes.subspan(offset_, std::min(run().segment_size, run().bytes.size() - offset_));
}

void RunCursor::advance() {
  offset_ += datagram().size();
  if (offset_ < run().bytes.size()) return;
  runs_ = runs_.subspan(1);
  offset_ = 0;
}

void OpenBatch::open(crypto::Aead& aead) {
  auto jobs = std::span(jobs_).first(job_count_);
  for (std::size_t i = 0; i < group_count_; ++i) {
    aead.open_batch((*keys_)[i], jobs.first(groups_[i].count));
    (*keys_)[i].wipe();
    jobs = jobs.subspan(groups_[i].count);
  }
}

}  // namespace wg4
