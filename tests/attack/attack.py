"""What attacks are made of: a broker that is watched, a well-behaved client beside it, and attackers in processes of their own.

An attacker may do what it likes with the sockets it opens. What is shown is what it spent, what the broker spent, and what the
well-behaved client noticed meanwhile. Nothing is asserted of wall-clock time but a generous patience: a stopped machine would fail
it. The bounds are on memory, and on who is still served.
"""

import contextlib
import multiprocessing
import os
import re
import signal
import time
import unittest

import protocol_client as protocol
from protocol_client import Connection, Frame, chat, delimited

FULL = os.environ.get("ATTACK_FULL") == "1"
MIB = 1024 * 1024
PATIENCE = 5.0  # seconds that a well-behaved client may wait for one reply during an attack
REPORT = os.environ.get("ATTACK_REPORT")  # a file that gets a line of the table for each attack


def scaled(short, full):
    """The size of an attack: `short` in every run, `full` on demand."""
    return full if FULL else short


class WatchedBroker(protocol.Broker):
    """A chat broker, with what it spends."""

    def anonymous_bytes(self):
        """Memory that no file stands behind (RssAnon, proc(5))."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")

    def figures(self):
        """What the broker counts, by series as framework/docs/metrics.md writes them: {'switchboard_connections': 3.0, …}."""
        before = len(self.logged())
        self.signal(signal.SIGUSR1)
        # The last line of a report: figures come in the order of their names.
        last, deadline = "switchboard_service_restarts_total{", time.monotonic() + protocol.DEADLINE
        while last not in self.logged()[before:] or not self.logged().endswith("\n"):
            if time.monotonic() > deadline:
                raise AssertionError("the broker does not report its figures")
            time.sleep(0.01)  # until the next look
        lines = re.findall(r"^(switchboard_\S+) (\S+)$", self.logged()[before:], re.MULTILINE)
        return {series: float(value) for series, value in lines}

    def turns_above(self, seconds):
        """How many turns of an actor had more processor time than one of the histogram's bounds. The measurement may add half a
        millisecond, and caches that other programs have emptied about as much."""
        figures, turns = self.figures(), "switchboard_pump_turn_cpu_seconds"
        return figures[f"{turns}_count"] - figures[f'{turns}_bucket{{le="{seconds}"}}']

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Attackers:
    """Runs `attack(address, spent, *arguments)` in processes that yield to everybody else; `spent` counts bytes sent."""

    def __init__(self, attack, address, *arguments, processes=1):
        self.spent = multiprocessing.Value("Q", 0)
        self.processes = [
            multiprocessing.Process(target=self._run, args=(attack, address, arguments), daemon=True)
            for _ in range(processes)
        ]
        for process in self.processes:
            process.start()

    def _run(self, attack, address, arguments):
        os.nice(19)
        # The server may end an attacker's connection; that is its answer.
        with contextlib.suppress(OSError, protocol.Ended):
            attack(address, self.spent, *arguments)

    def going_on(self):
        return any(process.is_alive() for process in self.processes)

    def end(self):
        for process in self.processes:
            process.kill()
            process.join()


def send(connection, spent, content):
    """Sends all of it, and counts what left."""
    view = memoryview(content)
    while view:
        sent = connection.socket.send(view[: 256 * 1024])
        with spent.get_lock():
            spent.value += sent
        view = view[sent:]


def openings(connection, method, request, count, **fields):
    """The bytes of `count` calls."""
    return b"".join(delimited(connection.opening(method, request, **fields)[1]) for _ in range(count))


class AttackTest(unittest.TestCase):
    """Gives each attack a broker, and a well-behaved client that publishes and reads all the while."""

    broker_arguments = ()

    def setUp(self):
        self.broker = WatchedBroker(*self.arguments())
        self.addCleanup(self.broker.forget)
        self.bystander = Connection(self.broker.address)
        self.addCleanup(self.bystander.close)
        self.stream = self.bystander.joined("quiet", "bystander", credit=protocol.CREDIT_CAP)

    def arguments(self):
        return self.broker_arguments

    def watch(self, attackers, seconds):
        """Serves the bystander while the attackers are at it, `seconds` at most; prints and returns what was noticed."""
        before, began_cpu = self.broker.anonymous_bytes(), self.broker.processor_seconds()
        most, waits = before, []
        # Attackers run at the lowest priority, so on a busy machine they may begin late.
        end = time.monotonic() + protocol.DEADLINE
        begun = False
        try:
            while time.monotonic() < end and (attackers.going_on() or len(waits) < 20):
                if not begun and attackers.spent.value > 0:
                    begun, end = True, time.monotonic() + seconds
                asked = time.monotonic()
                reply = self.bystander.publish("quiet", "still here")
                message = self.stream.messages(1)[0]
                self.assertEqual(message.sequence, reply.sequence)
                waits.append(time.monotonic() - asked)
                most = max(most, self.broker.anonymous_bytes())
        finally:
            attackers.end()
        self.assertGreater(attackers.spent.value, 0, "nobody attacked")
        waits.sort()
        grown = most - before
        line = (
            f"{self.id().split('.', 1)[-1]} | {attackers.spent.value / 1024:.0f} | {grown / MIB:.1f} | "
            f"{self.broker.processor_seconds() - began_cpu:.2f} | {len(waits)} | {waits[len(waits) * 99 // 100] * 1000:.1f} | "
            f"{waits[-1] * 1000:.1f}"
        )
        print(line, flush=True)
        if REPORT:
            with open(REPORT, "a", encoding="utf-8") as report:
                report.write(f"| {line} |\n")
        self.assertLess(waits[-1], PATIENCE, "a well-behaved client waited too long")
        return grown

    def assert_ends_in_order(self, within):
        """SIGTERM: status 0, in time."""
        began = time.monotonic()
        self.assertEqual(self.broker.stop(), 0, self.broker.logged())
        self.assertLess(time.monotonic() - began, within)


__all__ = [
    "AttackTest", "Attackers", "Connection", "Frame", "MIB", "WatchedBroker", "chat", "delimited", "openings", "protocol", "scaled", "send",
]
