"""arrows.py TREE ARROWS: whether each part includes what it links and nothing else.

A compiler cannot tell: whoever links a part sees the headers that its public headers include, too. So the includes themselves
are compared with the link lists of switchboard_part():

  a public header    includes what the part LINKS,
  any other file     also what it PRIVATE_LINKS,
  a public header    includes nothing internal (a folder linux/, windows/ or sqlite/),
  another part       includes nothing internal of this one, but that what is in its linux/ knows this one's linux/,
  a part that is linked is included: by a public header if it is in LINKS.

ARROWS has a line a part: name|folder|LINKS|PRIVATE_LINKS, the lists as CMake has them. Prints what is wrong, a line each; the
status is 1 if there is anything.
"""

import pathlib
import re
import sys

# Whose header it is, by the beginning of its name. Headers that are not named here belong to the language or the system.
LIBRARIES = (
    (r"switchboard/v1/.*\.pb\.h", "switchboard_proto"),
    (r"switchboard/v1/.*\.hpp", "switchboard_services"),
    (r"switchboard/\w+/v1/.*\.pb\.h", "switchboard_sample_proto"),
    (r"switchboard/\w+/v1/.*\.hpp", "switchboard_sample_services"),
    (r"switchboard/(\w+)/", r"switchboard_\1"),
    (r"caf/", "CAF::core"),
    (r"google/protobuf/", "protobuf::libprotobuf"),
    (r"fmt/", "fmt::fmt"),
    (r"spdlog/", "spdlog::spdlog"),
    (r"CLI/", "CLI11::CLI11"),
    (r"sqlite3\.h", "SQLite::SQLite3"),
    (r"liburing\.h", "PkgConfig::LibUring"),
)
INTERNAL = re.compile(r"(^|/)(linux|windows|sqlite)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def library_of(header):
    """The target that a header belongs to; None for the language's and the system's."""
    for pattern, library in LIBRARIES:
        match = re.match(pattern, header)
        if match:
            return match.expand(library)
    return None


def includes(path):
    """(line, header) of each include of a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


class Part:
    def __init__(self, line):
        self.name, folder, links, private_links = line.split("|")
        self.folder = pathlib.Path(folder)
        self.links = set(re.findall(r"[A-Za-z_][\w:]*", links))
        self.private_links = set(re.findall(r"[A-Za-z_][\w:]*", private_links))

    def files(self):
        """(path, whether it is a public header)."""
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                inside = path.relative_to(self.folder).as_posix()
                yield path, path.suffix == ".hpp" and not INTERNAL.search(inside)


def check_file(part, path, public, tree, used):
    """What is wrong in one file; adds the libraries it includes to `used`."""
    for number, header in includes(path):
        library = library_of(header)
        if library is None:
            continue
        where = f"{path.relative_to(tree)}:{number}: <{header}>"
        own = library == f"switchboard_{part.name}"
        internal = library.startswith("switchboard_") and INTERNAL.search(header)
        same_system = internal and internal.group(2) in ("linux", "windows") and path.parent.name == internal.group(2)
        if internal and (public or not (own or same_system)):
            yield f"{where} is internal to {library}" + (", and this is a public header" if own else "")
        if own:
            continue
        used.add(library)
        if library in part.links:
            continue
        if library not in part.private_links:
            yield f"{where} is {library}'s, which {part.name} does not link"
        elif public:
            yield f"{where} is {library}'s, which {part.name} has in PRIVATE_LINKS, and this is a public header"


def check_part(part, tree):
    public, private = set(), set()
    for path, is_public in part.files():
        yield from check_file(part, path, is_public, tree, public if is_public else private)
    for library in sorted(part.links - public):
        if library.startswith("switchboard_"):
            yield f"{part.name} has {library} in LINKS, and no public header includes it"
    for library in sorted(part.private_links - private):
        if library.startswith("switchboard_"):
            yield f"{part.name} has {library} in PRIVATE_LINKS, and no file includes it"


def check(tree, lines):
    for line in lines:
        yield from check_part(Part(line), tree)


def main(tree, arrows):
    lines = pathlib.Path(arrows).read_text(encoding="utf-8").split()
    if not lines:
        sys.exit("arrows.py: no part")
    wrong = list(check(pathlib.Path(tree), lines))
    print("\n".join(wrong) if wrong else f"{len(lines)} parts include what they link")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
