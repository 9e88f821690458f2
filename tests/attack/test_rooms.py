"""What rooms cost that a client makes, or comes into and leaves: not for ever, and members no more than the rate that is meant for them."""

import os
import subprocess
import tempfile
import time
import unittest

from attack import WatchedBroker, protocol, scaled, select_for
from protocol_client import Connection, Frame, chat, delimited

EMPTY_ROOMS = 500
# Membership events a second that each member of a room is sent; of a nickname that comes and goes faster, pairs are left out.
CHANGES_PER_SECOND = 1_000


class Rooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="switchboard-attack-")
        self.addCleanup(folder.cleanup)
        self.data = folder.name + "/data"

    def start_broker(self, *arguments):
        self.broker = WatchedBroker("--data", self.data, "--durability", "written", *arguments)
        self.addCleanup(self.broker.forget)

    def connect(self):
        connection = Connection(self.broker.address)
        self.addCleanup(connection.close)
        return connection

    def make_empty_rooms(self):
        """As many as there may be, and whoever comes then is refused."""
        attacker = self.connect()
        for stream in [attacker.join(f"empty-{number}", credit=1) for number in range(EMPTY_ROOMS)]:
            stream.until("caught_up")
        with self.assertRaises(protocol.Refused) as refused:
            self.connect().joined("another", "newcomer")
        self.assertEqual(refused.exception.code, protocol.RESOURCE_EXHAUSTED)
        return attacker

    def test_rooms_that_nothing_was_said_in_end_with_the_broker(self):
        self.start_broker("--rooms-max", str(EMPTY_ROOMS))
        self.make_empty_rooms()
        self.assertEqual(self.broker.stop(), 0)
        self.start_broker("--rooms-max", str(EMPTY_ROOMS))
        newcomer = self.connect()
        self.assertEqual(len(newcomer.rooms().rooms), 0)
        newcomer.joined("another", "newcomer")

    def test_rooms_that_nothing_was_said_in_are_forgotten(self):
        self.start_broker("--rooms-max", str(EMPTY_ROOMS), "--room-idle-timeout", "100ms")
        self.make_empty_rooms().close()
        newcomer, deadline = self.connect(), time.monotonic() + protocol.DEADLINE
        while newcomer.rooms(limit=1).rooms:
            self.assertLess(time.monotonic(), deadline, "rooms are not forgotten")
            select_for(0.05)
        newcomer.joined("another", "newcomer")

    def delete(self, room):
        tool = [os.environ["CHAT_BROKER"], "delete", room, "--data", self.data]
        return subprocess.run(tool, capture_output=True, timeout=protocol.DEADLINE)

    def test_a_room_is_taken_away_while_no_broker_runs(self):
        self.start_broker("--rooms-max", "1")
        connection = self.connect()
        log_id = connection.join("lobby", "ann").until("caught_up")[-1].caught_up.log_id
        connection.publish("lobby", "unwanted")
        self.assertEqual(self.delete("lobby").returncode, 1, "of a broker that runs")
        self.assertEqual(self.broker.stop(), 0)
        self.assertEqual(self.delete("lobby").returncode, 0)
        self.start_broker("--rooms-max", "1")
        connection = self.connect()
        with self.assertRaises(protocol.Refused) as refused:
            connection.join("lobby", "ann", after_sequence=1, log_id=log_id).event()
        self.assertEqual(refused.exception.code, protocol.OUT_OF_RANGE)
        connection.joined("another", "ann")
        self.assertEqual(connection.publish("another", "wanted").sequence, 1)

    def test_a_nickname_that_comes_and_goes_costs_members_no_more_than_the_rate_for_it(self):
        self.start_broker()
        member = self.connect()
        stream = member.joined("lobby", "member", credit=protocol.CREDIT_CAP)
        storm = self.connect()
        request = chat.JoinRequest(room="lobby", nickname="restless")
        began, changes, frames = time.monotonic(), 0, b""
        end = began + scaled(3, 20)
        while time.monotonic() < end:
            call, opening = storm.opening(protocol.JOIN, request, credit=1)
            storm.send_bytes(frames + delimited(opening))
            storm.next(call)  # it has caught up: it is a member, or was one
            frames = delimited(Frame(call=call, status=protocol.Status(code=protocol.CANCELLED)))
            changes += 2
        storm.send_bytes(frames)
        # Its membership events come before a message that is published after them.
        storm.joined("lobby", "last")
        storm.publish("lobby", "over")
        events = 0
        while (event := stream.event()).WhichOneof("event") != "message":
            events += 1
        took = time.monotonic() - began
        print(f"{self.id()} | {changes} changes, {events} events, in {took:.1f} s", flush=True)
        self.assertLess(events, CHANGES_PER_SECOND * (took + 0.5))


if __name__ == "__main__":
    unittest.main()
