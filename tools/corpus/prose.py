"""English prose out of documentation files: HTML, plain text and manual pages (man and mdoc) in, paragraphs out.

A paragraph is one line without runs of blanks. `is_prose` says which are kept; what a file gives follows from its bytes
alone. No file is trusted: nothing in it is executed or opened, and what does not parse gives less text, not an error.
"""

import gzip
import html.parser
import io
import re
import zlib

MOST_BYTES = 64 << 20  # of one file, unpacked; the rest is left out
LEAST_CHARACTERS = 60
LEAST_LETTERS = 0.80  # ASCII letters and spaces
LEAST_ASCII = 0.985
LEAST_STOP_WORDS = 0.18

STOP_WORDS = frozenset("""
a about after all also an and any are as at be because been before being between both but by can could did do does
each either for from had has have he her here him his how i if in into is it its just like may me might more most much
must my no nor not of on one only or other our out over own same shall she should since so some such than that the
their them then there these they this those though through to too under until up upon us very was we were what when
where whether which while who whom whose why will with within without would you your
""".split())

# Typography that has an ASCII form, signs that link to a heading, and the hyphens that only show at a line's end.
_PLAIN = {ord(char): plain for chars, plain in (
    ("\u2018\u2019\u201a\u02bc\u2032", "'"), ("\u201c\u201d\u201e\u2033", '"'), ("\u2010\u2011\u2012\u2013\u2212", "-"),
    ("\u2014\u2015", " -- "), ("\u2026", "..."), ("\u00a0\u2002\u2003\u2007\u2009\u202f", " "),
    ("\u00ad\u00b6\u200b\u200c\u200d\u2060\ufeff", "")) for char in chars}
_NOT_LETTERS = bytes(sorted(set(range(256)) - set(b" abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")))
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def one_line(text):
    return " ".join(text.translate(_PLAIN).split())


def is_prose(line):
    """Whether a paragraph (of `one_line`) is English prose: long enough, letters, ASCII, and words that bind."""
    if len(line) < LEAST_CHARACTERS:
        return False
    ascii_bytes = line.encode("ascii", "ignore")
    if len(ascii_bytes) < LEAST_ASCII * len(line):
        return False
    if len(ascii_bytes.translate(None, _NOT_LETTERS)) < LEAST_LETTERS * len(line):
        return False
    words = _WORD.findall(line.lower())
    return sum(word in STOP_WORDS for word in words) >= max(1, LEAST_STOP_WORDS * len(words))


class _Html(html.parser.HTMLParser):
    """Text between block elements; code, menus and drawings are left out."""

    SKIPPED = frozenset("script style head title pre nav svg math select button textarea template noscript".split())
    BLOCKS = frozenset("""address article aside blockquote body caption center dd details div dl dt fieldset figcaption
        figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main ol option p section summary table tbody td
        tfoot th thead tr ul""".split())

    ORDINALS = ("st", "nd", "rd", "th")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.paragraphs, self.parts, self.skipping, self.breaks, self.raised = [], [], [], 0, None

    def flush(self):
        if self.parts:
            self.paragraphs.append("".join(self.parts))
            self.parts = []
        self.breaks, self.raised = 0, None

    def handle_starttag(self, tag, attrs):
        if tag == "body":
            self.skipping = []  # a head that was never closed
        if tag in self.SKIPPED:
            self.flush()
            self.skipping.append(tag)
        elif tag in self.BLOCKS:
            self.flush()
        elif tag == "sup":
            self.raised = len(self.parts)
        elif tag == "br":
            self.breaks += 1
            self.parts.append(" ")
            if self.breaks > 1:
                self.flush()

    def handle_startendtag(self, tag, attrs):
        if tag not in self.SKIPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if tag in self.SKIPPED:
            if tag in self.skipping:
                del self.skipping[self.skipping.index(tag):]
        elif tag in self.BLOCKS:
            self.flush()
        elif tag == "sup" and self.raised is not None:
            if "".join(self.parts[self.raised:]) not in self.ORDINALS:
                del self.parts[self.raised:]  # a footnote's mark, or the whole footnote in the middle of a sentence
            self.raised = None

    def handle_data(self, data):
        if self.skipping:
            return
        if not data.isspace():
            self.breaks = 0
        self.parts.append(data)


def from_html(text):
    parser = _Html()
    try:
        parser.feed(text)
        parser.close()
    except (AssertionError, ValueError, RecursionError):
        pass  # a malformed declaration; what came before it counts
    parser.flush()
    return parser.paragraphs


def from_text(text):
    return re.split(r"\n[ \t\r\f]*\n|\f", text)


def from_dictionary(text):
    """A dictd dictionary: text whose references to other entries stand in braces."""
    return from_text(re.sub(r"\{([^{}]{1,80})\}", r"\1", text))


_SPECIAL = {"em": "--", "en": "-", "hy": "-", "mi": "-", "lq": '"', "rq": '"', "dq": '"', "L\"": '"', "R\"": '"',
            "Aq": "'", "oq": "'", "cq": "'", "aq": "'", "ga": "`", "ha": "^", "ti": "~", "rs": "\\", "sl": "/", "at": "@", "sh": "#",
            "C+": "C++", "--": "--", "PI": "pi", "<=": "<=", ">=": ">=", "!=": "!=", "->": "->", "<-": "<-", "mu": "x",
            "Tm": "", "Px": "POSIX", "Ai": "ANSI", "Ba": "|", "Le": "<=", "Ge": ">=", "Ne": "!=", "Lt": "<", "Gt": ">"}
_SINGLE = {"e": "\\", "-": "-", " ": " ", "~": " ", "0": " ", "'": "'", "`": "`", ".": ".", "\\": "\\", "t": " "}
_ESCAPE = re.compile(r"""\\(?:
    ["\#].*                                             # a comment to the end of the line
  | [fFmMgkVYn](?:\(..|\[[^\]]*\]|[+-]?.)               # fonts, colours, registers
  | s(?:[+-]?\d|[+-]?\(..|[+-]?\[[^\]]*\]|[+-]?'[^']*') # sizes
  | [hvwlLDoXbBZANCRSHx]'[^']*'                         # drawing and motion
  | \*?\((?P<two>..) | \*?\[(?P<name>[^\]]*)\] | \*(?P<string>.)
  | (?P<one>.?))""", re.VERBOSE)


def _escape(match):
    name = match["two"] or match["name"] or match["string"]
    return _SPECIAL.get(name, "") if name else _SINGLE.get(match["one"] or "", "")


def _plain(text):
    return _ESCAPE.sub(_escape, text) if "\\" in text else text


def _arguments(text):
    return [quoted.replace('""', '"') if quoted else word
            for quoted, word in re.findall(r'"((?:[^"]|"")*)"?|(\S+)', text)]


_DROPPED = frozenset("""Ad An Ao Ac Ap Ar Bc Bo Brc Bro Bsx Cd Cm Dv Dx Ec Em Eo Er Ev Fa Fd Fo Fc Fr Ft Ic In Lb Li Lk Ms
    Mt No Oc Oo Pa Pf St Sx Sy Tn Ud Va Vt Xc Xo""".split())
_NAMES = {"Fx": "FreeBSD", "Nx": "NetBSD", "Ox": "OpenBSD", "Bx": "BSD", "Ux": "UNIX", "At": "AT&T UNIX"}
_AROUND = {"Aq": "<>", "Bq": "[]", "Brq": "{}", "Dq": '""', "Op": "[]", "Pq": "()", "Ql": "''", "Qq": '""', "Sq": "''"}
_EDGES = {"Do": '"', "Dc": '"', "So": "'", "Sc": "'", "Qo": '"', "Qc": '"', "Po": "(", "Pc": ")"}
_CLOSING = frozenset(". , ; : ) ] ? !".split())


class _Mdoc:
    """A line of mdoc's inline macros as text; remembers the page's name for a bare Nm."""

    def __init__(self):
        self.name = ""

    def line(self, words):
        out, closing, glue, at = [], [], False, 0

        def put(text):
            nonlocal glue
            if out and (glue or text in _CLOSING):
                out[-1] += text
            elif text:
                out.append(text)
            glue = text in ("(", "[") if text else glue

        while at < len(words):
            word = words[at]
            at += 1
            if word == "Ns":
                glue = True
            elif word == "Fl":
                put("-")
                glue = True
            elif word == "Nm":
                if at < len(words) and words[at] not in _CLOSING and words[at][0].islower():
                    self.name = self.name or words[at]
                else:
                    put(self.name)
            elif word == "Xr" and at < len(words):
                name, section = words[at], words[at + 1] if at + 1 < len(words) else ""
                at += 2
                put(f"{name}({section})" if section[:1].isdigit() else name)
                if section and not section[0].isdigit():
                    put(section)
            elif word == "Fn" and at < len(words):
                put(words[at] + "()")
                at += 1
                while at < len(words) and words[at] not in _CLOSING:
                    at += 1
            elif word in _NAMES:
                put(_NAMES[word])
            elif word in _AROUND:
                put(_AROUND[word][0])
                glue = True
                closing.append(_AROUND[word][1])
            elif word in _EDGES:
                if word[1] == "c" and out:
                    out[-1] += _EDGES[word]
                else:
                    put(_EDGES[word])
                    glue = True
            elif word == "Pf" and at < len(words):
                put(words[at])
                at, glue = at + 1, True
            elif word not in _DROPPED:
                if closing and at == len(words) and word in _CLOSING:
                    break
                put(_plain(word))
        else:
            word = None
        if closing:
            text = "".join(reversed(closing))
            if out:
                out[-1] += text
        if word is not None and word in _CLOSING and closing:
            out[-1:] = [(out[-1] if out else "") + word]
        return " ".join(out)


_JOINED_BY_BLANK = frozenset("B I R SM SB".split())
_JOINED = frozenset("BR IR RB BI IB RI".split())
_BREAKS = frozenset("SH SS PP P LP HP RS RE sp br IP bp in ti Sh Ss Pp Lp Bl El D1 Dl Nd".split())
_HIDING = {"nf": "fi", "EX": "EE", "Vb": "Ve", "TS": "TE", "EQ": "EN", "PS": "PE", "de": ".", "ig": ".", "Rs": "Re"}
_ADDED = frozenset(_DROPPED | set(_NAMES) | set(_AROUND) | set(_EDGES) | {"Fl", "Nm", "Xr", "Fn", "Ns"})


def from_manual(text):
    """Paragraphs of a manual page; tables, examples and the preamble before its title are left out."""
    paragraphs, parts, hidden_until, titled, tag = [], [], None, False, False
    mdoc = _Mdoc()

    def flush():
        if parts:
            paragraphs.append(" ".join(parts))
            parts.clear()

    for line in text.split("\n"):
        if line[:1] not in (".", "'"):
            if not titled or hidden_until:
                continue
            if line.strip():
                parts.append(_plain(line))
            if tag or not line.strip():
                flush()
            tag = False
            continue
        match = re.match(r"[.']\s*([^\s\\\"]*)\s*(.*)", line)
        macro, rest = match[1], match[2]
        if hidden_until:
            if macro == hidden_until:
                hidden_until = None
        elif macro in ("TH", "Dd"):
            titled = True
        elif macro in _HIDING:
            flush()
            hidden_until = _HIDING[macro]
        elif not titled:
            continue
        elif macro == "Bd":
            flush()
            if re.search(r"-(literal|unfilled)", rest):
                hidden_until = "Ed"
        elif macro in ("TP", "TQ"):
            flush()
            tag = True
        elif macro == "It":
            flush()
        elif macro in _BREAKS or macro == "Ed":
            flush()
        else:
            words = _arguments(rest)
            if macro in _JOINED_BY_BLANK:
                parts.append(" ".join(map(_plain, words)))
            elif macro in _JOINED:
                parts.append("".join(map(_plain, words)))
            elif macro == "MR" and len(words) > 1:
                parts.append(_plain(f"{words[0]}({words[1]}){''.join(words[2:])}"))
            elif macro in _ADDED:
                parts.append(mdoc.line([macro, *words]))
            else:
                continue
            if tag:
                flush()
            tag = False
    flush()
    return paragraphs


_MANUAL = re.compile(r"(?:^|/)man/man\d\w*/[^/]+\.\d\w*$")


def reader_of(name):
    """The function that reads a file of this name, without a .gz or .dz at its end; None for no documentation."""
    name = re.sub(r"\.[gd]z$", "", name)
    if name.endswith((".html", ".htm", ".xhtml")):
        return from_html
    if name.endswith(".txt"):
        return from_text
    if name.endswith(".dict"):
        return from_dictionary
    return from_manual if _MANUAL.search(name) else None


def _unpacked(name, data):
    if not name.endswith((".gz", ".dz")):
        return data[:MOST_BYTES]
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        try:
            return file.read(MOST_BYTES)
        except (OSError, EOFError, zlib.error):
            return b""


def paragraphs_of(name, data):
    """The prose of a documentation file, in the order of the file."""
    reader = reader_of(name)
    if reader is None:
        return []
    raw = _unpacked(name, data)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return [line for line in map(one_line, reader(text)) if is_prose(line)]
