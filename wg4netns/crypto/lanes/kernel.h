#pragma once

#include <cstddef>
#include <cstdint>
// ChaCha20-Poly1305 with one packet per vector lane (or one packet over all lanes), for any instruction set that an
// `Isa` struct describes.
//
// Theory. Within one packet, ChaCha20 blocks are independent but Poly1305 is a chain, and both start with work that is
// too small for a vector: one block for the one-time key, a few for the data of a short packet. Different packets are
// independent of each other. So lane i of every vector belongs to packet i: one pass over the 16 state words yields one
// block of key stream for each packet, the first pass yields all the one-time keys, and Poly1305 runs for all packets
// at once (poly.h). The cost is that words by lane have to be turned into rows by packet and back: two transpositions
// per block.
//
// Packets of a group may differ in length. As long as all have a whole block left, no lane is masked; after that, lanes
// are masked out one by one.
//
// Constant time: no branch and no address depends on key, plaintext or ciphertext, only on lengths and addresses, which
// every observer of the packets knows. Masks are made from lengths alone, and the instructions used take the same time
// for any operands. Tags are not compared here: the caller does, in constant time.
//
// Secrets: a kernel keeps them (key, one-time keys, key stream) in registers and in its frame, nowhere else. It clears
// the vector registers before it returns; it cannot clear its own frame, with all that the compiler spilled to it, so
// the caller wipes the stack below itself, once per batch. For a forged packet, jobs[].tag is a secret, too.
//
// This header is compiled once per instruction set with that set's compiler flags. It must include nothing whose inline
// functions the linker could share with code for older CPUs, and everything in it has internal linkage.

#include "wg4netns/crypto/lanes/group.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/lanes/single.h"

namespace wg4::crypto {
namespace {

template <class Isa, class Poly, bool seal>
void run_group(const std::uint8_t* key, LaneJob* jobs, std::size_t count) {
  Group<Isa, Poly>(key, jobs, count).template run<seal>();
  Isa::clear_registers();
}

template <class Isa, class Poly, bool seal>
void run_single(const std::uint8_t* key, LaneJob& job) {
  Single<Isa, Poly>(key, job).template run<seal>();
  Isa::clear_registers();
}

template <class Isa, class Poly>
constexpr LaneKernel kernel_of = {Isa::lanes, run_group<Isa, Poly, true>, run_group<Isa, Poly, false>,
                                  run_single<Isa, Poly, true>, run_single<Isa, Poly, false>};

}  // namespace
}  // namespace wg4::crypto
