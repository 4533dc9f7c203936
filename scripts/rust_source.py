"""What the scripts know of Rust source: which files are production code, and which of their lines are tests."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = re.compile(r"(^|/)(target|tests|benches|examples|testing)/|(^|/)(tests|testing)(_\w+)?\.rs$|(^|/)build\.rs$")

# A comment, a string (raw, byte, C or plain) or a character: what braces and words inside of do not count.
OPAQUE = re.compile(
    r'//[^\n]*|/\*.*?\*/|\b[bc]?r(?P<hashes>#*)".*?"(?P=hashes)|[bc]?"(?:\\.|[^"\\])*"'
    r"|b?'(?:\\(?:u\{[0-9a-fA-F_]+\}|x[0-9a-fA-F]{2}|.)|[^'\\])'",
    re.DOTALL,
)


def production_files():
    """Every Rust file that ends up in a program or a library of ours, in order."""
    found = []
    for top in ("apps", "crates", "migrations"):
        for path in (ROOT / top).rglob("*.rs"):
            if not SKIPPED.search(str(path.relative_to(ROOT))):
                found.append(path)
    return sorted(found)


def masked(text):
    """The text with comments, strings and characters blanked; lines and columns stay where they are."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    return OPAQUE.sub(blank, text)


def block_end(code, start):
    """The index after the block that opens at or after `start`, or after the `;` that stands in its place."""
    depth = 0
    for index in range(start, len(code)):
        if code[index] in "{([":
            depth += 1
        elif code[index] in "})]":
            depth -= 1
            if depth == 0 and code[index] == "}":
                return index + 1
        elif code[index] == ";" and depth == 0:
            return index + 1
    return len(code)


def line_of(text, index):
    """The line, from 1, that holds the index."""
    return text.count("\n", 0, index) + 1


def test_lines(text):
    """The lines, from 1, of what only a test build compiles: items under `#[cfg(test)]`."""
    code = masked(text)
    lines = set()
    for match in re.finditer(r"#\[cfg\((?:test|all\(test,[^\]]*\))\)\]", code):
        end = block_end(code, match.end())
        lines.update(range(line_of(code, match.start()), line_of(code, end - 1) + 1))
    return lines


def functions(code):
    """Name, first line, lines of code in the body, and whether it is async, of every function of masked source."""
    for match in re.finditer(r"\b(async\s+)?(?:unsafe\s+)?fn\s+(\w+)", code):
        depth, index = 0, match.end()
        while index < len(code) and not (depth == 0 and code[index] in "{;"):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(code[index], 0)
            index += 1
        if index == len(code) or code[index] == ";":
            continue
        body = code[index + 1 : block_end(code, index) - 1]
        yield match.group(2), line_of(code, match.start()), sum(1 for line in body.split("\n") if line.strip()), bool(match.group(1))
