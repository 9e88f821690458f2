"""reached.py BUILD SOURCE: what a program's main with one service reaches with its includes.

Such a main is compiled by everybody who writes a service, each time it changes. CAF's headers are 3 s to read, so it reaches none
of them, and nothing of the client's. The compiler says what is reached (-M), with the flags that BUILD compiles SOURCE with and
without precompiled headers. Prints what should not be there, a line each; the status is 1 if there is anything.
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

UNWANTED = (
    (re.compile(r"/caf/"), "is CAF's"),
    (re.compile(r"/switchboard/client/|\.client\.hpp$"), "is the client's"),
)


def listing_command(command):
    """The command that compiles a source, as one that lists what the source reaches."""
    words = shlex.split(command)
    # In front of the compiler there may be its cache.
    first = next(i for i, word in enumerate(words) if re.search(r"(\+\+|clang|gcc|cc)(-[\d.]+)?$", word) and "ccache" not in word)
    words = words[first:]
    for option in ("-o", "-include", "-MF", "-MT"):
        while option in words:
            at = words.index(option)
            del words[at : at + 2]
    return [word for word in words if word not in ("-c", "-MD", "-Winvalid-pch")] + ["-M"]


def unwanted(rule):
    """Of what make's rule names, what should not be there."""
    for path in rule.replace("\\\n", " ").split():
        for pattern, why in UNWANTED:
            if pattern.search(path):
                yield f"{path} {why}"


def reached(build, source):
    """The rule of a source in compile_commands.json."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(entry["file"]) == source:
            command = listing_command(entry["command"])
            return subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=True).stdout
    raise SystemExit(f"{source} is not compiled in {build}")


def main(build, source):
    found = list(unwanted(reached(pathlib.Path(build), pathlib.Path(source))))
    for line in found:
        print(f"{source} reaches {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
