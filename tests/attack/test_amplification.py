"""What one connection can make the broker hold, whatever it sends.

Of each kind of flood there are as many connections at once as the broker's total has room for, so that what the broker takes for
itself is small beside them. None reads. The ledger's figures are exact to the steps in which accounts draw; resident memory shows that
the ledger leaves nothing out.
"""

import selectors
import time
import unittest

from attack import ALLOWANCE, AMPLIFICATION_MAX, KIB, MIB, AttackTest, protocol, scaled
from attacks import ALL_HISTORY, ALL_MEMBERS, ALL_ROOMS, EVERYTHING, WHOLE_STREAM, crowd, long_room, many_rooms, openings
from protocol_client import Connection, chat, delimited

CONNECTIONS = 40
# What may be on an account beyond the allowance: it is added up at the end of a turn, which may make output up to its mark. At most
# 0.9 MiB were measured, for streams.
OVER = MIB
# Requests of calls that wait for room in the allowance come on top of it (--request-bytes-in-flight-max): what was sent, and no more.
REQUESTS_IN_FLIGHT = 4 * MIB
# What an account may have drawn beyond what is on it: two steps of 4 KiB (framework/switchboard/budget/account.hpp).
ACCOUNT_SLACK = 8 * KIB
# Each flood has to press: a connection holds at least a frame that does not end, or output up to the mark of 1 MiB.
PRESSED = 900 * KIB
SETTLED = 0.7  # seconds without a change, after which a flood has come to rest

# Seconds from the connections' end until the ledger has nothing of them any more.
GONE_MAX = 1.0
# Until the system has it back: actors free what was charged when they come to it, and the heap is walked 0.1, 0.2, 0.4 … 6.4 s
# after that began (heap_trimmer.hpp). Mostly a second; more on a machine that has much else to do.
RETURNED_MAX = 8.0

# Resident memory beyond an allowance, for each connection: what 4,096 calls take, blocks of the allocator that are not full, and an
# equal share of the pages that queries and streams read, which are no connection's. At most 0.8 MiB were measured, for streams.
UNCOUNTED = 3 * MIB // 2
# What stays in the allocator afterwards, where blocks in use lie between free ones, and in caches that the flood has filled, in
# all: at most 24 MiB were measured.
KEPT = 32 * MIB


def calls(method, request, count, **fields):
    return lambda connection: openings(connection, method, request, count, **fields)


class Flood:
    """Connections that send the same, and read nothing."""

    def __init__(self, address, content, connections):
        self.sent = 0
        self.connections = [Connection(address, receive_buffer=4096) for _ in range(connections)]
        self.ready = selectors.DefaultSelector()
        for each in self.connections:
            each.socket.setblocking(False)
            self.ready.register(each.socket, selectors.EVENT_WRITE, [memoryview(content(each))])

    def send(self):
        """As much as is taken within a moment."""
        for key, _ in self.ready.select(0.02) if self.ready.get_map() else ():
            taken = key.fileobj.send(key.data[0][: 64 * KIB])
            self.sent += taken
            key.data[0] = key.data[0][taken:]
            if not key.data[0]:
                self.ready.unregister(key.fileobj)

    def end(self):
        self.ready.close()
        while self.connections:
            self.connections.pop().reset()


class Amplification(AttackTest):
    def held(self):
        """What the ledger has for connections, in bytes."""
        return self.broker.figures()['switchboard_memory_bytes{owner="connection"}']

    def seconds_until(self, reached, limit, otherwise):
        began = time.monotonic()
        while not reached():
            self.assertLess(time.monotonic() - began, limit, otherwise)
        return time.monotonic() - began

    def most_while(self, flood, held_before, resident_before):
        """What it makes the broker hold at most until it has come to rest: by the ledger, and resident, in bytes."""
        held_most = resident_most = 0
        state, changed = None, time.monotonic()
        while time.monotonic() - changed < SETTLED:
            flood.send()
            held = self.held() - held_before
            held_most = max(held_most, held)
            resident_most = max(resident_most, self.broker.anonymous_bytes() - resident_before)
            if state != (state := (flood.sent, held)):
                changed = time.monotonic()
        return held_most, resident_most

    def flood(self, content, prepare=lambda _: [], on_disk=True, waiting=0, connections=CONNECTIONS):
        self.start_broker(on_disk)
        self.addCleanup(lambda kept: [each.close() for each in kept], prepare(self.broker.address))
        held_before, resident_before = self.held(), self.broker.anonymous_bytes()
        flood = Flood(self.broker.address, content, connections)
        self.addCleanup(flood.end)
        held, resident = self.most_while(flood, held_before, resident_before)
        flood.end()
        gone = self.seconds_until(
            lambda: self.held() <= held_before + ACCOUNT_SLACK, GONE_MAX, "the ledger has something of connections that ended"
        )
        returned = gone + self.seconds_until(
            lambda: self.broker.anonymous_bytes() <= resident_before + KEPT, RETURNED_MAX, "memory is not returned"
        )
        sent, held, resident = (value / connections for value in (flood.sent, held, resident))
        print(
            f"{self.id()} | of {connections} connections each sent {sent / KIB:.0f} KiB"
            f" | holds {held / MIB:.2f} MiB, resident {resident / MIB:.2f} MiB"
            f" | gone after {gone:.2f} s, returned after {returned:.2f} s",
            flush=True,
        )
        self.assertGreater(held, PRESSED, "the flood did not press")
        self.assertLessEqual(held, ALLOWANCE + waiting + OVER + ACCOUNT_SLACK)
        self.assertLessEqual(resident, ALLOWANCE + waiting + min(UNCOUNTED, AMPLIFICATION_MAX * sent))

    def test_histories_on_disk(self):
        self.flood(calls(protocol.HISTORY, ALL_HISTORY, 4_096), long_room(100))

    def test_histories_in_memory(self):
        self.flood(calls(protocol.HISTORY, ALL_HISTORY, 4_096), long_room(100), on_disk=False)

    def test_member_lists(self):
        self.flood(calls(protocol.LIST_MEMBERS, ALL_MEMBERS, 4_096), crowd(100, 1))

    def test_room_lists(self):
        self.flood(calls(protocol.LIST_ROOMS, ALL_ROOMS, 4_096), many_rooms)

    def test_requests_that_wait(self):
        def content(connection):
            publish = chat.PublishRequest(room="long", text="x" * 60 * KIB)
            return openings(connection, protocol.HISTORY, ALL_HISTORY, 20) + openings(connection, protocol.PUBLISH, publish, 100)

        # Each byte of them was sent.
        self.flood(content, long_room(100), waiting=REQUESTS_IN_FLIGHT, connections=CONNECTIONS // 2)

    def test_descriptions(self):
        self.flood(calls(protocol.DESCRIBE, b"", scaled(4_000, 16_000)))

    def test_streams(self):
        self.flood(calls(protocol.JOIN, WHOLE_STREAM, 4_000, credit=EVERYTHING), long_room(1_000))

    def test_streams_without_credit(self):
        self.flood(calls(protocol.JOIN, WHOLE_STREAM, 4_000, credit=1), long_room(1_000))

    def test_frames_that_do_not_end(self):
        self.flood(lambda _: b"\xff\xff\x3f" + b"\x00" * (MIB - 2))

    def test_publishes(self):
        def content(connection):
            join = chat.JoinRequest(room="crowded", nickname=str(id(connection)))
            publish = chat.PublishRequest(room="crowded", text="x")
            return delimited(connection.opening(protocol.JOIN, join, credit=1)[1]) + openings(connection, protocol.PUBLISH, publish, 16_000)

        self.flood(content)


if __name__ == "__main__":
    unittest.main()
