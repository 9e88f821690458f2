"""Frames, connections and members that cost their maker nothing."""

import os
import stat
import tempfile
import time

from attack import MIB, AttackTest, Attackers, Connection, WatchedBroker, chat, protocol, scaled, send
from test_floods import ALLOWANCE


def empty_frames(address, spent, seconds):
    connection = Connection(address)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        send(connection, spent, b"\x00" * 65_536)


def begun_frames(address, spent, connections):
    """Frames of a mebibyte, of which the last byte never comes."""
    begun = [Connection(address) for _ in range(connections)]
    for each in begun:
        send(each, spent, b"\xff\xff\x3f" + b"\x00" * (MIB - 2))
    for each in begun:
        each.rest()


def join_and_leave(address, spent, seconds):
    """A nickname that comes and goes."""
    connection = Connection(address)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        frames = b""
        for _ in range(100):
            number += 1
            call, opening = connection.opening(
                protocol.JOIN, chat.JoinRequest(room="crowd", nickname=f"{os.getpid()}-{number}-" + "n" * 40), credit=1
            )
            frames += protocol.delimited(opening) + protocol.delimited(
                protocol.Frame(call=call, status=protocol.Status(code=protocol.CANCELLED))
            )
        send(connection, spent, frames)
        connection.fence()


def connect_and_reset(address, spent, times):
    for _ in range(times):
        connection = Connection(address)
        send(connection, spent, b"\x05")
        connection.reset()


class Frames(AttackTest):
    broker_arguments = ("--frame-timeout", "1s")

    def test_empty_frames_without_end(self):
        attackers = Attackers(empty_frames, self.broker.address, scaled(2, 20), processes=2)
        self.assertLess(self.watch(attackers, scaled(2, 20)), 2 * MIB)

    def test_frames_that_do_not_end_are_ended(self):
        connections = scaled(20, 200)
        attackers = Attackers(begun_frames, self.broker.address, connections)
        self.assertLess(self.watch(attackers, 20), (connections + 8) * MIB)
        self.assertFalse(attackers.going_on(), "the broker holds frames that are not finished in time")


class Members(AttackTest):
    def test_a_storm_of_joins_and_leaves(self):
        readers = [Connection(self.broker.address) for _ in range(scaled(50, 200))]
        for number, reader in enumerate(readers):
            # Takes all that comes, and reads none of it: a slow reader must not cost more than its share.
            reader.join("crowd", f"reader-{number}", credit=protocol.CREDIT_CAP)
            reader.fence()
        attackers = Attackers(join_and_leave, self.broker.address, scaled(3, 20), processes=2)
        self.assertLess(self.watch(attackers, scaled(3, 20)), 2 * ALLOWANCE + len(readers) * 2 * MIB)
        for reader in readers:
            reader.close()

    def test_connections_that_reset(self):
        attackers = Attackers(connect_and_reset, self.broker.address, scaled(500, 10_000), processes=2)
        self.assertLess(self.watch(attackers, 60), 8 * MIB)


class Neighbours(AttackTest):
    def arguments(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        # Whatever the user's mask lets through.
        self.addCleanup(os.umask, os.umask(0))
        return ("--data", self.folder.name + "/data")

    def test_other_users_cannot_open_the_data_directory(self):
        data = self.folder.name + "/data"
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)
        for name in os.listdir(data):
            self.assertEqual(stat.S_IMODE(os.stat(f"{data}/{name}").st_mode), 0o600, name)
