#!/usr/bin/env python3
"""What the source tree is held to, beside what compilers and tests hold it to.

    house.py [ROOT]            every check; a line for each violation, and status 1 if there is one
    house.py --words [ROOT]    where comments and pages use a word that has a plainer one in the field, and which
    house.py --lines [ROOT]    lines of framework/ and actors/, without tests, comments and empty lines

Sizes        no file of framework/, actors/ and apps/ has more than 500 lines, no class more than 30 functions and members
             together, no function more than 60 lines. What is larger and known is in larger.txt, each with the size that
             it may not pass; an entry that is no longer larger has to go.
References   a file that a comment or a page names is in the tree, and a heading that is named with it, as in
             (proto/README.md, "Limits"), is in that file. Links of pages lead to what is there.
Parts        the table of framework/docs/architecture.md has every part, each below all that it links.
Words        no comment and no page uses a word of WORDS below: each is clear only to those who wrote it. A folder that still has
             some is in larger.txt, with the number it may not pass.
Unfinished   no file says that something is still to be done, or has a place left to fill in, and no test skips itself.
"""

import os
import re
import sys
from pathlib import Path

from declarations import declarations_of

FILE_LINES_MAX = 500
CLASS_SIZE_MAX = 30
FUNCTION_LINES_MAX = 60
SIZED = ("framework", "actors", "apps")

# How a comment begins in a file of this kind.
COMMENT = {
    ".hpp": r"//+", ".cpp": r"//+", ".proto": r"//+",
    ".py": "#+", ".sh": "#+", ".cmake": "#+", "CMakeLists.txt": "#+",
}
NAMED_FILE = re.compile(r"(?<![\w/<.*…-])(?:[\w.-]+/)*[\w.-]*\w\.(?:hpp|cpp|proto|md|py|sh|cmake)(?![\w/])")
NAMED_HEADING = re.compile(r'((?:[\w-]+/)*[\w-]+\.md), ((?:"[^"]+"(?:, | and )?)+)')
HEADING_OF_NO_FILE = re.compile(r'\b(?:wire protocol|contract|architecture|protocol page)s?, (?:section |")')
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
# What is made while building, files of other projects, and names that stand for any.
ELSEWHERE = re.compile(r"\.(?:switchboard|methods|client)\.hpp$|\.switchboard\.cpp$|_pb2\.py$|^(?:caf|google|spdlog|linux|sys)/|^(?:file|X|a/b)\.proto$")

# Targets that parts link and that are no parts: what protoc makes of the tree's own .proto files.
BESIDE_PARTS = {"proto", "services"}

UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|GTEST_SKIP)\b|@[A-Z]+@")

# Words that a reader from outside has to guess at, and what the field's papers and manuals say.
WORDS = {
    r"whoever|nobody|somebody|everybody": "name the part or the person",
    r"under way": "in progress, outstanding, in flight",
    r"behind(?! (?:a |the )?(?:reverse )?prox)": "after, where it is about time or order",
    r"pok(?:e|es|ed|ing)": "notify, wake",
    r"settl(?:e|es|ing)": "end of turn",
    r"farewell|so long": "goodbye status, status on close",
    r"drafts?": "record",
    r"feed_vocabulary|room_vocabulary|vocabulary": "codec",
    r"log_homes?|homes?": "log store",
    r"only_moved": "move_only message",
    r"abandoned": "cancelled, held by its service",
    r"sleep_ledger": "parking lot, sleepers",
    r"presence_changes?": "membership event",
    r"look_owed_?|owed": "wake pending",
    r"lets? go|letting go": "release",
    r"tells?|told": "notifies, reports, says",
    r"brings?|brought": "has, causes",
}


def source_files(root, folders=("",)):
    """The tree's own text files of `folders`, relative to `root`, without what is built."""
    kinds = {".hpp", ".cpp", ".proto", ".py", ".sh", ".cmake", ".md", ".txt"}
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            hidden = any(part.startswith((".", "build")) or part == "__pycache__" for part in relative.parts)
            if path.suffix in kinds and path.is_file() and not hidden:
                yield relative


def sizes(root):
    """(limit's name, what, size, limit) of every file, class and function of the tree."""
    for path in source_files(root, SIZED):
        text = (root / path).read_text()
        yield "file", str(path), text.count("\n"), FILE_LINES_MAX
        if path.suffix not in (".hpp", ".cpp"):
            continue
        classes, functions = declarations_of(text)
        for each in classes:
            yield "class", f"{each.name} {path}", each.size, CLASS_SIZE_MAX
        for each in functions:
            yield "function", f"{each.name} {path}", each.lines, FUNCTION_LINES_MAX


def known_larger(root):
    """(kind, what) to the size it may have, from larger.txt: kind, size, name, path."""
    path = root / "tests/house/larger.txt"
    known = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if line and not line.startswith("#"):
            kind, size, what = line.split(maxsplit=2)
            known[kind, what] = int(size)
    return known


def check_sizes(root):
    known = known_larger(root)
    for kind, what, size, limit in sizes(root):
        allowed = known.get((kind, what), limit)
        if size > limit:
            known.pop((kind, what), None)
        if size > max(allowed, limit):
            unit = "functions and members" if kind == "class" else "lines"
            yield f"{kind} {what}: {size} {unit}, at most {max(allowed, limit)}"
    for kind, what in known:
        if kind != "words":
            yield f"tests/house/larger.txt: {kind} {what} is no longer too large, or not there: take the line out"


def comments_of(path, text):
    """(line number, text) of each run of whole-line comments, joined, and of each comment beside code; all of a page."""
    if path.suffix == ".md":
        yield from enumerate(text.splitlines(), 1)
        return
    mark = COMMENT.get(path.name) or COMMENT.get(path.suffix)
    if mark is None:
        return
    begin, joined = 0, []
    for number, line in enumerate(text.splitlines() + [""], 1):
        whole = re.match(rf"\s*{mark}<?\s?(.*)", line)
        if whole:
            begin = begin if joined else number
            joined.append(whole.group(1).strip())
            continue
        if joined:
            yield begin, " ".join(joined)
            joined = []
        beside = re.search(rf"\s{mark}<? (.*)", line)
        if beside:
            yield number, beside.group(1)


def headings_of(root, page):
    return set(re.findall(r"^#+ (.*)$", (root / page).read_text(), re.MULTILINE))


def check_references(root):
    files = {str(path) for path in source_files(root)}
    headings = {}

    def find(named, beside):
        """A file named in full, from its own folder, or by the end of its path, as an include names it."""
        if named in files:
            return named
        local = os.path.normpath(Path(beside).parent / named)
        return local if local in files else next((each for each in files if each.endswith("/" + named)), None)

    for path in map(Path, sorted(files)):
        for line, comment in comments_of(path, (root / path).read_text()):
            where = f"{path}:{line}"
            if HEADING_OF_NO_FILE.search(comment):
                yield f'{where}: names a heading without the page it is on; write (proto/README.md, "Limits")'
            for named in NAMED_FILE.findall(comment):
                if not ELSEWHERE.search(named) and not find(named, path):
                    yield f"{where}: names {named}, which is not in the tree"
            for page, quoted in NAMED_HEADING.findall(comment):
                found = find(page, path)
                if found is None:
                    continue
                there = headings.setdefault(found, headings_of(root, found))
                for heading in re.findall(r'"([^"]+)"', quoted):
                    if heading not in there:
                        yield f'{where}: names the heading "{heading}", which {found} does not have'
            if path.suffix == ".md":
                for link in LINK.findall(comment):
                    if "://" not in link and not (root / path.parent / link).exists():
                        yield f"{where}: links to {link}, which is not there"


def check_parts(root):
    """The table's rows against the CMake targets that switchboard_part() declares."""
    page = root / "framework/docs/architecture.md"
    if not page.exists():
        return
    folders = re.findall(r"^\| \w+ \| `([\w/]+)` \|", page.read_text(), re.MULTILINE)
    above = set()
    for folder in folders:
        declared = root / folder / "CMakeLists.txt"
        part = re.search(r"switchboard_part\((\w+)(.*)\)", declared.read_text(), re.DOTALL) if declared.exists() else None
        if part is None:
            yield f"framework/docs/architecture.md: {folder} declares no part"
            continue
        for linked in re.findall(r"\bswitchboard_(\w+)", part.group(2)):
            if linked not in above | BESIDE_PARTS:
                yield f"framework/docs/architecture.md: {part.group(1)} links {linked}, which is not above it in the table"
        above.add(part.group(1))
    for path in source_files(root, ("framework", "actors")):
        if path.name == "CMakeLists.txt" and "switchboard_part(" in (root / path).read_text() and str(path.parent) not in folders:
            yield f"framework/docs/architecture.md: the table of parts lacks {path.parent}"


def check_unfinished(root):
    for path in source_files(root):
        if path.parts[:2] == ("tests", "house"):
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            found = UNFINISHED.search(line)
            if found:
                yield f"{path}:{number}: {found.group()}"


def check(root):
    yield from check_sizes(root)
    yield from check_references(root)
    yield from check_parts(root)
    yield from check_words(root)
    yield from check_unfinished(root)


def words_of(root):
    """(path, line, word, what to say instead) of each word of WORDS in a comment or a page."""
    for path in source_files(root):
        if path.parts[:2] == ("tests", "house"):
            continue
        for line, comment in comments_of(path, (root / path).read_text()):
            for words, instead in WORDS.items():
                for found in re.findall(rf"\b(?:{words})\b", comment, re.IGNORECASE):
                    yield path, line, found, instead


def check_words(root):
    """Every word of a folder that has more of them than it may."""
    folders = {}
    for path, line, word, instead in words_of(root):
        folders.setdefault(str(path.parent), []).append(f'{path}:{line}: "{word}" ({instead})')
    known = {what: size for (kind, what), size in known_larger(root).items() if kind == "words"}
    for folder, found in folders.items():
        allowed = known.pop(folder, 0)
        if len(found) > allowed:
            yield from found
            if allowed:
                yield f"words {folder}: {len(found)}, at most {allowed}"
    for folder in known:
        yield f"tests/house/larger.txt: words {folder} are gone: take the line out"


def report_words(root):
    found = list(words_of(root))
    for path, line, word, instead in found:
        print(f'{path}:{line}: "{word}" ({instead})')
    print(f"{len(found)} in all")


def report_lines(root):
    for folder in ("framework", "actors"):
        count = 0
        for path in source_files(root, (folder,)):
            if path.suffix in (".hpp", ".cpp"):
                lines = (line.strip() for line in (root / path).read_text().splitlines())
                count += sum(1 for line in lines if line and not line.startswith("//"))
        print(f"{folder}: {count} lines of code")


def main(arguments):
    options = [each for each in arguments if each.startswith("--")]
    places = [each for each in arguments if not each.startswith("--")]
    root = Path(places[0] if places else Path(__file__).parents[2]).resolve()
    if options == ["--words"]:
        report_words(root)
        return 0
    if options == ["--lines"]:
        report_lines(root)
        return 0
    if options or len(places) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    violations = list(check(root))
    print("\n".join(violations) if violations else "in order")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
