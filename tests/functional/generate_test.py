#!/usr/bin/python3 -B
"""What a kept devnet has learned: text and held-out loss of its rounds, the same from every kernel and every file format."""

import json
import subprocess

from support import FunctionalTest, Paths, environment, main


class GenerateTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Paths.kept / "devnet"
        rounds = json.loads((Paths.kept / "devnet.out.json").read_text())["rounds"]
        cls.accepted = [row for row in rounds if row["parameters_root"]]

    def generate(self, *extra):
        return self.succeed("generate", "--prompt", "And the king", "--max-tokens", 24, "--seed", 9, *extra)

    # --- generate

    def test_text_does_not_depend_on_kernels_or_threads(self):
        first = self.generate("--datadir", self.folder)
        self.assertEqual(first["root"], self.accepted[-1]["parameters_root"], "the newest round is the default")
        self.assertEqual(first["seed"], 9)
        self.assertGreater(first["tokens_per_s"], 0)
        self.assertTrue(first["text"])
        other = self.generate("--datadir", self.folder, "--isa", "scalar", "--threads", 2)
        self.assertEqual((other["text"], other["tokens"]), (first["text"], first["tokens"]))

    def test_text_streams_to_standard_output(self):
        words = ("generate", "--datadir", self.folder, "--max-tokens", 24, "--seed", 9)
        done = self.covenant(*words, "--prompt", "And the king")
        self.assertEqual(done.code, 0, done)
        self.assertIn("tokens/s", done.err)
        self.assertEqual(done.out, self.generate("--datadir", self.folder)["text"] + "\n")
        for typed, meant in (("And the king", "And the king"), ("And the king\n", "And the king"),
                             ("And the king\r\n", "And the king"), ("And the king\n\n", "And the king\n")):
            piped = subprocess.run([Paths.program("covenant"), *map(str, words), "--prompt", "-", "--json"], input=typed,
                                   capture_output=True, text=True, timeout=60, check=True, env=environment(self.home))
            value = json.loads(piped.stdout)["data"]
            self.assertEqual(value["prompt"], meant)
            if meant == "And the king":
                self.assertEqual(value["text"] + "\n", done.out)

    def test_a_round_can_be_chosen(self):
        for row in self.accepted[:2]:
            data = self.generate("--datadir", self.folder, "--round", row["index"])
            self.assertEqual(data["root"], row["parameters_root"])
        self.refused(3, "generate", "--datadir", self.folder, "--prompt", "x", "--round", 999, words=["999"])

    def test_exported_checkpoints_speak_alike(self):
        wanted = self.generate("--datadir", self.folder)
        for form, name in (("safetensors", "hf"), ("gguf", "model.gguf")):
            path = self.scratch / name
            self.succeed("checkpoint", "export", "--datadir", self.folder, "--format", form, "--out", path)
            data = self.generate("--checkpoint", path, "--tokenizer", self.folder / "data")
            self.assertEqual((data["root"], data["tokens"]), (wanted["root"], wanted["tokens"]), form)

    # --- eval

    def test_the_loss_on_chain_is_found_again(self):
        for row in (self.accepted[0], self.accepted[-1]):
            words = ("eval", "--datadir", self.folder, "--round", row["index"])
            data = self.succeed(*words)
            self.assertEqual(data["root"], row["parameters_root"])
            self.assertTrue(data["same_as_posted"], data)
            self.assertEqual(data["posted_loss"], row["heldout_loss"])
            self.assertAlmostEqual(data["loss"], row["heldout_loss"], 5)
            other = self.covenant(*words, "--threads", 1)
            self.assertEqual(other.code, 0, other)
            self.assertIn("the same bits", other.out)

    def test_fewer_windows_and_other_arithmetic_are_not_compared(self):
        for extra in (("--windows", 16), ("--profile", "canon-f32")):
            data = self.succeed("eval", "--datadir", self.folder, *extra)
            self.assertIsNone(data["same_as_posted"], extra)
            self.assertGreater(data["bits_per_byte"], 0)

    def test_native_profiles_are_refused(self):
        self.refused(2, "eval", "--datadir", self.folder, "--profile", "native-f32", words=["canon-bf16"])


if __name__ == "__main__":
    main()
