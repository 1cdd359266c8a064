#!/usr/bin/env python3
"""Prints generated.h: test vectors from a second implementation, so that ours is not its own judge.

BLAKE2s and HMAC come from Python's standard library. ChaCha20-Poly1305 is written out below from RFC 8439, and has to
reproduce the RFC's own example before anything is printed.

Usage: generate.py > generated.h
"""
import hashlib
import hmac
import struct


def pattern(size, start=0):
    """The same bytes as pattern() in vector_support.h."""
    return bytes((start + i) % 251 for i in range(size))


def rotate(value, by):
    return ((value << by) | (value >> (32 - by))) & 0xFFFFFFFF


def chacha20_block(key, counter, nonce):
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key), counter]
    start += struct.unpack("<3I", nonce)
    x = list(start)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for target, other, source, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[target] = (x[target] + x[other]) & 0xFFFFFFFF
                x[source] = rotate(x[source] ^ x[target], by)
    return struct.pack("<16I", *((i + j) & 0xFFFFFFFF for i, j in zip(x, start)))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")


def seal(key, nonce, plaintext, associated):
    stream = b"".join(chacha20_block(key, 1 + i, nonce) for i in range((len(plaintext) + 63) // 64))
    sealed = bytes(a ^ b for a, b in zip(plaintext, stream))
    filled = b"".join(part + bytes(-len(part) % 16) for part in (associated, sealed))
    lengths = struct.pack("<QQ", len(associated), len(sealed))
    return sealed + poly1305(chacha20_block(key, 0, nonce)[:32], filled + lengths)


def self_check():
    """RFC 8439, 2.8.2"""
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            b"sunscreen would be it.")
    nonce = bytes.fromhex("070000004041424344454647")
    sealed = seal(bytes(range(0x80, 0xA0)), nonce, text, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


def print_table(name, comment, rows):
    print(f"\n// {comment}\ninline constexpr {name}Vector {name.lower()}_vectors[] = {{")
    for row in rows:
        fields = [f'"{field}"' if isinstance(field, str) else f"{field}U" for field in row]
        print("    {" + ", ".join(fields) + "},")
    print("};")


def kdf(key, data):
    prk = hmac.new(key, data, hashlib.blake2s).digest()
    outputs = [b""]
    for number in (1, 2, 3):
        outputs.append(hmac.new(prk, outputs[-1] + bytes([number]), hashlib.blake2s).digest())
    return [output.hex() for output in outputs[1:]]


def main():
    self_check()
    print("#pragma once\n// Made by generate.py; not edited by hand.\n\n#include \"tests/vectors/vector_support.h\"\n\n"
          "// clang-format off\nnamespace wg4::vectors {")
    print_table("Blake2s", "output size, key size, input size, hash", [
        (out, key, size, hashlib.blake2s(pattern(size), key=pattern(key, 3), digest_size=out).hexdigest())
        for out in (1, 16, 20, 32) for key in (0, 1, 16, 32)
        for size in (0, 1, 63, 64, 65, 116, 127, 128, 129, 1000)])
    print_table("Hmac", "key size, input size, mac", [
        (key, size, hmac.new(pattern(key, 5), pattern(size), hashlib.blake2s).hexdigest())
        for key in (0, 1, 32, 63, 64, 65, 200) for size in (0, 1, 32, 64, 65, 300)])
    print_table("Kdf", "input size, first, second and third output; the key is pattern(32, 9)", [
        (size, *kdf(pattern(32, 9), pattern(size))) for size in (0, 1, 32, 33, 64, 100)])
    print_table("Aead", "plaintext size, counter, BLAKE2s of what pattern(size) is sealed to by pattern(32, 11)", [
        (size, counter, hashlib.blake2s(
            seal(pattern(32, 11), struct.pack("<IQ", 0, counter), pattern(size), b"")).hexdigest())
        for size, counter in ((0, 0), (1, 1), (15, 2), (16, 3), (63, 1 << 16), (64, 1 << 32), (65, (1 << 60) - 1),
                              (127, 1 << 60), (128, (1 << 63) + 5), (1420, (1 << 64) - (1 << 13) - 2), (9000, 7))])
    print_table("Handshake", "plaintext size, associated size, sealed by pattern(32, 13) with nonce 0", [
        (size, extra, seal(pattern(32, 13), bytes(12), pattern(size), pattern(extra, 17)).hex())
        for size in (0, 12, 16, 32) for extra in (0, 32)])
    print("}  // namespace wg4::vectors\n// clang-format on")


if __name__ == "__main__":
    main()
