#!/usr/bin/python3
"""A second decoder of artifacts, written from the text of common/protocol/artifact_format.hpp, payload_format.hpp and
common/base/level.hpp alone.

    artifact_decoder.py --vectors tests/vectors          compares with the committed vectors
    artifact_decoder.py FILE --kept K --elements N,N,..   prints what a plaintext artifact holds, as JSON
"""
import argparse
import hashlib
import json
import pathlib
import struct
import sys

import numpy as np

SEGMENT = struct.Struct("<32s32s32sQQ32sI")
FEEDBACK = struct.Struct("<32s32s32s32s32sQH")


class Refused(Exception):
    """The bytes are no artifact of the layout."""


def need(condition, what):
    if not condition:
        raise Refused(what)


def levels():
    code = np.arange(256)
    value = (8 + (code & 7)) / 8 * np.exp2((code >> 3).astype(np.float64) - 26)
    value[0] = 0.0
    return value.astype(np.float32)


LEVELS = levels()


def kept_in_chunk(k, elements):
    return max(1, (k * elements + 2048) // 4096)


class GapCode:
    def __init__(self, k):
        self.m = max(1, (11 * 4096 + 2 * k - 1) // (16 * k))
        self.b = (self.m - 1).bit_length()
        self.c = (1 << self.b) - self.m

    def read(self, bits, at):
        """The gap at bit `at`, and the bit after it."""
        ones = np.flatnonzero(bits[at:])
        need(len(ones) > 0, "a gap has no end")
        q = int(ones[0])
        at += q + 1
        if self.m == 1:
            return q, at
        need(at + self.b - 1 <= len(bits), "cut short")
        t = sum(int(bit) << i for i, bit in enumerate(bits[at : at + self.b - 1]))
        at += self.b - 1
        if t >= self.c:
            need(at < len(bits), "cut short")
            t = 2 * t + int(bits[at]) - self.c
            at += 1
        return q * self.m + t, at


def read_chunk(data, k, elements):
    """(indices, values, low, high, bytes taken) of the chunk at the front of data."""
    kept = kept_in_chunk(k, elements)
    need(len(data) >= 2, "cut short")
    low, high = data[0], data[1]
    need(low <= high, "levels exchanged")
    # No chunk is longer: every gap has its B + 1 bits, and the positions left over at most one each.
    gap_code = GapCode(k)
    most = 2 + (kept * (3 + gap_code.b) + elements + 7) // 8
    bits = np.unpackbits(np.frombuffer(data[2:most], np.uint8), bitorder="little")
    need(len(bits) >= 2 * kept, "cut short")
    pairs = bits[: 2 * kept].reshape(kept, 2)
    is_high, negative = pairs[:, 0] == 1, pairs[:, 1] == 1
    need(low < high or not is_high.any(), "a magnitude bit of equal levels")
    at, following = 2 * kept, 0
    indices = np.zeros(kept, np.int64)
    for i in range(kept):
        gap, at = gap_code.read(bits, at)
        indices[i] = following + gap
        following = int(indices[i]) + 1
        need(indices[i] < elements, "an index outside the chunk")
    end = (at + 7) // 8 * 8
    need(not bits[at:end].any(), "padding bits")
    magnitudes = np.where(is_high, LEVELS[high], LEVELS[low])
    values = np.where(negative, -magnitudes, magnitudes).astype(np.float32)
    return indices, values, low, high, 2 + end // 8


def decode(data, k, chunk_elements):
    """The artifact as a dict; chunks are (indices, values) and their bytes."""
    need(data[:4] == b"CVAR", "magic")
    need(int.from_bytes(data[4:6], "little") == 2, "version")
    need(len(data) >= 82, "cut short")
    out = {"run": data[6:38], "round": int.from_bytes(data[38:46], "little"),
           "uid": int.from_bytes(data[46:48], "little"), "base_root": data[48:80]}
    records = int.from_bytes(data[80:82], "little")
    need(2 <= records <= 257, "segment records")
    at = 82
    need(len(data) >= at + records * SEGMENT.size + FEEDBACK.size + 68, "cut short")
    out["trace"] = []
    for _ in range(records):
        out["trace"].append(SEGMENT.unpack_from(data, at))
        at += SEGMENT.size
    feedback = FEEDBACK.unpack_from(data, at)
    at += FEEDBACK.size
    out["payload_root"], out["norm"] = feedback[4], struct.unpack("<d", struct.pack("<Q", feedback[5]))[0]
    need(feedback[6] == k, "another density")
    out["profile_id"], out["build_id"] = data[at : at + 32], data[at + 32 : at + 64]
    length = int.from_bytes(data[at + 64 : at + 68], "little")
    at += 68
    need(length <= 128 and len(data) >= at + length + 4, "hardware class")
    out["hardware_class"] = data[at : at + length].decode("ascii")
    at += length
    need(int.from_bytes(data[at : at + 4], "little") == len(chunk_elements), "number of chunks")
    at += 4
    out["chunks"], out["encoded"] = [], []
    for elements in chunk_elements:
        indices, values, _, _, size = read_chunk(data[at:], k, elements)
        out["chunks"].append((indices, values))
        out["encoded"].append(data[at : at + size])
        at += size
    need(at == len(data), "bytes after the end")
    return out


def merkle_root(leaves):
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0] if level else bytes(32)


def same(chunk, expected):
    indices, values = chunk
    wanted = np.array(expected["values"], np.float32)
    # Bit for bit; the signs of zeros are lost in JSON.
    return list(indices) == expected["indices"] and np.array_equal(values, wanted)


def expect_refused(what, function, *arguments):
    try:
        function(*arguments)
    except Refused:
        return
    sys.exit(f"accepted: {what}")


def check_vectors(folder):
    count = 0
    for case in json.loads((folder / "payload.json").read_text())["cases"]:
        data = bytes.fromhex(case["bytes"][2:])
        k, elements = case["keptPerChunk"], case["elements"]
        indices, values, _, _, size = read_chunk(data, k, elements)
        if size != len(data) or not same((indices, values), case["decoded"]):
            sys.exit(f"a chunk of {elements} at k = {k} decodes to other values")
        expect_refused("a cut chunk", read_chunk, data[:-1], k, elements)
        count += 1
    for case in json.loads((folder / "artifact.json").read_text())["cases"]:
        data = bytes.fromhex(case["bytes"][2:])
        elements = case["chunkElements"]
        artifact = decode(data, case["keptPerChunk"], elements)
        for chunk, expected in zip(artifact["chunks"], case["decoded"], strict=True):
            if not same(chunk, expected):
                sys.exit("the artifact decodes to other values")
        root = merkle_root(artifact["encoded"])
        if root != bytes.fromhex(case["payloadRoot"][2:]) or root != artifact["payload_root"]:
            sys.exit("the payload root differs")
        expect_refused("a cut artifact", decode, data[:-1], case["keptPerChunk"], elements)
        expect_refused("a longer artifact", decode, data + b"\0", case["keptPerChunk"], elements)
        old = data[:4] + b"\1\0" + data[6:]
        expect_refused("version 1", decode, old, case["keptPerChunk"], elements)
        count += 1
    if count < 20:
        sys.exit(f"only {count} vectors in {folder}")
    print(f"{count} vectors decode to the same values")


def summary(artifact):
    values = np.concatenate([values for _, values in artifact["chunks"]]).astype(np.float64)
    payload = sum(len(chunk) for chunk in artifact["encoded"])
    return {"round": artifact["round"], "uid": artifact["uid"], "chunks": len(artifact["chunks"]),
            "kept_values": len(values), "payload_bytes": payload, "bits_per_kept_value": 8 * payload / len(values),
            "norm": float(np.sqrt(np.sum(values * values))), "norm_claimed": artifact["norm"],
            "payload_root": "0x" + merkle_root(artifact["encoded"]).hex(),
            "payload_root_claimed": "0x" + artifact["payload_root"].hex()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=pathlib.Path)
    parser.add_argument("--vectors", type=pathlib.Path)
    parser.add_argument("--kept", type=int, default=64)
    parser.add_argument("--elements", help="elements of each chunk, comma-separated")
    options = parser.parse_args()
    if options.vectors:
        check_vectors(options.vectors)
    elif options.file and options.elements:
        sizes = [int(size) for size in options.elements.split(",")]
        try:
            print(json.dumps(summary(decode(options.file.read_bytes(), options.kept, sizes)), indent=1))
        except Refused as reason:
            sys.exit(f"{options.file} is refused: {reason}")
    else:
        parser.error("give --vectors, or a file and --elements")


if __name__ == "__main__":
    main()
