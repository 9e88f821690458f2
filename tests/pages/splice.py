#!/usr/bin/env python3
"""splice.py TREE TEMPLATE OUTPUT: the pages' C++ as one source to compile.

Each line `//! NAME` of the template becomes the block that has the comment <!-- snippet: NAME --> on its page, so a page
that does not compile fails the build, with the page's own line in the compiler's message. Every snippet is used once.
Blocks that quote files are compared with them on the way. What is wrong is said in one line, with status 1.
"""

import re
import sys
from pathlib import Path

from blocks import PageError, all_blocks, check_against_files


def splice(tree, template):
    blocks = {}
    for block in all_blocks(tree):
        check_against_files(tree, block)
        if block.treatment != "snippet":
            continue
        if block.argument in blocks:
            raise block.error(f"a second snippet that is called {block.argument}")
        blocks[block.argument] = block
    out = [f'#line 1 "{template}"\n']
    for number, line in enumerate(template.read_text().splitlines(), 1):
        wanted = re.fullmatch(r"\s*//! (.*)", line)
        if not wanted:
            out.append(line + "\n")
            continue
        block = blocks.pop(wanted.group(1), None)
        if block is None:
            raise PageError(f"{template}:{number}: no page has a snippet that is called {wanted.group(1)}, or it was used before")
        out += [f'#line {block.line} "{tree / block.page}"\n', block.text, f'#line {number + 1} "{template}"\n']
    for block in blocks.values():
        raise block.error(f"{template.name} has no place for the snippet {block.argument}")
    return "".join(out)


def main(tree, template, output):
    try:
        source = splice(Path(tree), Path(template))
    except PageError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    output = Path(output)
    if not output.exists() or output.read_text() != source:
        output.write_text(source)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
