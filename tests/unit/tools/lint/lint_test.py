#!/usr/bin/python3 -B
"""Each lint, given one small repository that breaks its rule and one that keeps it."""

import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[4]
TOOLS = ROOT / "tools" / "lint"
# The layers are what CMake links: the small repositories of that lint carry this repository's own lists.
LISTS = {name: (ROOT / name).read_text() for name in
         subprocess.run(["git", "-C", ROOT, "ls-files", "*CMakeLists.txt"], capture_output=True, text=True,
                        check=True).stdout.split()}


class LintTest(unittest.TestCase):
    def run_lint(self, lint, files):
        """(exit status, output) of the lint over a repository that tracks `files` ({name: content})."""
        if lint == "layers":
            files = {**LISTS, **files}
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, content in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content)
            (root / ".clang-format").write_text("BasedOnStyle: Google\n")
            subprocess.run(["git", "-C", folder, "init", "-q"], check=True)
            subprocess.run(["git", "-C", folder, "add", "-A", "-f"], check=True)
            done = subprocess.run([TOOLS / lint, "--root", folder], capture_output=True, text=True, check=False)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout

    def assert_found(self, lint, files, place, words):
        status, output = self.run_lint(lint, files)
        self.assertEqual(status, 1, output)
        self.assertIn(place if place.endswith(":") else place + ": ", output)
        self.assertIn(words, output)

    def assert_clean(self, lint, files):
        self.assertEqual(self.run_lint(lint, files), (0, ""))

    def test_layers_refuses_an_arrow_upwards(self):
        self.assert_found("layers", {"common/base/a.cpp": '#include <vector>\n#include "common/codec/b.hpp"\n'},
                          "common/base/a.cpp:2", "may not include")

    def test_layers_refuses_an_arrow_between_miner_and_validator(self):
        self.assert_found("layers", {"miner/a.cpp": '#include "validator/b.hpp"\n'}, "miner/a.cpp:1", "may not include")

    def test_layers_keeps_the_adversary_out_of_the_nodes(self):
        lie = '#include "tests/adversary/kinds.hpp"\n'
        for folder in ("common/execution", "miner", "validator", "tools/covenant/devnet", "tools/simulation"):
            self.assert_found("layers", {f"{folder}/a.cpp": lie}, f"{folder}/a.cpp:1", "may not include")
        self.assert_clean("layers", {"tools/covenant/simulate/a.cpp": lie, "tests/sim/a_test.cpp": lie})

    def test_layers_refuses_torch_outside_its_plugin_and_in_headers(self):
        self.assert_found("layers", {"miner/a.cpp": "#include <torch/torch.h>\n"}, "miner/a.cpp:1", "belongs to")
        self.assert_found("layers", {"common/engine/a.cpp": "#include <ATen/ATen.h>\n"}, "common/engine/a.cpp:1", "belongs to")
        self.assert_found("layers", {"common/engine/native/a.hpp": "#include <ATen/ATen.h>\n"},
                          "common/engine/native/a.hpp:1", ".cpp files")

    def test_layers_keeps_the_kernels_below_the_engine(self):
        for name in ["a.hpp", "a.inl"]:
            self.assert_found("layers", {"common/engine/kernels/" + name: '#include "common/engine/ops.hpp"\n'},
                              f"common/engine/kernels/{name}:1", "may not include")

    def test_layers_refuses_an_unknown_library_and_a_clock_in_the_protocol(self):
        self.assert_found("layers", {"common/net/a.cpp": "#include <asio/asio.hpp>\n"}, "common/net/a.cpp:1", "no table")
        self.assert_found("layers", {"common/protocol/a.cpp": "#include <chrono>\n"}, "common/protocol/a.cpp:1", "pure")
        self.assert_found("layers", {"common/protocol/a.cpp": '#include "common/base/log.hpp"\n'},
                          "common/protocol/a.cpp:1", "do not log")

    def test_layers_refuses_relative_includes_and_strange_folders(self):
        self.assert_found("layers", {"chain/a.cpp": '#include "b.hpp"\n'}, "chain/a.cpp:1", "repository root")
        self.assert_found("layers", {"extra/a.cpp": "\n"}, "extra/a.cpp:1", "outside")

    def test_layers_accepts_what_the_build_links(self):
        self.assert_clean("layers", {
            "common/engine/a.cpp": '#include <vector>\n#include "common/engine/kernels/b.hpp"\n',
            "common/engine/native/a.cpp": '#include <ATen/ATen.h>\n#include "common/engine/ops.hpp"\n',
            "common/net/a.cpp": '#include <sys/socket.h>\n#include <curl/curl.h>\n#include "common/base/b.hpp"\n',
            "validator/a.cpp": '#include "chain/ledger.hpp"\n#include "common/execution/b.hpp"\n',
            "tests/unit/a_test.cpp": "#include <gtest/gtest.h>\n"})

    def test_layers_compares_the_readmes_line_with_cmake(self):
        readme = (ROOT / "README.md").read_text()
        self.assert_clean("layers", {"README.md": readme})
        self.assert_found("layers", {"README.md": readme.replace("base 0 · ", "base 0 · tensors 1 · ")}, "README.md:",
                          "the layers in CMake are: base 0")

    def test_links_and_the_paths_of_contributing_exist(self):
        page = ".github/CONTRIBUTING.md"
        self.assert_found("links", {"README.md": "\nsee [it](chain/README.md#x)\n"}, "README.md:2", "chain/README.md")
        self.assert_found("links", {page: "`chain/{a,b}.cpp`\n", "chain/a.cpp": ""}, page + ":1", "chain/b.cpp")
        self.assert_clean("links", {page: "`chain/{a,b}.cpp`, `chain/*.cpp`, `--opt/x`, `NAME`\n", "chain/a.cpp": "",
                                    "chain/b.cpp": "", "README.md": "[a](chain/a.cpp) [b](https://example.org/x)\n"})

    def test_license_is_one(self):
        line = "SPDX-" + "License-Identifier: "
        self.assert_clean("license", {"LICENSE": line + "MIT\n", "a.sol": f"// {line}MIT\n"})
        self.assert_found("license", {"LICENSE": "mine\n"}, "LICENSE:1", "no SPDX line")
        self.assert_found("license", {"LICENSE": line + "MIT\n", "a.sol": "contract A {}\n"}, "a.sol:1", "no SPDX line")
        self.assert_found("license", {"LICENSE": line + "MIT\n", "a.cpp": f"// {line}GPL-3.0\n"}, "a.cpp:1", "GPL-3.0")
        self.assert_found("license", {"a.cpp": "int a;\n"}, "LICENSE:1", "not there")

    def test_file_size(self):
        self.assert_found("file-size", {"chain/a.cpp": "int a;\n" * 501}, "chain/a.cpp:1", "say why")
        self.assert_found("file-size", {"chain/a.cpp": "// size: one table\n" + "int a;\n" * 800}, "chain/a.cpp:1", "at most 800")
        self.assert_clean("file-size", {"chain/a.cpp": "// size: one table\n" + "int a;\n" * 799, "a.md": "x\n" * 900})

    def test_secrets(self):
        key = "4c0883a69102937d6231471b5dbb6204fe512961708279feb1be6ae5538da033"
        for line, words in [(f'constexpr auto kDevKey = "0x{key}";', "32 bytes"),
                            (f"private_key: {key}", "32 bytes"),
                            ("-----BEGIN EC PRIV" + "ATE KEY-----", "private key"),
                            ('const password = "hunter2hunter2";', "password"),
                            ('mnemonic = "' + " ".join(["abandon"] * 11) + ' about"', "mnemonic")]:
            self.assert_found("secrets", {"chain/a.cpp": "\n" + line + "\n"}, "chain/a.cpp:2", words)
        self.assert_found("secrets", {"miner/.env": "A=1\n"}, "miner/.env:1", "holds secrets")
        self.assert_clean("secrets", {
            "tests/unit/a_test.cpp": f'const auto key = from_hex("{key}");\n',
            "tools/covenant/devnet.cpp": 'kMnemonic = "' + "test " * 11 + 'junk";\n',
            "chain/a.cpp": f'constexpr auto kEmptyRoot = "{key}";\nauto key_hash = sha256(key);\n'})

    def test_rules(self):
        readme = {"common/protocol/README.md": "R1.1 bytes parse\n"}
        self.assert_clean("rules", {**readme, "chain/a.cpp": "// R1.1\n"})
        self.assert_found("rules", {**readme, "chain/a.cpp": "\n// R1.9 says so\n"}, "chain/a.cpp:2", "R1.9")

    def test_rules_wants_a_test_for_each_enumerator(self):
        header = {"common/base/result.hpp": "enum class Errc : int {\n    kIo,  // disk\n    kTimeout,\n};\n",
                  "common/protocol/verdict.hpp": "enum class [[nodiscard]] Verdict : int{\n    kAccept = 0,\n};\n"}
        self.assert_found("rules", {**header, "tests/a_test.cpp": "Errc::kIo Verdict::kAccept"},
                          "common/base/result.hpp:3", "Errc::kTimeout")
        self.assert_found("rules", {**header, "tests/a_test.cpp": "Errc::kIo Errc::kTimeout Verdict::kAcceptable"},
                          "common/protocol/verdict.hpp:2", "Verdict::kAccept")
        self.assert_clean("rules", {**header, "tests/a_test.cpp": "Errc::kIo Errc::kTimeout Verdict::kAccept"})

    def test_vectors(self):
        self.assert_found("vectors", {"tests/vectors/merkle.json": "{}"}, "tests/vectors/merkle.json:1", "no test")
        self.assert_clean("vectors", {"tests/vectors/merkle.json": "{}", "contracts/test/a.t.sol": '"vectors/merkle.json"'})

    def test_paths(self):
        self.assert_found("paths", {"a.md": "\nsee /home" + "/me/x\n"}, "a.md:2", "one machine")
        self.assert_found("paths", {"a.json": '"https://registry.npm' + 'js.org/x"\n'}, "a.json:1", "registry")
        self.assert_clean("paths", {"a.md": "see $HOME/work/x, build/work/y and node_modules/root/z\n"})

    def test_sleeps(self):
        self.assert_found("sleeps", {"tests/a_test.cpp": "std::this_thread::sleep_for(1s);\n"}, "tests/a_test.cpp:1", "event")
        self.assert_clean("sleeps", {"tests/a_test.cpp": "// no sleep_for(1s)\n", "miner/a.cpp": "clock.sleep_for(1s);\n"})

    def test_format(self):
        self.assert_found("format", {"chain/a.cpp": "int  a ;\n"}, "chain/a.cpp:1", "not formatted")
        self.assert_clean("format", {"chain/a.cpp": "int a;\n"})

    def test_scripts(self):
        self.assert_found("scripts", {"tools/a": "#!/usr/bin/env bash\nif true; then\n"}, "tools/a:1", "not executable")
        self.assert_found("scripts", {"tools/a": "#!/usr/bin/env bash\nif true; then\n"}, "tools/a:3", "syntax error")
        self.assert_found("scripts", {"tools/a": "#!/usr/bin/env python3\n"}, "tools/a:1", "/usr/bin/python3")


if __name__ == "__main__":
    unittest.main()
