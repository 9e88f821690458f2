"""What attacks are made of: a broker that is watched, attackers in processes of their own, and what is asserted of every attack.

An attacker may do what it likes with the sockets it opens. What is shown is what it spent, what the broker spent, and what a
well-behaved client noticed meanwhile, beside what the same client notices while the same attackers are at a program that only
reads and throws away. Attackers are few processes of the lowest priority: it is the broker that is measured, and not how
the system divides its processors. Of wall-clock time no more than a generous patience is asserted; bounds are those of memory,
of processor time, of the end after SIGTERM, and of who is still served.
"""

import contextlib
import functools
import json
import multiprocessing
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import protocol_client as protocol
from bystander import Bystander, milliseconds
from protocol_client import Connection, delimited

FULL = os.environ.get("ATTACK_FULL") == "1"
REPORT = os.environ.get("ATTACK_REPORT")  # a file that gets a line of JSON for each attack
KIB = 1024
MIB = 1024 * KIB

# How every broker here is started, and what holds for every attack and for all of them at once.
DRAIN = 0.5  # seconds
LIMITS = ("--memory-max", "256M", "--drain-timeout", "500ms")
ANONYMOUS_MAX = 320 * MIB
# Seconds of processor time that no turn may have: 2 ms, and half a millisecond that the measurement may add. A turn that the
# system interrupted may be charged with what others had (turn_meter.hpp): it may have so much, and how many had more than TURN_MAX is
# in the table.
TURN_MAX = 0.0025
INTERRUPTED_TURN_MAX = 0.005
# How often a test may be run for a turn that was too long. A virtual machine's host takes processors away for milliseconds without
# the system's knowledge, which charges them to the thread that runs: one turn in some ten thousand. What an attack causes, it causes again.
RUNS_MAX = 3
BEGIN = 120.0  # seconds until an attack has begun; attackers run at the lowest priority, and a machine may be busy
FLUSH = 2.0  # seconds; proto/README.md, "Draining"

# What a connection may hold, whatever it sends, and what beyond that for each byte that it sends (proto/README.md, "Limits").
ALLOWANCE = 4 * MIB
AMPLIFICATION_MAX = 64
# What the broker takes for itself: the allocator's, and what is in the making.
OWN = 16 * MIB

# Seconds that a well-behaved client may wait for one reply during an attack, beyond what the disk takes for a commit and a checkpoint.
PATIENCE = 5.0


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
                    return int(line.split()[1]) * KIB
        raise AssertionError("no RssAnon")

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def figures(self):
        """Its figures, by series, as SIGUSR1 has it write them."""
        before = self.log_bytes()
        self.signal(signal.SIGUSR1)
        # The last line of a report: figures come in the order of their names.
        last, deadline = "switchboard_service_restarts_total{", time.monotonic() + protocol.DEADLINE
        while last not in (report := self.logged(before)) or not report.endswith("\n"):
            if time.monotonic() > deadline:
                raise AssertionError("the broker does not report its figures")
            select_for(0.01)
        lines = re.findall(r"^(switchboard_\S+) (\S+)$", report, re.MULTILINE)
        return {series: float(value) for series, value in lines}

    def slowest(self, what):
        """How long the disk took at most for a commit, or a checkpoint: the bound of the last of the histogram's buckets that has any;
        in seconds."""
        pattern = re.compile(rf'switchboard_journal_{what}_duration_seconds_bucket\{{le="(.+)"\}}')
        buckets = [(float(found[1]), count) for series, count in self.figures().items() if (found := pattern.fullmatch(series))]
        return min((bound for bound, count in buckets if count == max(buckets)[1] > 0), default=0)

    def turns_longer_than(self, seconds):
        """How many turns of an actor had more processor time than one of the histogram's bounds: those whose figure can be
        trusted, and those that were interrupted."""
        figures = self.figures()
        name = "switchboard_pump_turn_cpu_seconds"

        def longer(interrupted):
            label = f'interrupted="{interrupted}"'
            return int(figures[f"{name}_count{{{label}}}"] - figures[f'{name}_bucket{{{label},le="{seconds:g}"}}'])

        return longer("no"), longer("yes")


def select_for(seconds):
    """Lets others run until there may be something new to see; for what has no descriptor to wait at."""
    with selectors.DefaultSelector() as none:
        none.select(seconds)


class Spent:
    """What attackers spend. Each process writes counts of its own, without a lock: one that is killed would keep it for ever."""

    def __init__(self, processes):
        self.bytes_by_process = multiprocessing.RawArray("Q", processes)
        self.connections_by_process = multiprocessing.RawArray("Q", processes)
        self.mine = 0

    @property
    def bytes(self):
        return sum(self.bytes_by_process)

    @property
    def connections(self):
        return sum(self.connections_by_process)

    def connect(self, address, **options):
        connection = Connection(address, **options)
        self.connections_by_process[self.mine] += 1
        return connection

    def count(self, sent):
        self.bytes_by_process[self.mine] += sent

    def send(self, connection, content):
        """Sends all of it."""
        view = memoryview(content)
        while view:
            sent = connection.socket.send(view[: 256 * KIB])
            self.count(sent)
            view = view[sent:]


def hold():
    """Keeps what was opened until this process is ended."""
    signal.pause()


class Attackers:
    """Runs an attack in processes that yield to everything else."""

    def __init__(self, attack, address):
        self.spent = Spent(attack.processes)
        self.began = time.monotonic()
        self.processes = [
            multiprocessing.Process(target=self._run, args=(attack, address, number), daemon=True)
            for number in range(attack.processes)
        ]
        for process in self.processes:
            process.start()

    def _run(self, attack, address, number):
        os.nice(19)
        self.spent.mine = number
        # The server may end an attacker's connection; that is its answer.
        with contextlib.suppress(OSError, protocol.Ended, protocol.Refused):
            attack.run(address, self.spent)

    def going_on(self):
        return any(process.is_alive() for process in self.processes)

    def await_begin(self):
        deadline = time.monotonic() + BEGIN
        while self.spent.bytes == 0:
            if time.monotonic() > deadline:
                raise AssertionError("the attack does not begin")
            select_for(0.01)

    def end(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()


class Discarder:
    """A program that takes every connection, reads, and throws away."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = listener.getsockname()
        self.process = multiprocessing.Process(target=self._run, args=(listener,), daemon=True)
        self.process.start()
        listener.close()

    @staticmethod
    def _run(listener):
        buffer = bytearray(256 * KIB)
        with selectors.DefaultSelector() as ready:
            ready.register(listener, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is listener:
                        ready.register(listener.accept()[0], selectors.EVENT_READ)
                        continue
                    try:
                        if key.fileobj.recv_into(buffer) > 0:
                            continue
                    except OSError:
                        pass
                    ready.unregister(key.fileobj)
                    key.fileobj.close()

    def end(self):
        self.process.kill()
        self.process.join()


class LongTurns(AssertionError):
    """Turns had more processor time than they may."""


def run_again_for_long_turns(test):
    """The test, up to RUNS_MAX times while there are long turns in it."""

    @functools.wraps(test)
    def run(self):
        for run_before in range(1, RUNS_MAX):
            try:
                return test(self)
            except LongTurns as long:
                print(f"{self.id()} | run {run_before}: {long}", flush=True)
                self.doCleanups()
        return test(self)

    return run


class AttackTest(unittest.TestCase):
    """Gives each attack a broker, and a well-behaved client that publishes and reads all the while."""

    def start_broker(self, on_disk, limits=LIMITS):
        self.data, arguments = None, tuple(limits)
        if on_disk:
            folder = tempfile.mkdtemp(prefix="switchboard-attack-")
            self.addCleanup(shutil.rmtree, folder)
            self.data = folder + "/data"
            arguments += ("--data", self.data, "--durability", "written")
        self.broker = WatchedBroker(*arguments)
        self.addCleanup(self.broker.forget)
        self.bystander = Bystander(self.broker.address)
        self.addCleanup(self.bystander.close)

    def watch(self, attackers, seconds):
        """Serves the bystander for so long; the most memory that the broker had meanwhile."""
        for each in attackers:
            each.await_begin()
        self.bystander.forget()
        most, end = 0, time.monotonic() + seconds
        while time.monotonic() < end or self.bystander.published < 20:
            self.bystander.publish()
            most = max(most, self.broker.anonymous_bytes())
        if (longest := self.bystander.longest()) >= PATIENCE:
            # A checkpoint holds up the publishers of a full log.
            commit, checkpoint = self.broker.slowest("commit"), self.broker.slowest("checkpoint")
            disk = f"the disk took up to {commit} s for a commit and {checkpoint} s for a checkpoint"
            self.assertLess(longest, PATIENCE + commit + checkpoint, f"a well-behaved client waited too long; {disk}")
            print(f"{self.id()} | a client waited for {longest:.1f} s; {disk}", flush=True)
        return most

    def measure(self, attack, seconds):
        """One attack: beside a program that only reads, then against the broker. What it came to, in the page's columns."""
        self.addCleanup(lambda kept: [each.close() for each in kept], attack.prepare(self.broker.address))
        discarder = Discarder()
        self.addCleanup(discarder.end)
        attackers = Attackers(attack, discarder.address)
        try:
            self.watch([attackers], seconds / 2)
        finally:
            attackers.end()
            discarder.end()
        row = {"attack": attack.name, "about": attack.about}
        row["publish p99 beside"], row["delivery p99 beside"] = self.bystander.p99()
        before, began_cpu = self.broker.anonymous_bytes(), self.broker.processor_seconds()
        attackers = Attackers(attack, self.broker.address)
        try:
            most = self.watch([attackers], seconds)
            row["seconds"] = time.monotonic() - attackers.began
            row["broker CPU s"] = self.broker.processor_seconds() - began_cpu
        finally:
            attackers.end()
        row["long turns"], row["interrupted"] = self.broker.turns_longer_than(TURN_MAX)
        row["KiB"] = attackers.spent.bytes / KIB
        row["connections"] = attackers.spent.connections
        row["anonymous MiB"] = most / MIB
        row["grown MiB"] = max(0, most - before) / MIB
        row.update(self.bystander.summary())
        if attack.held_by_connections:
            row["gone after s"] = self.memory_is_given_back(before)
        return row

    def memory_is_given_back(self, before):
        """How long after the attackers' end their connections hold nothing any more."""
        began = time.monotonic()
        while (held := self.broker.anonymous_bytes() - before) > OWN:
            self.assertLess(time.monotonic() - began, PATIENCE, f"{held / MIB:.1f} MiB are not given back")
            self.bystander.publish()
        return time.monotonic() - began

    def assert_bounded(self, attack, row):
        self.assertLess(row["anonymous MiB"] * MIB, ANONYMOUS_MAX)
        if attack.held_by_connections:
            held = row["connections"] + attack.kept
            self.assertLess(row["grown MiB"] * MIB, held * ALLOWANCE + AMPLIFICATION_MAX * row["KiB"] * KIB + OWN)
            self.assertLess(row["grown MiB"] * MIB, attack.most_bytes)
        self.assert_no_long_turns()

    def assert_no_long_turns(self, interrupted_max=INTERRUPTED_TURN_MAX):
        long_turns, _ = self.broker.turns_longer_than(TURN_MAX)
        _, interrupted = self.broker.turns_longer_than(interrupted_max)
        if long_turns + interrupted > 0:
            raise LongTurns(f"{long_turns} turns were too long, and {interrupted} that were interrupted")

    def assert_ends_in_order(self):
        """SIGTERM: status 0, in time, nothing left in the write-ahead log, and everything acknowledged is there. In seconds."""
        began = time.monotonic()
        self.assertEqual(self.broker.stop(), 0, self.broker.logged())
        took = time.monotonic() - began
        self.assertLess(took, DRAIN + FLUSH + 1)
        if self.data:
            self.assertNotIn("rooms.db-wal", os.listdir(self.data))
            tool = [os.environ["CHAT_BROKER"], "export", self.bystander.room, "--data", self.data]
            lines = subprocess.run(tool, check=True, capture_output=True, timeout=protocol.DEADLINE).stdout.splitlines()
            self.assertGreaterEqual(int(json.loads(lines[-1])["sequence"]), self.bystander.acknowledged)
            self.assertEqual(len(lines), int(json.loads(lines[-1])["sequence"]))
        return took

    def report(self, row):
        print(" | ".join(f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()), flush=True)
        if REPORT:
            with open(REPORT, "a", encoding="utf-8") as report:
                report.write(json.dumps(row) + "\n")


__all__ = [
    "ALLOWANCE", "ANONYMOUS_MAX", "AttackTest", "Attackers", "Connection", "KIB", "LIMITS", "MIB", "INTERRUPTED_TURN_MAX", "OWN", "TURN_MAX", "WatchedBroker",
    "delimited", "hold", "milliseconds", "protocol", "run_again_for_long_turns", "scaled", "select_for",
]
