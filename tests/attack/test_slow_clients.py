"""Clients that take their time: one that is alive lags, and one that holds on to what it began is ended."""

import signal
import time
import unittest

from attack import WatchedBroker, protocol, scaled, select_for
from protocol_client import Connection

MIB = 1024 * 1024


class SlowClients(unittest.TestCase):
    def start_broker(self, *arguments):
        self.broker = WatchedBroker(*arguments)
        self.addCleanup(self.broker.forget)

    def connect(self, **options):
        connection = Connection(self.broker.address, **options)
        self.addCleanup(connection.close)
        return connection

    def test_a_client_that_does_not_read_for_long_reads_on_afterwards(self):
        # Longer than a client's system may say nothing: this one's says that it has no room.
        self.start_broker("--peer-timeout", f"{scaled(1, 30)}s")
        slow = self.connect(receive_buffer=4096)
        stream = slow.joined("lobby", "slow", credit=protocol.CREDIT_CAP)
        quick = self.connect()
        quick.joined("lobby", "quick")
        # More than the buffers of both sides hold.
        published = quick.publish_all("lobby", ["x" * 60_000] * 200)
        end = time.monotonic() + scaled(4, 65)
        while time.monotonic() < end:
            quick.publish("lobby", "still here")
            select_for(0.1)
        for expected in range(1, len(published) + 1):
            self.assertEqual(stream.messages(1)[0].sequence, expected)

    def test_a_frame_that_does_not_end_is_ended(self):
        self.start_broker("--frame-timeout", "1s")
        connection = self.connect()
        connection.send_bytes(b"\xff\xff\x3f" + b"\x00" * (MIB - 2))
        frame = connection.next(0)
        self.assertEqual(frame.status.code, protocol.DEADLINE_EXCEEDED)

    def test_a_terminal_that_is_closed_drains(self):
        self.start_broker()
        connection = self.connect()
        stream = connection.joined("lobby", "ann")
        self.broker.signal(signal.SIGHUP)
        with self.assertRaises(protocol.Refused) as ended:
            stream.event()
        self.assertEqual(ended.exception.code, protocol.UNAVAILABLE)
        connection.close()
        self.assertEqual(self.broker.wait(), 0)


if __name__ == "__main__":
    unittest.main()
