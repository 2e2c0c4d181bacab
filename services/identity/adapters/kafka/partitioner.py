"""The partition of a key by Kafka's own rule, so that other clients' topics line up with ours.

Source: `Utils.murmur2` and the default partitioner of Kafka's Java client. kafka-python has the
same function byte by byte; reading words takes a fifth of the time, and it runs per message.
"""

import struct

SEED = 0x9747B28C
MIX = 0x5BD1E995
WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    length = len(data)
    hashed = SEED ^ length
    words = length >> 2
    for each in struct.unpack_from(f"<{words}I", data):
        word = each * MIX & WORD
        hashed = (hashed * MIX & WORD) ^ ((word ^ word >> 24) * MIX & WORD)
    rest = data[words << 2 :]
    if rest:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * MIX & WORD
    hashed = (hashed ^ hashed >> 13) * MIX & WORD
    return hashed ^ hashed >> 15


def kafka_partition_of(key: bytes, partitions: int) -> int:
    return (murmur2(key) & 0x7FFFFFFF) % partitions
