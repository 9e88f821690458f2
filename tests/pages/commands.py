"""Whether the commands on the pages name what exists: scripts, programs, options, tests, folders.

In blocks of `sh` every command must be one that is known here. In running text, a code span is looked at where it begins
with a folder of the tree, with one of its programs, or with ctest.
"""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

from blocks import PageError, all_blocks, pages_of

FOLDERS = ("framework/", "actors/", "apps/", "proto/", "tests/", ".ci/")
SECONDS = 60


class Commands:
    def __init__(self, tree, build):
        self.tree = tree
        self.build = build
        self.programs = {path.name for path in (build / "bin").iterdir() if path.is_file()}

    def check_pages(self):
        """Yields a sentence for each command that would not work as it stands."""
        for block in all_blocks(self.tree):
            if block.language != "sh":
                continue
            for offset, line in enumerate(joined_lines(block.text)):
                for wrong in self.check(line, is_block=True):
                    yield f"{block.page}:{block.line + offset}: {wrong}"
        for page in pages_of(self.tree):
            for number, span in code_spans((self.tree / page).read_text()):
                for wrong in self.check(span, is_block=False):
                    yield f"{page}:{number}: {wrong}"

    def check(self, line, is_block):
        for command in re.split(r"\s+(?:&&|\|)\s+", line):
            try:
                words = shlex.split(command, comments=True)
            except ValueError:
                words = command.split()
            yield from self.check_words(words, is_block)

    def check_words(self, words, is_block):
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            variable = words.pop(0).split("=")[0]
            if variable.startswith("SWITCHBOARD_") and not self.is_mentioned(variable):
                yield f"nothing reads the variable {variable}"
        if not words:
            return
        name, arguments = words[0], words[1:]
        yield from self.check_paths(words)
        if name == "ctest":
            yield from self.check_ctest(arguments)
        elif name.startswith("build/tests/"):
            yield from self.check_test_binary(name, arguments)
        elif name.removeprefix("build/bin/") in self.programs:
            yield from self.check_options(name, arguments, self.options_of(name.removeprefix("build/bin/"), tuple(arguments)))
        elif name.startswith("build/bin/"):
            yield f"the build makes no {name}"
        elif name.startswith(FOLDERS) and (self.tree / name).is_file() and arguments:
            yield from self.check_options(name, arguments, set(re.findall(r"--[a-z][a-z-]+", (self.tree / name).read_text())))
        elif is_block and not name.startswith(FOLDERS) and name not in ("cmake", "cd", "protoc"):
            yield f"no test knows the command {name}"

    def check_paths(self, words):
        for word in words:
            place = word.rstrip(".,:").split("=")[-1]
            if place.startswith(FOLDERS) and "…" not in place and not any(self.tree.glob(place.rstrip("/"))):
                yield f"there is no {place}"

    def check_options(self, name, arguments, known):
        for argument in arguments:
            option = argument.split("=")[0]
            if re.fullmatch(r"--[a-z][a-z-]*", option) and option not in known:
                yield f"{name} has no option {option}"

    def check_ctest(self, arguments):
        if "-R" not in arguments:
            return
        wanted = arguments[arguments.index("-R") + 1]
        listed = output_of("ctest", "--test-dir", str(self.build), "-N", "-R", wanted)
        if "Total Tests: 0" in listed or "Total Tests" not in listed:
            yield f"no test is called {wanted}"

    def check_test_binary(self, name, arguments):
        binary = self.build / "tests" / Path(name).name
        if not binary.exists():
            if not self.is_mentioned(f"switchboard_test({binary.name.removesuffix('_test')}"):
                yield f"the build makes no {name}"
            return
        for argument in arguments:
            if argument.startswith("--gtest_filter=") and not output_of(str(binary), "--gtest_list_tests", argument):
                yield f"{name} has no test that {argument} takes"

    @cache
    def options_of(self, program, arguments):
        """The options in a program's --help, and in that of the command which is its first argument, if it has one."""
        binary = str(self.build / "bin" / program)
        text = output_of(binary, "--help")
        if arguments and re.fullmatch(r"[a-z]+", arguments[0]):
            text += output_of(binary, arguments[0], "--help")
        return set(re.findall(r"--[a-z][a-z-]*", text))

    @cache
    def is_mentioned(self, text):
        sources = [*self.tree.glob("tests/**/*"), *self.tree.glob("framework/**/*")]
        return any(text in path.read_text(errors="replace") for path in sources if path.is_file() and path.suffix != ".md")


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout + done.stderr


def joined_lines(text):
    """The lines of a script, those that end with a backslash with what follows."""
    return text.replace("\\\n", " ").splitlines()


def code_spans(text):
    """(line, text) of each span of code in running text, which may go on in the next line."""
    # What is fenced is blanked out first, so that line numbers stay.
    text = re.sub(r"^\s*```.*?^\s*```$", lambda fenced: "\n" * fenced.group().count("\n"), text, flags=re.MULTILINE | re.DOTALL)
    for span in re.finditer(r"`([^`]+)`", text):
        yield text[: span.start()].count("\n") + 1, " ".join(span.group(1).split())


__all__ = ["Commands", "PageError", "code_spans", "joined_lines"]
