"""Requests of a few bytes whose answers are large, from a client that does not read them."""

import signal
import tempfile

from attack import MIB, AttackTest, Attackers, Connection, chat, openings, protocol, scaled, send

# What the broker may grow by for one connection that is at it: its output twice above the mark, what is being made, and the
# allocator's own.
ALLOWANCE = 32 * MIB


def enter(connection, room, nickname):
    """Joins without reading what happens there."""
    connection.join(room, nickname, credit=1)
    connection.fence()


def fill(address, room, messages):
    connection = Connection(address)
    enter(connection, room, "filler")
    connection.publish_all(room, ["x"] * messages)
    connection.close()


def ask_and_do_not_read(address, spent, method, request, count, seconds):
    connection = Connection(address, receive_buffer=4096)
    connection.socket.settimeout(seconds)
    send(connection, spent, openings(connection, method, request, count))
    signal.pause()  # keeps the connection until watch() ends this process


def ask_and_reset(address, spent, method, request, count):
    connection = Connection(address)
    send(connection, spent, openings(connection, method, request, count))
    connection.reset()


def ask_and_reset_again_and_again(address, spent, method, request, count, times):
    for _ in range(times):
        ask_and_reset(address, spent, method, request, count)


class HistoryInMemory(AttackTest):
    def test_a_thousand_histories_and_a_reset(self):
        fill(self.broker.address, "long", scaled(5_000, 30_000))
        request = chat.HistoryRequest(room="long", limit=2**32 - 1)
        attackers = Attackers(ask_and_reset_again_and_again, self.broker.address, protocol.HISTORY, request, 1000, scaled(5, 50))
        self.assertLess(self.watch(attackers, 30), ALLOWANCE)

    def test_histories_that_are_not_read(self):
        fill(self.broker.address, "long", scaled(5_000, 30_000))
        request = chat.HistoryRequest(room="long", limit=2**32 - 1)
        attackers = Attackers(ask_and_do_not_read, self.broker.address, protocol.HISTORY, request, 4096, scaled(3, 20))
        self.assertLess(self.watch(attackers, scaled(3, 20)), ALLOWANCE)


class HistoryOnDisk(AttackTest):
    def arguments(self):
        self.data = tempfile.TemporaryDirectory()
        self.addCleanup(self.data.cleanup)
        return ("--data", self.data.name, "--durability", "written")

    def test_histories_that_are_not_read(self):
        fill(self.broker.address, "long", scaled(5_000, 30_000))
        request = chat.HistoryRequest(room="long", limit=2**32 - 1)
        attackers = Attackers(ask_and_do_not_read, self.broker.address, protocol.HISTORY, request, 4096, scaled(3, 20))
        self.assertLess(self.watch(attackers, scaled(3, 20)), ALLOWANCE)

    def test_an_end_while_histories_are_made(self):
        fill(self.broker.address, "long", scaled(5_000, 30_000))
        request = chat.HistoryRequest(room="long", limit=2**32 - 1)
        attackers = Attackers(ask_and_do_not_read, self.broker.address, protocol.HISTORY, request, 4096, 60)
        try:
            self.watch(attackers, 2)
        finally:
            attackers.end()
        # Drain, flush, and a second (proto/README.md, "Draining").
        self.assert_ends_in_order(within=3 + 2 + 1)
        with self.assertRaises(FileNotFoundError):
            open(self.data.name + "/rooms.db-wal", encoding="ascii")


class Lists(AttackTest):
    def test_descriptions_that_are_not_read(self):
        attackers = Attackers(ask_and_do_not_read, self.broker.address, protocol.DESCRIBE, b"", 16_000, scaled(3, 20), processes=scaled(5, 50))
        self.assertLess(self.watch(attackers, scaled(3, 20)), scaled(5, 50) * 4 * MIB)

    def test_member_lists_that_are_not_read(self):
        members = [Connection(self.broker.address) for _ in range(scaled(300, 2_000))]
        for number, member in enumerate(members):
            enter(member, "crowd", f"member-{number}-" + "m" * 40)
        request = chat.ListMembersRequest(room="crowd", limit=2**32 - 1)
        attackers = Attackers(ask_and_do_not_read, self.broker.address, protocol.LIST_MEMBERS, request, 4096, scaled(3, 20))
        self.assertLess(self.watch(attackers, scaled(3, 20)), ALLOWANCE)
        for member in members:
            member.close()

    def test_room_lists_that_are_not_read(self):
        maker = Connection(self.broker.address)
        for number in range(scaled(500, 5_000)):
            enter(maker, f"room-{number}", "maker")
            maker.publish(f"room-{number}", "x")
        maker.close()
        request = chat.ListRoomsRequest(limit=2**32 - 1)
        attackers = Attackers(ask_and_do_not_read, self.broker.address, protocol.LIST_ROOMS, request, 4096, scaled(3, 20), processes=2)
        self.assertLess(self.watch(attackers, scaled(3, 20)), 2 * ALLOWANCE)
