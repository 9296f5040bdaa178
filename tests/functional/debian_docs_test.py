#!/usr/bin/python3 -B
"""tools/corpus/debian-docs without a network: what it takes for prose, and whole runs over packages made here."""

import gzip
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "corpus"
SCRIPT = CORPUS / "debian-docs"
sys.path.insert(0, str(CORPUS))
import prose  # noqa: E402

WIND = "The wind was in the north when we came to the harbour, and there was no one who would take us over."
LAMP = "When the lamp had been lit it could be seen that the room was empty, as all of them had left before us."
ROAD = "It is a long way from the hill to the river, but the road is good and you may be there by the evening."
GREEK = "\u03b1\u03b2" * 3
HTML = f"""<!DOCTYPE html><html><head><title>{ROAD}</title><style>p {{ color: red }}</style></head><body>
<nav><p>{ROAD} This is in a menu.</p></nav>
<h1>Short heading</h1>
<p>The wind was in the <b>north</b> when we came
   to the harbour,<sup>12</sup> and&#32;there was no one who would take us&nbsp;over.<br></p>
<pre>{ROAD} This is code.</pre><script>"{ROAD} This is a script."</script>
<ul><li>{LAMP}<li>It was \u201cthe end\u201d of the 19<sup>th</sup> century \u2014 and that was what we had come for in the first place.</ul>
<p>for (int i = 0; i < n; ++i) {{ total += values[i] * weights[i]; }} // and so it is for all of the rows</p>
<p>Compiler linker loader debugger profiler assembler optimiser allocator scheduler kernel driver module</p>
<p>Wir waren nach langer Fahrt am Hafen angekommen und fanden niemanden mehr, der uns mitnehmen wollte.</p>
<p>It is {GREEK} that we have in the formula of the page, and it is not what we would have in the text.</p>
</body></html>"""
MAN = rf"""'\" t
.de XX
It is the body of a macro that is never in the text and so it must not be in what we get of the page.
..
.TH THING 3 2024-01-01
.SH DESCRIPTION
The
.BR open (2)
call is what you want when the file is to be \fIread\fP and not written\-to,
.\" a comment that is not in the text
as it is the one that\(aqs used for that. \" and another one
.TP
.B \-\-all
This is what the option is for: all of the files that there are in the folder will be taken.
.nf
It is in an example and so it is not to be in the text that we get from a page of the manual.
.fi
.PP
{LAMP}
"""
MDOC = r""".Dd May 1, 2024
.Dt THING 4
.Sh NAME
.Nm thing
.Nd a thing
.Sh DESCRIPTION
The
.Nm
driver is for the cards that are in
.Fx 12.0
.Pq and in those before it ,
see
.Xr bus_space 9 .
It has the
.Fl v
option, and
.Fn thing_open "int unit"
is what opens it
.Dq for reading .
.Bd -literal
It is in an example and so it is not to be in the text that we get from a page of the manual.
.Ed
"""


def load_script():
    loader = importlib.machinery.SourceFileLoader("debian_docs", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("debian_docs", loader))
    loader.exec_module(module)
    return module


class Extraction(unittest.TestCase):
    def test_html_gives_its_prose_in_order_and_nothing_else(self):
        self.assertEqual(prose.paragraphs_of("a/b.html", HTML.encode()), [
            WIND, LAMP, 'It was "the end" of the 19th century -- and that was what we had come for in the first place.'])

    def test_broken_html_gives_what_can_be_read(self):
        for broken in (f"<p>{WIND}<![", f"<head><title>x<body>{WIND}", f"{WIND}</pre></script></p><!--", f"<![x[<p>{WIND}"):
            lines = prose.paragraphs_of("x.html", broken.encode())
            self.assertTrue(len(lines) < 2 and all(line.startswith(WIND) for line in lines), (broken, lines))
        self.assertEqual(prose.paragraphs_of("x.html", f"<head><title>x<body>{WIND}".encode()), [WIND])
        deep = "<div>" * 50_000 + WIND
        self.assertEqual(prose.paragraphs_of("x.html", deep.encode()), [WIND])

    def test_text_is_cut_at_empty_lines(self):
        text = f"  {WIND[:50]}\n  {WIND[50:]}\n \t\n{LAMP}\f{ROAD}\n".replace("harbour,", "harbour,\r\n")
        self.assertEqual(prose.paragraphs_of("x.txt", text.encode())[1:], [LAMP, ROAD])
        self.assertEqual(len(prose.paragraphs_of("x.txt", text.encode())), 3)

    def test_a_dictionary_loses_its_braces(self):
        text = f"road\n\n   {ROAD.replace('river', '{river}')}\n"
        self.assertEqual(prose.paragraphs_of("usr/share/dictd/x.dict.dz", gzip.compress(text.encode())), [ROAD])
        self.assertEqual(prose.paragraphs_of("x.txt", text.encode()), [ROAD.replace("river", "{river}")])

    def test_manual_pages_without_examples_macros_and_comments(self):
        page = ("The open(2) call is what you want when the file is to be read and not written-to, as it is the one that's "
                "used for that.")
        option = "This is what the option is for: all of the files that there are in the folder will be taken."
        self.assertEqual(prose.paragraphs_of("usr/share/man/man3/thing.3", MAN.encode()), [page, option, LAMP])
        self.assertEqual(prose.paragraphs_of("usr/share/man/man3/thing.3pm.gz", gzip.compress(MAN.encode())),
                         [page, option, LAMP])

    def test_mdoc_pages_keep_names_references_and_quotes(self):
        self.assertEqual(prose.paragraphs_of("usr/share/man/man4/thing.4freebsd.gz", gzip.compress(MDOC.encode())), [
            "The thing driver is for the cards that are in FreeBSD 12.0 (and in those before it), see bus_space(9). It has "
            'the -v option, and thing_open() is what opens it "for reading".'])

    def test_bytes_of_another_encoding_and_damaged_archives(self):
        line = WIND.replace("north", "n\u00f6rth")
        self.assertEqual(prose.paragraphs_of("x.txt", line.encode("latin-1")), [line])
        packed = gzip.compress((WIND + "\n\n" + LAMP).encode())
        for damaged in (packed[:-9], packed[:12], b"", b"no archive", packed[:20] + b"\xff" * 30):
            self.assertEqual(prose.paragraphs_of("x.txt.gz", damaged), [], damaged)

    def test_other_files_are_no_documentation(self):
        for name in ("x.png", "x.js", "x.html.bak", "man/thing.3", "usr/share/man/man3/README", "copyright"):
            self.assertIsNone(prose.reader_of(name), name)


class Filters(unittest.TestCase):
    def test_length(self):
        line = "It is what it is and there was no more to it than that, or so"[:60]
        self.assertTrue(prose.is_prose(line))
        self.assertFalse(prose.is_prose(line[:59]))

    def test_share_of_letters(self):
        # 100 characters with 80 and with 79 letters and blanks
        words = ("it was as it is and " * 4)
        self.assertTrue(prose.is_prose(words + "." * 20))
        self.assertFalse(prose.is_prose(words[:-1] + "." * 21))

    def test_share_of_ascii(self):
        words = "it was as it is and " * 10
        self.assertTrue(prose.is_prose(words[:-3] + "\u03b1" * 3))
        self.assertFalse(prose.is_prose(words[:-4] + "\u03b1" * 4))

    def test_share_of_stop_words(self):
        others = " ".join(["harbour"] * 41)
        self.assertTrue(prose.is_prose("the " * 9 + others))
        self.assertFalse(prose.is_prose("the " * 8 + "harbour " + others))
        self.assertFalse(prose.is_prose("harbour" * 20))


class Fixture(unittest.TestCase):
    """A folder with an apt-get that hands out packages built here."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.mirror = self.folder / "mirror"
        self.mirror.mkdir()
        self.names = [name for name, _ in load_script().PACKAGES]
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        self.apt(f'for name in "$@"; do :; done\necho "$name" >>{self.folder}/asked\n'
                 f'cp {self.mirror}/"$name".deb . || {{ echo "E: Unable to locate package $name" >&2; exit 100; }}\n')
        self.out = self.folder / "new" / "corpus"

    def apt(self, body):
        (self.bin / "apt-get").write_text("#!/bin/sh\n" + body)
        (self.bin / "apt-get").chmod(0o755)

    def package(self, name, files, section="doc", copyright_file=True):
        root = self.folder / "root" / name
        shutil.rmtree(root, ignore_errors=True)
        control = f"Package: {name}\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: a test\nSection: {section}\nDescription: x\n"
        files = {"DEBIAN/control": control, **files}
        if copyright_file:
            files[f"usr/share/doc/{name}/copyright"] = "free\n"
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pathlib.Path):
                (root / path).symlink_to(content)
            else:
                (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", root, self.mirror / f"{name}.deb"], check=True,
                       stdout=subprocess.DEVNULL)

    def two_packages(self):
        secret = self.folder / "secret.html"
        secret.write_text(f"<p>{ROAD} It is on this machine and not in the package.")
        self.package(self.names[0], {
            "usr/share/doc/x/b.html": f"<p>{LAMP}</p><p>{WIND}</p>", "usr/share/doc/x/a.html": HTML,
            "usr/share/doc/x/c.html": f"<p>{ROAD}<p>{LAMP}<p>{ROAD}", "usr/share/doc/x/d.png": ROAD,
            "usr/share/doc/x/outside.html": secret})
        self.package(self.names[1], {"usr/share/doc/y/a.html": f"<p>{WIND}</p><p>{LAMP} {ROAD}</p>"})

    def run_script(self, *arguments, out=None):
        return subprocess.run([SCRIPT, out or self.out, *arguments], capture_output=True, text=True, check=False, cwd="/",
                              stdin=subprocess.DEVNULL, env={"PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin",
                                                             "TERM": "dumb"})

    def assert_nothing_left(self):
        self.assertFalse(self.out.exists())
        self.assertFalse(self.out.with_name("corpus.building").exists())


class Runs(Fixture):
    def test_a_corpus_its_manifest_and_reuse(self):
        self.two_packages()
        done = self.run_script("--megabytes", "0.0005", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        end = 'It was "the end" of the 19th century -- and that was what we had come for in the first place.'
        first = f"{WIND}\n{LAMP}\n{end}\n\n{ROAD}\n".encode()
        second = f"{LAMP} {ROAD}\n".encode()
        self.assertEqual((self.out / f"{self.names[0]}.txt").read_bytes(), first)
        self.assertEqual((self.out / f"{self.names[1]}.txt").read_bytes(), second)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["ok"], answer["data"]["reused"], answer["data"]["folder"]), (True, False, str(self.out)))
        manifest = answer["data"]["manifest"]
        self.assertEqual(json.loads((self.out / "manifest.json").read_text()), manifest)
        self.assertEqual(manifest["packages"][0], {
            "package": self.names[0], "version": "1:2.0-1", "architecture": "all",
            "deb_sha256": hashlib.sha256((self.mirror / f"{self.names[0]}.deb").read_bytes()).hexdigest(),
            "text": f"{self.names[0]}.txt", "text_sha256": hashlib.sha256(first).hexdigest(), "bytes": len(first),
            "documents": 2, "paragraphs": 4, "licence_package": self.names[0],
            "licence_file": f"usr/share/doc/{self.names[0]}/copyright"})
        self.assertEqual(manifest["bytes"], sum(entry["bytes"] for entry in manifest["packages"]))

        before = sorted(path.name for path in self.out.iterdir())
        self.apt("exit 1\n")
        again = self.run_script("--megabytes", "0.0005", "--json")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertTrue(json.loads(again.stdout)["data"]["reused"])
        self.assertEqual(json.loads(again.stdout)["data"]["manifest"], manifest)
        self.assertEqual(sorted(path.name for path in self.out.iterdir()), before)
        self.assertEqual([path.name for path in self.out.parent.iterdir()], ["corpus"])

    def test_the_same_packages_give_the_same_bytes(self):
        self.two_packages()
        other = self.folder / "other"
        for out in (self.out, other):
            self.assertEqual(self.run_script("--megabytes", "0.0005", out=out).returncode, 0)
        names = sorted(path.name for path in self.out.iterdir())
        self.assertEqual(names, sorted(path.name for path in other.iterdir()))
        for name in names:
            self.assertEqual((self.out / name).read_bytes(), (other / name).read_bytes(), name)

    def test_no_more_packages_than_needed(self):
        self.two_packages()
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 0)
        self.assertEqual((self.folder / "asked").read_text().split(), self.names[:1])

    def test_a_folder_of_other_settings_is_left_alone(self):
        self.two_packages()
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 0)
        done = self.run_script("--megabytes", "0.0002", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("megabytes 0.0001 instead of 0.0002", done.stderr)
        self.assertIn("next: ", done.stderr)
        self.assertEqual(json.loads(done.stdout)["errors"][0]["code"], 1)
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 0)

    def test_a_changed_folder_is_refused(self):
        self.two_packages()
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 0)
        text = self.out / f"{self.names[0]}.txt"
        whole = text.read_bytes()
        text.write_bytes(whole.replace(b"wind", b"mind"))
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 5)
        text.unlink()
        done = self.run_script("--megabytes", "0.0001")
        self.assertEqual(done.returncode, 5)
        self.assertIn(text.name, done.stderr)
        text.write_bytes(whole)
        (self.out / "manifest.json").write_text("[]")
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 1)

    def test_a_folder_of_something_else_is_left_alone(self):
        self.out.mkdir(parents=True)
        (self.out / "letter").write_text("mine")
        done = self.run_script()
        self.assertEqual(done.returncode, 1)
        self.assertIn("holds no corpus", done.stderr)
        self.assertEqual([path.name for path in self.out.iterdir()], ["letter"])

    def test_what_a_killed_run_left_is_cleared(self):
        self.two_packages()
        left = self.out.with_name("corpus.building") / "out"
        left.mkdir(parents=True)
        (left / "old.txt").write_text("x")
        self.assertEqual(self.run_script("--megabytes", "0.0001").returncode, 0)
        self.assertFalse((self.out / "old.txt").exists())
        self.assertFalse(left.parent.exists())

    def test_documentation_linked_to_another_package(self):
        self.two_packages()
        self.package(self.names[1], {"usr/share/y/a.html": f"<p>{LAMP} {ROAD}</p>",
                                     f"usr/share/doc/{self.names[1]}": pathlib.Path(self.names[0])}, copyright_file=False)
        done = self.run_script("--megabytes", "0.0005", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        entry = json.loads(done.stdout)["data"]["manifest"]["packages"][1]
        self.assertEqual((entry["licence_package"], entry["licence_file"]),
                         (self.names[0], f"usr/share/doc/{self.names[0]}/copyright"))


class Failures(Fixture):
    def expect(self, status, *words, arguments=()):
        done = self.run_script(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        for word in (*words, "next: "):
            self.assertIn(word, done.stderr)
        self.assert_nothing_left()

    def test_a_package_that_apt_does_not_know(self):
        self.expect(3, "Unable to locate package " + self.names[0], "apt-get update")

    def test_a_mirror_that_does_not_answer(self):
        self.apt("echo 'E: Failed to fetch x  404  Not Found' >&2; exit 100\n")
        self.expect(4, "404", self.names[0])

    def test_a_machine_without_apt(self):
        done = subprocess.run(["/usr/bin/python3", "-B", SCRIPT, self.out], capture_output=True, text=True, check=False,
                              env={"PATH": str(self.folder)})
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assert_nothing_left()

    def test_a_second_package_that_fails_leaves_nothing(self):
        self.two_packages()
        (self.mirror / f"{self.names[1]}.deb").write_bytes(b"no package")
        self.expect(1, self.names[1])

    def test_a_package_that_is_another_one(self):
        self.two_packages()
        os.replace(self.mirror / f"{self.names[1]}.deb", self.mirror / f"{self.names[0]}.deb")
        self.expect(1, f"no package {self.names[0]}")

    def test_a_package_outside_main(self):
        self.package(self.names[0], {"usr/share/doc/x/a.html": HTML}, section="non-free/doc")
        self.expect(1, "non-free/doc")

    def test_a_package_without_a_licence(self):
        self.package(self.names[0], {"usr/share/doc/x/a.html": HTML}, copyright_file=False)
        self.expect(1, "licence")

    def test_a_package_without_text(self):
        self.package(self.names[0], {"usr/share/doc/x/a.html": "<p>Nothing.</p>"})
        self.expect(1, "gave no text")

    def test_usage(self):
        for arguments in (("--megabytes", "0"), ("--megabytes", "-3"), ("--megabytes", "nan"), ("--megabytes", "many"),
                          ("--megabytes", "100000"), ("--fast",)):
            self.assertEqual(self.run_script(*arguments).returncode, 2, arguments)
        self.assert_nothing_left()
        done = self.run_script("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("tools/corpus/debian-docs OUTDIR", done.stdout)

    def test_an_interrupt_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            # an apt-get that stops its caller: no clock, no race
            self.apt(f"kill -{number.value} $PPID; echo 'E: x' >&2; exit 100\n")
            done = self.run_script()
            self.assertEqual(done.returncode, 128 + number, done.stderr)
            self.assert_nothing_left()

    def test_two_at_a_time(self):
        self.apt(f"cd /; {SCRIPT} {self.out} >{self.folder}/second 2>&1; echo $? >>{self.folder}/second; exit 1\n")
        self.run_script()
        said = (self.folder / "second").read_text()
        self.assertIn("another process is building", said)
        self.assertTrue(said.endswith("\n1\n"), said)
        self.assert_nothing_left()


class List(unittest.TestCase):
    def test_each_package_once(self):
        packages = load_script().PACKAGES
        self.assertEqual(len(packages), len({name for name, _ in packages}))

    def test_the_extraction_has_a_number(self):
        """Another digest: raise EXTRACTION in tools/corpus/debian-docs, then put both here."""
        digest = hashlib.sha256()
        for name, text in (("x.html", HTML), ("man/man3/x.3", MAN), ("man/man4/x.4", MDOC), ("x.txt", WIND), ("x.dict", ROAD)):
            digest.update("\n".join(prose.paragraphs_of(name, text.encode())).encode())
        self.assertEqual((load_script().EXTRACTION, digest.hexdigest()[:16]), (1, "75ed8c4cc9275b89"))


if __name__ == "__main__":
    unittest.main()
