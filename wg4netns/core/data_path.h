#pragma once
// The path of transport data through a device, in both directions: all steps of data_batch.h, in order.

#include <memory_resource>
#include <span>
#include <utility>

#include "shared/base/bytes.h"
#include "wg4netns/core/data_batch.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"

namespace wg4 {

/// One thread's data path. `Holder` is a Device, or lends one to one thread at a time: hold() locks it for one step,
/// and the cipher works between the steps, when no thread holds the device.
template <class Holder>
class DataPath {
 public:
  /// `device` and `aead` must outlive this. Keys are in `secrets` while the cipher works with them.
  DataPath(Holder& device, crypto::Aead& aead, std::pmr::memory_resource& secrets)
      : device_(device), aead_(aead), sealing_(secrets), opening_(secrets) {}

  /// Inner packets, as for Device::outbound(). Sealed datagrams go to `out`.
  void send(std::span<const crypto::Plaintext> packets, Device::Flow flow, Now now, Output& out) {
    while (!packets.empty()) {
      packets = packets.subspan(device_.hold()->outbound(packets, flow, now, out, sealing_));
      sealing_.finish(aead_, out);
    }
  }

  /// The runs of one read of the UDP socket, opened in place. `deliver` gets the accepted inner packets, a
  /// std::span<const ByteSpan> for each batch: they point into the runs' buffers, and may be changed there. `wait_turn`
  /// is called before a batch is accepted: it returns once all earlier reads were accepted.
  template <class WaitTurn, class Deliver>
  void receive(std::span<const DatagramRun> runs, Now now, Output& out, WaitTurn&& wait_turn, Deliver&& deliver) {
    for (RunCursor cursor(runs); !cursor.done();) {
      device_.hold()->inbound(cursor, now, out, opening_);
      opening_.open(aead_);
      wait_turn();
      device_.hold()->accept(opening_, now, out);
      deliver(opening_.packets());
    }
  }
  /// The same for a single reading thread, which has no earlier reads to wait for.
  template <class Deliver>
  void receive(std::span<const DatagramRun> runs, Now now, Output& out, Deliver&& deliver) {
    receive(runs, now, out, [] {}, std::forward<Deliver>(deliver));
  }

 private:
  Holder& device_;
  crypto::Aead& aead_;
  SealBatch sealing_;
  OpenBatch opening_;
};

}  // namespace wg4
