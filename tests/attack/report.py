#!/usr/bin/env python3
"""Writes what attacks came to into the page about them.

    report.py REPORT PAGE    REPORT: a line of JSON for each attack; PAGE: framework/docs/attacks.md
"""

import json
import sys

BEGIN = "<!-- written by tests/attack/run.sh --page -->\n"
END = "<!-- until here -->\n"

COLUMNS = (
    ("attack", "attack"),
    ("about", "on"),
    ("KiB", "KiB sent"),
    ("connections", "connections"),
    ("seconds", "s"),
    ("broker CPU s", "broker's CPU s"),
    ("anonymous MiB", "its MiB at most"),
    ("long turns", "turns of more than 2 ms"),
    ("interrupted", "of interrupted turns"),
    ("gone after s", "given back after s"),
    ("publish p50", "publish p50 ms"),
    ("publish p99", "p99"),
    ("publish longest", "longest"),
    ("publish p99 beside", "p99 beside"),
    ("delivery p50", "delivery p50 ms"),
    ("delivery p99", "p99"),
    ("delivery longest", "longest"),
    ("delivery p99 beside", "p99 beside"),
    ("SIGTERM s", "ended after s"),
)


def cell(value):
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def table(rows):
    lines = ["| " + " | ".join(title for _, title in COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(cell(row.get(name, "")) for name, _ in COLUMNS) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def attacks_in(page):
    """The attacks that a page has a row for."""
    rows = page.split(BEGIN, 1)[1].split(END, 1)[0].splitlines()[2:]
    return [row.split("|")[1].strip() for row in rows]


def main(report, page):
    with open(report, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with open(page, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN, 1)
    with open(page, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + table(rows) + END + rest.split(END, 1)[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
