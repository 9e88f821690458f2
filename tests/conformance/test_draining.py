"""What clients see when the server is told to stop."""

import signal
import socket
import time
import unittest

from protocol_client import (
    CREDIT_CAP,
    DEADLINE,
    HEALTH,
    LIST_ROOMS,
    OK,
    PING,
    PUBLISH,
    UNAVAILABLE,
    Broker,
    Connection,
    Ended,
    Refused,
    delimited,
    main,
)
from switchboard.chat.v1 import chat_pb2 as chat
from switchboard.v1 import services_pb2 as services

# The server waits for clients to hang up for at most 2 s after its flush began; the rest is for a loaded machine.
LONGEST_DRAIN = 2 + DEADLINE / 2


class Draining(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.addCleanup(self.broker.forget)

    def connect(self, **options):
        connection = Connection(self.broker.address, **options)
        self.addCleanup(connection.close)
        return connection

    def assert_refuses_connections(self):
        """Soon; listeners close while the first frames of the drain are on their way."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            try:
                socket.create_connection(self.broker.address, timeout=DEADLINE).close()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                pass  # it was in the backlog of the listener that closed
        self.fail("the broker still takes connections")

    def assert_stopped_cleanly(self):
        self.assertEqual(self.broker.wait(), 0, self.broker.logged())

    def test_a_server_without_clients_ends_with_status_0(self):
        self.broker.signal()
        self.assert_stopped_cleanly()

    def test_an_interrupt_drains_too(self):
        self.broker.signal(signal.SIGINT)
        self.assert_stopped_cleanly()

    def test_an_idle_connection_is_closed_without_a_frame(self):
        client = self.connect()
        self.assertEqual(client.fence(), [])
        self.broker.signal()
        self.assertEqual(client.rest(), [])
        client.close()
        self.assert_stopped_cleanly()

    def test_every_stream_ends_with_unavailable_and_then_the_connection_closes(self):
        client = self.connect()
        calls = {client.joined(f"room.{each}", "ann").call for each in range(20)}
        calls.add(client.join("without.credit", credit=0).call)
        self.assertEqual(client.fence(), [])
        self.broker.signal()
        frames = client.rest()
        self.assertEqual({frame.call for frame in frames}, calls)
        self.assertEqual([frame.status.code for frame in frames], [UNAVAILABLE] * len(calls))
        client.close()
        self.assert_stopped_cleanly()

    def test_nobody_sees_the_members_leave(self):
        watcher = self.connect().joined("room")
        self.connect().joined("room", "ann")
        watcher.until("joined")
        self.broker.signal()
        with self.assertRaises(Refused) as ended:
            watcher.event()
        self.assertEqual(ended.exception.code, UNAVAILABLE)

    def test_new_connections_are_refused(self):
        client = self.connect()
        stream = client.joined("room")
        self.broker.signal()
        with self.assertRaises(Refused):
            stream.event()
        self.assert_refuses_connections()
        client.close()
        self.assert_stopped_cleanly()

    def test_a_client_that_does_not_hang_up_is_closed_all_the_same(self):
        client = self.connect()
        client.joined("room", "ann")
        started = time.monotonic()
        self.broker.signal()
        self.assert_stopped_cleanly()
        self.assertLess(time.monotonic() - started, LONGEST_DRAIN)

    def test_a_client_that_does_not_read_is_closed_all_the_same(self):
        publisher = self.connect()
        publisher.joined("room", "publisher", credit=1)
        publisher.publish_all("room", ["x" * 60_000] * 300)
        slow = self.connect(receive_buffer=64 * 1024)
        stream = slow.join("room", history_limit=1000, credit=CREDIT_CAP)
        slow.next(stream.call)
        started = time.monotonic()
        self.broker.signal()
        self.assert_stopped_cleanly()
        self.assertLess(time.monotonic() - started, LONGEST_DRAIN)

    def test_publishes_are_answered_or_refused_as_unavailable_and_none_is_lost_in_between(self):
        client = self.connect()
        client.joined("room", "ann", credit=1)
        opened = [client.opening(PUBLISH, chat.PublishRequest(room="room", text="x" * 1000)) for _ in range(2000)]
        client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
        client.answer(opened[0][0], chat.PublishReply)
        self.broker.signal()
        frames = [frame for frame in client.rest() if frame.call >= opened[0][0]]
        answered = [frame for frame in frames if frame.end]
        refused = [frame for frame in frames if not frame.end]
        sequences = [chat.PublishReply.FromString(frame.message).sequence for frame in answered]
        self.assertEqual(sequences, list(range(2, len(answered) + 2)))
        self.assertTrue(all(frame.status.code == UNAVAILABLE for frame in refused))
        client.close()
        self.assert_stopped_cleanly()

    def test_a_member_that_keeps_publishing_is_told_nothing_but_ok_and_unavailable(self):
        client = self.connect()
        stream = client.joined("room", "ann", credit=1)
        self.broker.signal()
        frames = []
        try:
            while True:
                client.open(PUBLISH, chat.PublishRequest(room="room"))
                frames.append(client.read_frame())
        except (Ended, ConnectionError):
            pass
        self.assertIn(stream.call, [frame.call for frame in frames])
        self.assertLessEqual({frame.status.code for frame in frames}, {OK, UNAVAILABLE})
        client.close()
        self.assert_stopped_cleanly()

    def test_calls_sent_while_it_drains_are_unavailable_but_for_health_and_ping(self):
        client = self.connect()
        stream = client.joined("room", "ann")
        self.broker.signal()
        with self.assertRaises(Refused):
            stream.event()
        # Whether the server still reads these is a matter of time; if it does, these are the answers.
        health, ping = client.open(HEALTH), client.open(PING)
        publish, rooms = client.open(PUBLISH, chat.PublishRequest(room="room")), client.open(LIST_ROOMS)
        answers = {frame.call: frame for frame in client.rest()}
        if health in answers:
            reply = services.HealthReply.FromString(answers[health].message)
            self.assertEqual(reply.serving, services.HealthReply.NOT_SERVING)
        if ping in answers:
            self.assertTrue(answers[ping].end)
        for call in {publish, rooms} & answers.keys():
            self.assertEqual(answers[call].status.code, UNAVAILABLE)
        client.close()
        self.assert_stopped_cleanly()

    def test_a_second_signal_ends_at_once_with_status_1(self):
        client = self.connect()
        stream = client.joined("room")
        self.broker.signal()
        with self.assertRaises(Refused):
            stream.event()
        # The server now waits for this client to hang up.
        self.broker.signal()
        self.assertEqual(self.broker.wait(), 1)


if __name__ == "__main__":
    main()
