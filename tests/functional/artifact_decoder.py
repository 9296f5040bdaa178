#!/usr/bin/python3
"""A second decoder of artifacts, written from the text of common/protocol/artifact_format.hpp, payload_format.hpp,
prefix_code.hpp and common/base/level.hpp alone.

    artifact_decoder.py --vectors tests/vectors          compares with the committed vectors
    artifact_decoder.py FILE --kept K --bits B --elements N,N,..   prints what a plaintext artifact holds, as JSON
"""
import argparse
import hashlib
import json
import pathlib
import struct
import sys

import numpy as np

SEGMENT = struct.Struct("<32s32s32sQQ32sI")
FEEDBACK = struct.Struct("<32s32s32sQH")


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


class Bits:
    """Bits of a part in their order; reading past the end is refused."""

    def __init__(self, data):
        self.bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        self.at = 0

    def one(self):
        need(self.at < len(self.bits), "cut short")
        self.at += 1
        return int(self.bits[self.at - 1])

    def number(self, count):
        return sum(self.one() << i for i in range(count))

    def rice(self, r):
        zeros = 0
        while self.one() == 0:
            zeros += 1
        return (zeros << r) + self.number(r)

    def word(self, words):
        text = ""
        while text not in words:
            need(len(text) < 12, "no word of the table")
            text += str(self.one())
        return words[text]

    def finish(self):
        """Bytes taken; the rest of the last one is zeros."""
        end = (self.at + 7) // 8
        need(not self.bits[self.at : 8 * end].any(), "padding bits")
        return end


def nibbles(data):
    return [value for byte in data for value in (byte & 15, byte >> 4)]


def words_of(lengths):
    """{word as text: symbol}"""
    used = [length for length in lengths if length]
    share = sum(2.0**-length for length in used)
    need(max(lengths) <= 12 and (share == 1 or not used or used == [1]), "lengths of words")
    words, following, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        following <<= length - before
        words[format(following, f"0{length}b")] = symbol
        following, before = following + 1, length
    return words


def huffman(counts):
    """Lengths of the words of symbols that occur so often."""
    while True:
        nodes = [[count, [symbol]] for symbol, count in enumerate(counts) if count]
        lengths = [0] * len(counts)
        if len(nodes) == 1:
            lengths[nodes[0][1][0]] = 1
        while len(nodes) > 1:
            pair = sorted(range(len(nodes)), key=lambda i: nodes[i][0])[:2]
            first, second = nodes[pair[0]], nodes[pair[1]]
            for symbol in first[1] + second[1]:
                lengths[symbol] += 1
            nodes = [node for i, node in enumerate(nodes) if i not in pair]
            nodes.append([first[0] + second[0], first[1] + second[1]])
        if max(lengths) <= 12:
            return lengths
        counts = [(count + 1) // 2 for count in counts]


def class_of(gap):
    y = gap + 1
    if y < 8:
        return y - 1
    e = y.bit_length() - 1
    return 7 + 4 * (e - 3) + (y >> (e - 2) & 3)


class Table:
    def __init__(self, data, code_bits):
        need(len(data) == 24 + 4 * (code_bits - 1), "size of the table")
        self.least, self.r_level, self.r_step = data[0], data[1] & 15, data[1] >> 4
        need(max(self.r_level, self.r_step) <= 7, "Rice parameters")
        self.gap_lengths = nibbles(data[2:24])
        self.plane_lengths = [nibbles(data[24 + 4 * i : 28 + 4 * i]) for i in range(code_bits - 1)]
        self.gaps = words_of(self.gap_lengths)
        self.planes = [words_of(lengths) for lengths in self.plane_lengths]


def best_rice(values):
    return min(range(8), key=lambda r: (sum((value >> r) + 1 + r for value in values), r))


def check_table(table, chunks, code_bits):
    """The table is the one that the content has."""
    lowest = [int(chunk["levels"][0]) for chunk in chunks]
    steps = [int(step) for chunk in chunks for step in np.diff(chunk["levels"])]
    need(table.least == min(lowest), "another least level")
    need(table.r_level == best_rice([level - table.least for level in lowest]), "another r_level")
    need(table.r_step == best_rice(steps), "another r_step")
    gaps = [0] * 44
    planes = [[0] * 8 for _ in range(code_bits - 1)]
    for chunk in chunks:
        for gap in np.diff(chunk["indices"], prepend=-1) - 1:
            gaps[class_of(int(gap))] += 1
        for number, counts in enumerate(planes):
            bits = chunk["numbers"] >> (code_bits - 2 - number) & 1
            for i in range(0, len(bits) - len(bits) % 3, 3):
                counts[int(bits[i] | bits[i + 1] << 1 | bits[i + 2] << 2)] += 1
    need(table.gap_lengths == huffman(gaps), "another code of the gaps")
    need(table.plane_lengths == [huffman(counts) for counts in planes], "another code of a plane")


def read_chunk(data, table, k, code_bits, elements):
    """The chunk at the front of data; "size" are its bytes."""
    kept = kept_in_chunk(k, elements)
    bits = Bits(data[: kept * 8 + 1200])  # no chunk is longer
    codes = [table.least + bits.rice(table.r_level)]
    for _ in range(2 ** (code_bits - 1) - 1):
        codes.append(codes[-1] + bits.rice(table.r_step))
    need(codes[-1] <= 255, "a level above 255")
    negative = np.array([bits.one() for _ in range(kept)]) == 1
    numbers = np.zeros(kept, np.int64)
    for plane in table.planes:
        values = []
        while len(values) + 3 <= kept:
            word = bits.word(plane)
            values += [word & 1, word >> 1 & 1, word >> 2]
        values += [bits.one() for _ in range(kept % 3)]
        numbers = 2 * numbers + np.array(values)
    need(all(number == 0 or codes[number] != codes[number - 1] for number in numbers), "the second of two equal levels")
    following = 0
    indices = np.zeros(kept, np.int64)
    for i in range(kept):
        number = bits.word(table.gaps)
        y = number + 1
        if number >= 7:
            below = (number - 7) // 4 + 1
            y = (4 + (number - 7) % 4 << below) + bits.number(below)
        indices[i] = following + y - 1
        need(indices[i] < elements, "an index outside the chunk")
        following = int(indices[i]) + 1
    magnitudes = LEVELS[np.array(codes)[numbers]]
    return {"indices": indices, "values": np.where(negative, -magnitudes, magnitudes).astype(np.float32),
            "levels": np.array(codes), "numbers": numbers, "size": bits.finish()}


def read_payload(data, k, code_bits, chunk_elements):
    """The chunks, and the parts that the payload root is made of."""
    at = 24 + 4 * (code_bits - 1)
    table = Table(data[:at], code_bits)
    chunks, parts = [], [data[:at]]
    for elements in chunk_elements:
        chunk = read_chunk(data[at:], table, k, code_bits, elements)
        parts.append(data[at : at + chunk["size"]])
        at += chunk["size"]
        chunks.append(chunk)
    need(at == len(data), "bytes after the end")
    check_table(table, chunks, code_bits)
    return chunks, parts


def decode(data, k, code_bits, chunk_elements):
    """The artifact as a dict: its chunks, and the bytes of the payload's parts."""
    need(data[:4] == b"CVAR", "magic")
    need(int.from_bytes(data[4:6], "little") == 5, "version")
    need(len(data) >= 84, "cut short")
    out = {"run": data[6:38], "round": int.from_bytes(data[38:46], "little"),
           "uid": int.from_bytes(data[46:50], "little"), "base_root": data[50:82]}
    records = int.from_bytes(data[82:84], "little")
    need(2 <= records <= 257, "segment records")
    at = 84
    need(len(data) >= at + records * SEGMENT.size + FEEDBACK.size + 36, "cut short")
    out["trace"] = []
    for _ in range(records):
        out["trace"].append(SEGMENT.unpack_from(data, at))
        at += SEGMENT.size
    feedback = FEEDBACK.unpack_from(data, at)
    at += FEEDBACK.size
    out["payload_root"], out["norm"] = feedback[2], struct.unpack("<d", struct.pack("<Q", feedback[3]))[0]
    need(feedback[4] == k, "another density")
    out["profile_id"] = data[at : at + 32]
    at += 32
    need(int.from_bytes(data[at : at + 4], "little") == len(chunk_elements), "number of chunks")
    at += 4
    out["chunks"], out["encoded"] = read_payload(data[at:], k, code_bits, chunk_elements)
    return out


def merkle_root(leaves):
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0] if level else bytes(32)


def same(chunk, expected):
    indices, values = chunk["indices"], chunk["values"]
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
        how = case["keptPerChunk"], case["codeBits"], case["chunkElements"]
        chunks, parts = read_payload(data, *how)
        if not all(same(chunk, expected) for chunk, expected in zip(chunks, case["decoded"], strict=True)):
            sys.exit(f"a payload at k, bits, elements = {how} decodes to other values")
        if merkle_root(parts) != bytes.fromhex(case["root"][2:]):
            sys.exit(f"the root at k, bits, elements = {how} differs")
        expect_refused("a cut payload", read_payload, data[:-1], *how)
        expect_refused("a longer payload", read_payload, data + b"\0", *how)
        count += 1
    for case in json.loads((folder / "artifact.json").read_text())["cases"]:
        data = bytes.fromhex(case["bytes"][2:])
        how = case["keptPerChunk"], case["codeBits"], case["chunkElements"]
        artifact = decode(data, *how)
        for chunk, expected in zip(artifact["chunks"], case["decoded"], strict=True):
            if not same(chunk, expected):
                sys.exit("the artifact decodes to other values")
        root = merkle_root(artifact["encoded"])
        if root != bytes.fromhex(case["payloadRoot"][2:]) or root != artifact["payload_root"]:
            sys.exit("the payload root differs")
        expect_refused("a cut artifact", decode, data[:-1], *how)
        expect_refused("a longer artifact", decode, data + b"\0", *how)
        expect_refused("version 2", decode, data[:4] + b"\2\0" + data[6:], *how)
        count += 1
    if count < 20:
        sys.exit(f"only {count} vectors in {folder}")
    print(f"{count} vectors decode to the same values")


def summary(artifact):
    values = np.concatenate([chunk["values"] for chunk in artifact["chunks"]]).astype(np.float64)
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
    parser.add_argument("--bits", type=int, default=2, help="bits of a code")
    parser.add_argument("--elements", help="elements of each chunk, comma-separated")
    options = parser.parse_args()
    if options.vectors:
        check_vectors(options.vectors)
    elif options.file and options.elements:
        sizes = [int(size) for size in options.elements.split(",")]
        try:
            print(json.dumps(summary(decode(options.file.read_bytes(), options.kept, options.bits, sizes)), indent=1))
        except Refused as reason:
            sys.exit(f"{options.file} is refused: {reason}")
    else:
        parser.error("give --vectors, or a file and --elements")


if __name__ == "__main__":
    main()
