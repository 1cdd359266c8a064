#!/usr/bin/env python3
"""Prints noise_transcript.h: one whole WireGuard handshake (whitepaper 5.4) and a first packet, from fixed keys.

A second implementation, so that ours is not its own judge: X25519 is written out from RFC 7748 and has to reproduce the
RFC's example, the rest is generate.py's.

Usage: generate_noise.py > noise_transcript.h
"""
import hashlib
import hmac
import struct

from generate import pattern, seal, self_check

PRIME = 2 ** 255 - 19
BASE = (9).to_bytes(32, "little")


def x25519(scalar, point):
    k = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | 1 << 254
    x1 = int.from_bytes(point, "little") & ~(1 << 255)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for at in range(254, -1, -1):
        bit = k >> at & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def check_x25519():
    """RFC 7748, 5.2"""
    scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    assert x25519(scalar, point).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"


def blake2s(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def kdf(count, key, data):
    prk = hmac.new(key, data, hashlib.blake2s).digest()
    outputs = [b""]
    for number in range(1, count + 1):
        outputs.append(hmac.new(prk, outputs[-1] + bytes([number]), hashlib.blake2s).digest())
    return outputs[1:]


def macs(message, receiver):
    return message + mac(blake2s(b"mac1----", receiver), message) + bytes(16)


def handshake(psk):
    static_i, static_r, ephemeral_i, ephemeral_r = (pattern(32, start) for start in (10, 50, 90, 130))
    public_i, public_r, public_ei, public_er = (x25519(k, BASE) for k in (static_i, static_r, ephemeral_i, ephemeral_r))
    # 2024-01-01 00:00:00.5 UTC, rounded down to a multiple of 2^24 ns
    timestamp = struct.pack(">QI", 0x400000000000000A + 1704067200, 500000000 >> 24 << 24)

    chain = blake2s(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    hashed = blake2s(chain, b"WireGuard v1 zx2c4 Jason@zx2c4.com")
    hashed = blake2s(hashed, public_r)

    (chain,) = kdf(1, chain, public_ei)
    hashed = blake2s(hashed, public_ei)
    chain, key = kdf(2, chain, x25519(ephemeral_i, public_r))
    sealed_static = seal(key, bytes(12), public_i, hashed)
    hashed = blake2s(hashed, sealed_static)
    chain, key = kdf(2, chain, x25519(static_i, public_r))
    sealed_timestamp = seal(key, bytes(12), timestamp, hashed)
    hashed = blake2s(hashed, sealed_timestamp)
    initiation = macs(struct.pack("<II", 1, 0x11223344) + public_ei + sealed_static + sealed_timestamp, public_r)

    (chain,) = kdf(1, chain, public_er)
    hashed = blake2s(hashed, public_er)
    (chain,) = kdf(1, chain, x25519(ephemeral_r, public_ei))
    (chain,) = kdf(1, chain, x25519(ephemeral_r, public_i))
    chain, t, key = kdf(3, chain, psk)
    hashed = blake2s(hashed, t)
    sealed_nothing = seal(key, bytes(12), b"", hashed)
    response = macs(struct.pack("<III", 2, 0x55667788, 0x11223344) + public_er + sealed_nothing, public_i)

    send, receive = kdf(2, chain, b"")
    return initiation, response, send, receive


def main():
    self_check()
    check_x25519()
    print("#pragma once\n// Made by generate_noise.py; not edited by hand.\n\n#include <string_view>\n\n"
          "// clang-format off\nnamespace wg4::vectors {\n\n"
          "// Static keys pattern(32, 10) and pattern(32, 50), ephemeral keys pattern(32, 90) and pattern(32, 130),\n"
          "// of initiator and responder; indices 0x11223344 and 0x55667788; 2024-01-01 00:00:00.5 UTC.\n"
          "struct TranscriptVector {\n  bool has_psk;  // pattern(32, 170)\n  std::string_view initiation;\n"
          "  std::string_view response;\n  std::string_view initiator_send_key;\n"
          "  std::string_view initiator_receive_key;\n};\n\ninline constexpr TranscriptVector transcript_vectors[] = {")
    for has_psk in (False, True):
        print(f"    {{{str(has_psk).lower()},")
        parts = handshake(pattern(32, 170) if has_psk else bytes(32))
        print(",\n".join(f'     "{part.hex()}"' for part in parts) + "},")
    print("};\n\n}  // namespace wg4::vectors\n// clang-format on")


main()
