"""The fenced blocks of the pages, each with what a comment above it says is to be done with it.

    <!-- snippet: NAME -->             spliced into snippets_test.cpp.in, compiled, and run where that template calls it
    <!-- file: PATH -->                is that file, to the letter; what builds or tests the file then answers for the block
    <!-- part of: PATH -->             consecutive lines of that file, but for indentation
    <!-- shown by: TEXT in PATH -->    nothing to build: that file, a test, has TEXT, which is in the block
    <!-- run -->                       run as a shell session (console: what it prints is compared) or as a script (python, sh)
    <!-- run with: PROGRAM ADDRESS --> the same beside a server, which a port of its own is put in place of ADDRESS for
    <!-- frames -->                    bytes of the protocol: each paragraph parses as a frame and is what protobuf writes

Blocks of `sh` without a comment are checked for their scripts, programs and options to exist. `text` is not code: pictures
and grammars. Anything else without a treatment that fits is an error, so a new block cannot escape the tests.
"""

import re
from dataclasses import dataclass
from pathlib import Path

TREATMENTS = {
    "cpp": {"snippet", "file", "part of"},
    "proto": {"file", "part of"},
    "cmake": {"file", "part of"},
    "sh": {"", "run", "run with"},
    "console": {"run", "run with"},
    "python": {"run with", "file"},
    "text": {"", "frames", "shown by"},
}


class PageError(Exception):
    """What is wrong, as PAGE:LINE: sentence."""


@dataclass
class Block:
    page: Path  # relative to the tree
    line: int  # of the first line inside the fence
    language: str
    treatment: str
    argument: str
    text: str

    def error(self, sentence):
        return PageError(f"{self.page}:{self.line}: {sentence}")


def pages_of(tree):
    """Every page of the tree, relative to it."""
    pages = [Path("README.md"), Path("proto/README.md")]
    pages += sorted(path.relative_to(tree) for path in (tree / "framework/docs").glob("*.md"))
    return [page for page in pages if (tree / page).exists()]


def blocks_of(tree, page):
    """The blocks of one page, in order. Raises PageError for one that no test would take."""
    lines = (tree / page).read_text().splitlines()
    at = 0
    while at < len(lines):
        fence = re.fullmatch(r"(\s*)```(\w*)", lines[at])
        if not fence:
            if lines[at].lstrip().startswith("```"):
                raise PageError(f"{page}:{at + 1}: a fence that is not read: {lines[at].strip()}")
            at += 1
            continue
        comment = re.fullmatch(r"\s*<!-- ([a-z ]+?)(?:: (.*?))? -->", lines[at - 1]) if at > 0 else None
        end = next((each for each in range(at + 1, len(lines)) if lines[each].strip() == "```"), None)
        if end is None:
            raise PageError(f"{page}:{at + 1}: a fence that does not end")
        block = Block(
            page,
            at + 2,
            fence.group(2),
            comment.group(1) if comment else "",
            (comment.group(2) or "") if comment else "",
            "".join(line.removeprefix(fence.group(1)) + "\n" for line in lines[at + 1 : end]),
        )
        if block.treatment not in TREATMENTS.get(block.language, ()):
            kind = block.language or "of no language"
            raise block.error(f"a block ({kind}) that no test takes; see tests/pages/blocks.py")
        yield block
        at = end + 1


def all_blocks(tree):
    for page in pages_of(tree):
        yield from blocks_of(tree, page)


def stripped(text):
    return "\n".join(line.strip() for line in text.splitlines())


def check_against_files(tree, block):
    """What a block quotes must be there."""
    if block.treatment in ("file", "part of"):
        source = tree / block.argument
        if not source.is_file():
            raise block.error(f"there is no {block.argument}")
        if block.treatment == "file" and block.text != source.read_text():
            raise block.error(f"this is not {block.argument} as it is")
        if f"\n{stripped(block.text)}\n" not in f"\n{stripped(source.read_text())}\n":
            raise block.error(f"{block.argument} does not have these lines")
    if block.treatment == "shown by":
        text, _, test = block.argument.partition(" in ")
        if text not in block.text or text not in (tree / test).read_text():
            raise block.error(f"'{text}' is to be in this block and in {test}")
