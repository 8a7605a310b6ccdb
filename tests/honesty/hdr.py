# SPDX-License-Identifier: Apache-2.0
"""HdrHistogram V2, read without rpsd's own code: [(highest value of a slot, count)]."""
import base64
import math
import struct
import zlib


def _numbers(payload):
    """Zigzag LEB128, whose ninth byte has all its 8 bits."""
    at = 0
    while at < len(payload):
        value = 0
        for n in range(9):
            byte = payload[at]
            at += 1
            value |= (byte if n == 8 else byte & 0x7f) << (7 * n)
            if n == 8 or not byte & 0x80:
                break
        yield (value >> 1) ^ -(value & 1)


def decode(text):
    raw = base64.b64decode(text)
    if struct.unpack(">I", raw[:4])[0] == 0x1c849314:
        raw = zlib.decompress(raw[8:])
    _, size, _, digits, lowest, _, _ = struct.unpack(">iiiiqqd", raw[:40])
    unit = lowest.bit_length() - 1
    half_bits = (2 * 10 ** digits - 1).bit_length() - 1
    slots, index = [], 0
    for number in _numbers(raw[40:40 + size]):
        if number < 0:
            index -= number
            continue
        if number:
            bucket = max((index >> half_bits) - 1, 0)
            sub = index - (bucket << half_bits)
            slots.append((((sub + 1) << (bucket + unit)) - 1, number))
        index += 1
    return slots


def count(slots, above=-1):
    return sum(n for value, n in slots if value > above)


def add(*parts):
    total = {}
    for slots in parts:
        for value, n in slots:
            total[value] = total.get(value, 0) + n
    return sorted(total.items())


def at(slots, q):
    """The quantile q: the value of the slot that holds the sample of rank ceil(q n)."""
    rank, seen = math.ceil(q * count(slots)), 0
    for value, n in slots:
        seen += n
        if seen >= rank:
            return value
    raise ValueError("no sample")
