#!/usr/bin/env python3
"""pages.py check TREE BUILD               what pages quote and name exists: files, lines, commands, options, tests
pages.py run TREE BUILD                  their sessions, scripts and frames do what they show
pages.py outside TREE BUILD NAME=FILE…   the sessions that need programs which the tree does not build

A line for each thing that is wrong, and status 1 if there is one.
"""

import sys
from pathlib import Path

from blocks import PageError, all_blocks, check_against_files
from commands import Commands
from sessions import Sessions, check_frames


def check(tree, build):
    for block in all_blocks(tree):
        try:
            check_against_files(tree, block)
        except PageError as wrong:
            yield str(wrong)
    yield from Commands(tree, build).check_pages()


def run(tree, build, programs):
    """Blocks `run: outside` with `programs`, or without any all the others."""
    sessions = Sessions(tree, build, programs)
    ran = 0
    for block in all_blocks(tree):
        try:
            if block.treatment in ("run", "run with") and (block.argument == "outside") == bool(programs):
                sessions.run(block)
            elif block.treatment == "frames" and not programs:
                check_frames(block, build)
            else:
                continue
            ran += 1
        except PageError as wrong:
            yield str(wrong)
    print(f"{ran} blocks")
    if ran == 0:
        yield "no page has a block to run"


def main(mode, tree, build, *programs):
    tree, build = Path(tree).resolve(), Path(build).resolve()
    named = dict(each.split("=", 1) for each in programs)
    if mode not in ("check", "run", "outside") or (mode == "outside") != bool(named):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        wrong = list(check(tree, build) if mode == "check" else run(tree, build, named))
    except PageError as unread:
        wrong = [str(unread)]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
