#!/usr/bin/env python3
"""What of the notification contract holds on which backend, from the results of the contract suite.

  contract_table.py RESULT.xml… --write PAGE    writes the page; columns without results stay as the page has them
  contract_table.py RESULT.xml… --check PAGE    fails where the page says something else than the results

A result is what the suite writes with --gtest_output=xml. Every rule has a test named after it on every backend, or a
reason here why it has none; a reason that is not needed any more is an error too, as is a test that failed.
"""

import argparse
import collections
import difflib
import re
import sys
import xml.etree.ElementTree

RULES = """
A new port is empty; one that could not be made leaves nothing in the kernel
Only the system's own sockets register; anything else fails in its own result
A socket belongs to at most one port
A socket has at most one registration; ENABLE again replaces filter and trigger
The key is fixed; changing it takes REMOVE, its event, then ENABLE
One registration for both directions: every re-arm names the whole filter
One operation a request; NONE changes nothing
ENABLE arms at once what is new, disabled or has fired
DISABLE keeps the registration; nothing new is queued or remembered
REMOVE gives exactly one REMOVE event, enabled or not
REMOVE without a registration fails in its result; ENABLE during REMOVE too
A failed call changed nothing; otherwise each request has its own result
One bad request does not spoil its neighbours
The returned value is the error
After a failed call the old registration is live
After a failed re-arm the caller alone owns the context
A call may fail for lack of memory and succeed when tried again
Pending conditions merge into one packet; REMOVE dominates
ERR and REMOVE come unasked, the rest only if asked for
ERR carries no code; the socket has it
HANGUP is for streams that ended or were aborted, never for datagrams
End of stream also satisfies IN
HANGUP may come with unread data
An empty datagram is data
A made connection shows OUT, a failed one ERR
A close that was not asked about shows when it is asked for
One of LEVEL and EDGE; ONESHOT and PERSISTENT exclude each other
LEVEL notifies whenever armed and true, also at ENABLE
EDGE notifies of a change while enabled
EDGE users drain to would-block after ENABLE and each packet
Surplus edges are allowed, missing ones are not
ONESHOT disables on delivery
A level one-shot that is re-armed with data left fires again
An edge one-shot is legal
Several threads may get one persistent level condition
Readiness is a hint
Requests are applied in order, then packets are taken
No output: requests only, timeout 0
Returns once one packet is there, never more than fit
Timeout 0 polls, infinite waits, expiry is no error
Expiry is no failure, and never early
A post wakes one waiter and mixes with socket packets
A posted value may equal any mask: the key distinguishes them
One exit post ends all threads in a chain
Every call from any thread
A packet reaches exactly one thread
No source is served twice while one that was ready earlier waits
REMOVE is the last packet of its key
REMOVE is withheld until batches taken before are released
REMOVE, its event, close, free
Closing without REMOVE is silent; a reused number starts fresh
A REMOVE that keeps failing: close the socket, keep the record
A listener's IN means: try to accept
async_accept: several outstanding, completing on the same port
The end of a port releases its waiters
An ENABLE that calls its socket drained fires for what arrived after the read, and for any end
""".strip().splitlines()

# As the suite's backends are named: the column's title.
BACKENDS = {
    "Epoll": "epoll",
    "IoUring": "io_uring",
    "Simulated": "simulated",
    "Afd": "AFD poll (run under Wine)",
    "Iocp": "ProcessSocketNotifications",
}

# Rule numbers, and how the backend keeps them where its system does not by itself.
EMULATED = {
    "Epoll": {
        (2,): "SO_TYPE is read at ENABLE",
        (3, 4, 5, 11): "table of registrations for the process",
        (7, 27, 38): "checked in the port",
        (9,): "a one-shot that fired is left alone, else EPOLL_CTL_DEL and the record stays",
        (10, 18, 48, 50): "EPOLL_CTL_DEL, then a packet of the port's own",
        (21,): "RDHUP and HUP, of streams only",
        (41,): "waits again until the time has passed",
        (42, 43, 44, 47): "queue of the port's own beside the set; a level-triggered eventfd wakes",
        (49,): "epochs of the batches",
        (51,): "EPOLL_CTL_MOD or ADD shows whether the kernel still has the socket",
        (54,): "an inner set and accept4 by the thread that drains",
        (55,): "posted wakes",
        (56,): "kept in the table over an edge-triggered registration that stands: such an arm costs no system call",
    },
    "IoUring": {
        (2,): "SO_TYPE is read at ENABLE",
        (3, 4, 5, 11): "table of registrations for the process",
        (7, 27, 38): "checked in the port",
        (9,): "the poll is cancelled, the record stays",
        (10, 18, 48, 50): "a packet of the port's own after the last completion of the cancelled requests",
        (12, 15, 17): "room for the whole array is reserved first",
        (21,): "RDHUP and HUP, of streams only",
        (28, 33): "single-shot poll, asked for anew after each packet",
        (29, 30, 31): "multishot poll",
        (41,): "waits again until the time has passed",
        (42, 43, 44, 47): "queue of the port's own beside the ring; an eventfd's poll wakes",
        (49,): "epochs of the batches",
        (51,): "SO_COOKIE shows whether a number is still the same socket's",
        (55,): "posted wakes",
    },
    "Afd": {
        (2,): "SO_TYPE is read at ENABLE, layered sockets are asked for their base",
        (3, 4, 5, 11): "table of registrations for the process",
        (7, 27, 38): "checked in the port",
        (9,): "the poll is cancelled, the record stays",
        (10, 18, 48, 50): "a packet of the port's own once the cancelled poll has returned",
        (21,): "DISCONNECT and ABORT, of streams only",
        (28, 33): "single-shot poll, asked for anew after each packet",
        (29, 30, 31): "IN as level, OUT once more after a would-block",
        (41,): "waits again until the time has passed",
        (49,): "epochs of the batches",
    },
    "Iocp": {
        (3, 4, 5, 11): "checked in the port",
        (41,): "waits again until the time has passed",
        (49,): "epochs of the batches",
    },
}

# Rule numbers that a backend has no test of, and why.
NOT_RUN = {
    "Afd": {(20,): "not run here: Wine 8 forgets why a connection was reset once it has been polled"},
    "Iocp": {tuple(range(1, 57)): "not run here: it takes Windows build 20348 or later; Wine 8 has no ProcessSocketNotifications"},
}

NEVER_RUN = {"Iocp"}

INCIDENTS = {
    "Ponyc5738": "ponyc #5738, #5805: a failed REMOVE taken for unregistered",
    "Ponyc2897": "ponyc #2897: a one-shot edge missed what was there at the re-arm",
    "Ponyc5683": "ponyc #5683: an OUT delivery consumed the arm for IN",
    "Ponyc5131": "ponyc #5131: registration errors ignored",
    "Ponyc5289": "ponyc #5289: an empty datagram closed the socket",
    "Libevent1264": "libevent #1264: infinite wait, unread results, silent resets",
    "Polling210": "polling #210: removal that spins and takes others' packets",
    "Wepoll34": "wepoll #34, async #571: a reused handle",
    "Wepoll35": "wepoll #35: fire, DEL and ADD between two pollers",
    "Mio1303": "mio #1303: an abort reported with every poll",
    "Msquic1290": "msquic #1290: freeing what another's batch holds",
    "Libuv1099": "libuv #1099: a closed descriptor shared with a child",
    "Seastar1945": "seastar #1945: HUP without interest spins",
    "Mio933": "mio #933: half-close taken for a full one",
    "Silk80": "silk #80: a multishot that ended silently",
    "Liburing932": "liburing #932: a close that sent no FIN",
}
NOT_RUN_INCIDENTS = {
    "Afd": {
        ("Wepoll34", "Libuv1099"): "not run here: no test can have Winsock hand out a number again, or share a socket",
    },
    "Simulated": {
        ("Wepoll34", "Libuv1099"): "not applicable: it is about descriptors that the system hands out, or shares",
    },
    "Iocp": {tuple(INCIDENTS): NOT_RUN["Iocp"][tuple(range(1, 57))]},
}


def looked_up(entries, backend, wanted):
    for keys, text in entries.get(backend, {}).items():
        if wanted in keys:
            return text
    return None


def read(paths):
    """By backend: what ran of each rule and incident, as a set of outcomes."""
    ran = collections.defaultdict(lambda: collections.defaultdict(set))
    for path in paths:
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            name, _, backend = case.get("name").partition("/")
            if backend not in BACKENDS or case.get("status") != "run":
                continue
            outcome = "failed" if case.find("failure") is not None else "passed"
            if rule := re.match(r"N(\d+)[A-Z]", name):
                ran[backend][int(rule[1])].add(outcome)
            for incident in INCIDENTS:
                if name.startswith(incident):
                    ran[backend][incident].add(outcome)
    return ran


def cell(ran, backend, row, faults):
    outcomes = ran[backend].get(row, set())
    reason = looked_up(NOT_RUN if isinstance(row, int) else NOT_RUN_INCIDENTS, backend, row)
    where = f"{'N' if isinstance(row, int) else ''}{row} on {BACKENDS[backend]}"
    if outcomes and reason:
        faults.append(f"{where}: runs, though a reason says why it does not")
    if not outcomes and not reason:
        faults.append(f"{where}: no test, and no reason why")
    if "failed" in outcomes:
        faults.append(f"{where}: failed")
        return "failed"
    if not outcomes:
        return reason or "?"
    how = looked_up(EMULATED, backend, row)
    return f"emulated: {how}" if how else "passed"


def rows_of(page):
    """The page's tables: first cell of a row to its cells by column title, their notes written out."""
    notes = dict(re.findall(r"^\[\^(\d+)\]: (.*)$", page, re.MULTILINE))
    known, titles = {}, []
    for line in page.splitlines():
        if not line.startswith("|"):
            continue
        line = re.sub(r"\[\^(\d+)\]", lambda note: ": " + notes.get(note[1], "?"), line)
        cells = [each.strip() for each in line.strip("|").split("|")]
        if cells[0] in ("rule", "bug"):
            titles = cells
        elif not set(line) <= set("|-"):
            known[cells[0]] = dict(zip(titles, cells))
    return known


def render(ran, page, faults):
    known = rows_of(page)
    # Columns without results are taken from the page; a column that was never run is not there.
    written = set(ran) | NEVER_RUN
    shown = [b for b in BACKENDS if b in written or any(BACKENDS[b] in row for row in known.values())]

    notes = {}

    def short(text):
        word, colon, note = text.partition(": ")
        return f"{word}[^{notes.setdefault(note, len(notes) + 1)}]" if colon else word

    def line(first, row, *named):
        cells = []
        for backend in shown:
            if backend in written:
                cells.append(cell(ran, backend, row, faults))
            else:
                cells.append(known.get(first, {}).get(BACKENDS[backend], "?"))
        return "| " + " | ".join([first, *named, *map(short, cells)]) + " |\n"

    titles = [BACKENDS[each] for each in shown]
    text = """# The notification contract, rule by rule

`framework/switchboard/notify` promises the same on every system: the rules N1 to N55 of Winsock's socket state notifications, and
N56 of its own. One suite, `tests/notify`, has a test named after each rule and runs it on every backend. This page is written from
its results by `tests/notify/contract_table.py`, and `ctest -R contract_table` fails where it says something else.

N56: the ENABLE of a level-triggered one-shot may say that its stream is *drained*: since the registration's last packet it was read
until a read came back short or would block (`hint::drained`). It then fires for what arrived after that read, also before the
ENABLE, and for any end, earlier or later; for all else in its filter as without the word. A false word may lose events. It is
what lets a port arm without a system call; a port need not use it.

Beside the rules a port has registrations by name, an addition of its own (`add`, `rearm`, `remove` and `post_after_batches` in
`notification_port.hpp`), which the suite shows in `contract_names_test.cpp`.

*passed*: by what the system does. *emulated*: passed, and it is the port that does it, as the note says. Polls of AFD were run under
Wine (`tests/windows.sh`).

"""
    text += "| " + " | ".join(["rule", "says", *titles]) + " |\n" + "|---" * (2 + len(titles)) + "|\n"
    for number, says in enumerate(RULES, 1):
        text += line(f"N{number}", number, says)
    text += "\n## Bugs others met\n\n| " + " | ".join(["bug", *titles]) + " |\n" + "|---" * (1 + len(titles)) + "|\n"
    for name, what in INCIDENTS.items():
        text += line(what, name)
    return text + "\n" + "".join(f"[^{number}]: {note}\n" for note, number in notes.items())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", nargs="+")
    parser.add_argument("--write", metavar="PAGE")
    parser.add_argument("--check", metavar="PAGE")
    wanted = parser.parse_args()
    path = wanted.write or wanted.check or parser.error("--write or --check")
    try:
        with open(path, encoding="utf-8") as file:
            page = file.read()
    except FileNotFoundError:
        page = ""
    ran = read(wanted.results)
    faults = [] if ran else ["no result of any backend"]
    text = render(ran, page, faults)
    if wanted.write and not faults:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    if wanted.check and text != page:
        faults.append(f"{path} is out of date; write it with --write:")
        faults += difflib.unified_diff(page.splitlines(), text.splitlines(), "page", "results", lineterm="", n=0)
    for each in faults:
        print(each)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
