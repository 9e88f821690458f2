"""What a server may do to the programs that people point at it."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from attack import MIB, delimited, protocol, scaled
from protocol_client import Frame


def anonymous_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")), 0)


class HostileServer(unittest.TestCase):
    """Sends the same bytes for ever to whoever connects."""

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.reached = threading.Event()

    def serve(self, content):
        def run():
            try:
                connection, _ = self.listener.accept()
                self.reached.set()
                connection.settimeout(protocol.DEADLINE)
                threading.Thread(target=self.swallow, args=(connection,), daemon=True).start()
                while True:
                    connection.sendall(content)
            except OSError:
                pass

        threading.Thread(target=run, daemon=True).start()

    def swallow(self, connection):
        try:
            while connection.recv(65_536):
                pass
        except OSError:
            pass

    def start(self, program, *arguments):
        host, port = self.listener.getsockname()
        process = subprocess.Popen(
            [os.environ[program], f"{host}:{port}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A shell has what it starts in the background ignore interrupts, which is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        return process

    def assert_stays_small(self, process, seconds):
        end, most = time.monotonic() + seconds, 0
        while time.monotonic() < end and process.poll() is None:
            most = max(most, anonymous_bytes(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)  # until the next sample
        print(f"{self.id()} | grew to {most / MIB:.1f} MiB", flush=True)
        self.assertTrue(self.reached.wait(protocol.DEADLINE), "the program did not connect")
        self.assertLess(most, 32 * MIB)

    def assert_ends_when_interrupted(self, process):
        self.assertIsNone(process.poll(), "the program has ended by itself")
        process.send_signal(signal.SIGINT)
        process.wait(protocol.DEADLINE)

    def calls(self):
        return b"".join(delimited(Frame(call=number, method="a.B/C", message=b"x", end=True)) for number in range(2, 2_000, 2))

    def test_calls_that_the_server_opens_do_not_fill_the_chat_client(self):
        self.serve(self.calls())
        process = self.start("CHAT_CLIENT", "--nick", "ann")
        self.assert_stays_small(process, scaled(2, 20))
        self.assert_ends_when_interrupted(process)

    def test_calls_that_the_server_opens_end_switchboard_call(self):
        self.serve(self.calls())
        process = self.start("SWITCHBOARD_CALL", "list")
        # It leaves by itself, with its own call already sent (1) or not yet (3).
        self.assertIn(process.wait(protocol.DEADLINE), (1, 3))
        self.assertTrue(self.reached.is_set())

    def test_empty_frames_do_not_hold_up_an_interrupt(self):
        self.serve(b"\x00" * 65_536)
        process = self.start("SWITCHBOARD_CALL", "list")
        self.assert_stays_small(process, 1)
        self.assert_ends_when_interrupted(process)

    def test_empty_frames_do_not_hold_up_the_deadline(self):
        self.serve(b"\x00" * 65_536)
        process = self.start("SWITCHBOARD_CALL", "list")
        self.assertNotEqual(process.wait(protocol.DEADLINE), 0)
