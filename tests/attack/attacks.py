"""The attacks: what each does, and what it is about."""

import os
import selectors

import protocol_client as protocol
from attack import MIB, OWN, hold, scaled
from protocol_client import Connection, chat, delimited

EVERYTHING = 2**32 - 1


class Attack:
    """One attack; `about` says in a word on what.

    `run(address, spent)` is run by each of `processes`, until it is ended. `prepare(address)` makes what it needs, and
    returns the connections that stay open meanwhile. `held_by_connections`: what it makes the broker hold is its
    connections', and not the rooms'. `most`: what the broker may grow by, in MiB, where that is less than what is allowed.
    """

    def __init__(self, name, about, run, prepare=lambda _: [], on_disk=True, processes=1, held_by_connections=True, most=None):
        self.name, self.about, self.run = name, about, run
        self.on_disk, self.processes = on_disk, processes
        self.held_by_connections = held_by_connections
        self.most_bytes = float("inf") if most is None else most * MIB + OWN
        self.kept = 0
        self._prepare = prepare

    def prepare(self, address):
        kept = self._prepare(address)
        self.kept = len(kept)
        return kept


# -- what attackers do -----------------------------------------------------------------------------------------------


def openings(connection, method, request, count, **fields):
    """The bytes of `count` calls."""
    return b"".join(delimited(connection.opening(method, request, **fields)[1]) for _ in range(count))


def without_reading(method, request, count, connections=1, **fields):
    """Asks for all of it, and reads none."""

    def run(address, spent):
        kept = []
        for _ in range(connections):
            connection = spent.connect(address, receive_buffer=4096)
            kept.append(connection)
            spent.send(connection, openings(connection, method, request, count, **fields))
        hold()

    return run


def and_reset(method, request, count):
    """Asks, and is gone; again and again."""

    def run(address, spent):
        while True:
            connection = spent.connect(address)
            spent.send(connection, openings(connection, method, request, count))
            connection.reset()

    return run


def take_turns(pipes, spent):
    """Sends what each connection's iterator has, as it may, and drops what comes."""
    with selectors.DefaultSelector() as ready:
        for connection, chunks in pipes:
            connection.socket.setblocking(False)
            ready.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, [chunks, b""])
        while True:
            for key, events in ready.select():
                if events & selectors.EVENT_READ and not key.fileobj.recv(256 * 1024):
                    return
                if events & selectors.EVENT_WRITE:
                    key.data[1] = key.data[1] or next(key.data[0], b"")
                    sent = key.fileobj.send(key.data[1])
                    spent.count(sent)
                    key.data[1] = key.data[1][sent:]
                    if sent == 0:
                        ready.modify(key.fileobj, selectors.EVENT_READ, key.data)


def reading_all(method, request, connections):
    """Asks for more before what was asked for has come, and reads it."""

    def asking(connection):
        while True:
            yield openings(connection, method, request, 16)

    def run(address, spent):
        made = [spent.connect(address) for _ in range(connections)]
        take_turns([(each, asking(each)) for each in made], spent)

    return run


def publishing(rooms, messages, size):
    """Makes rooms and publishes in them."""

    def publishes(connection):
        for number in range(rooms):
            name = f"made-{os.getpid()}-{number}"
            yield delimited(connection.opening(protocol.JOIN, chat.JoinRequest(room=name, nickname="maker"), credit=1)[1])
            request = chat.PublishRequest(room=name, text="x" * size)
            for _ in range(messages // 10):
                yield openings(connection, protocol.PUBLISH, request, 10)

    def run(address, spent):
        connection = spent.connect(address)
        take_turns([(connection, publishes(connection))], spent)

    return run


def make_rooms(address, spent):
    """As many as there are names."""

    def joins(connection):
        number = 0
        while True:
            frames = b""
            for _ in range(100):
                number += 1
                call, opening = connection.opening(protocol.JOIN, chat.JoinRequest(room=f"empty-{os.getpid()}-{number}"))
                frames += delimited(opening) + delimited(protocol.Frame(call=call, status=protocol.Status(code=protocol.CANCELLED)))
            yield frames

    connection = spent.connect(address)
    take_turns([(connection, joins(connection))], spent)


def empty_frames(address, spent):
    connection = spent.connect(address)
    while True:
        spent.send(connection, b"\x00" * 65_536)


def begin_frames(connections, size=MIB - 2):
    """Frames of a mebibyte, of which so many bytes come, and never the last."""

    def run(address, spent):
        begun = [spent.connect(address) for _ in range(connections)]
        for each in begun:
            spent.send(each, b"\xff\xff\x3f" + b"\x00" * size)
        hold()

    return run


def join_and_leave(address, spent):
    """Nicknames that come and go."""

    def changes(connection):
        number = 0
        while True:
            frames = b""
            for _ in range(100):
                number += 1
                request = chat.JoinRequest(room="crowd", nickname=f"{os.getpid()}-{number}-" + "n" * 40)
                call, opening = connection.opening(protocol.JOIN, request, credit=1)
                frames += delimited(opening) + delimited(protocol.Frame(call=call, status=protocol.Status(code=protocol.CANCELLED)))
            yield frames

    connection = spent.connect(address)
    take_turns([(connection, changes(connection))], spent)


def connect_and_reset(address, spent):
    while True:
        connection = spent.connect(address)
        spent.send(connection, b"\x05")
        connection.reset()


# -- what they need --------------------------------------------------------------------------------------------------


def entered(address, room, nickname, credit=1):
    connection = Connection(address)
    connection.join(room, nickname, credit=credit)
    connection.fence()
    return connection


def long_room(size=1):
    def prepare(address):
        connection = entered(address, "long", "filler")
        connection.publish_all("long", ["x" * size] * scaled(5_000, 30_000))
        connection.close()
        return []

    return prepare


def crowd(members, credit):
    def prepare(address):
        return [entered(address, "crowd", f"member-{number}-" + "m" * 40, credit) for number in range(members)]

    return prepare


def many_rooms(address):
    maker = Connection(address)
    for number in range(scaled(300, 900)):
        maker.join(f"room-{number}", "maker", credit=1)
        maker.publish(f"room-{number}", "x")
    maker.close()
    return []


# -- the attacks -----------------------------------------------------------------------------------------------------

ALL_HISTORY = chat.HistoryRequest(room="long", limit=EVERYTHING)
ALL_MEMBERS = chat.ListMembersRequest(room="crowd", limit=EVERYTHING)
ALL_ROOMS = chat.ListRoomsRequest(limit=EVERYTHING)
WHOLE_STREAM = chat.JoinRequest(room="long", history_limit=EVERYTHING)

ATTACKS = [
    Attack("histories that are not read", "answers", without_reading(protocol.HISTORY, ALL_HISTORY, 4096), long_room(), most=8),
    Attack("histories that are not read, in memory", "answers", without_reading(protocol.HISTORY, ALL_HISTORY, 4096), long_room(), on_disk=False, most=8),
    Attack("member lists that are not read", "answers", without_reading(protocol.LIST_MEMBERS, ALL_MEMBERS, 4096), crowd(scaled(100, 1_000), 1), most=8),
    Attack("histories and a reset", "turns", and_reset(protocol.HISTORY, ALL_HISTORY, 1000), long_room(), processes=2, most=32),
    Attack("histories and a reset, in memory", "turns", and_reset(protocol.HISTORY, ALL_HISTORY, 1000), long_room(), on_disk=False, processes=2, most=32),
    Attack("histories that are read, by many", "turns", reading_all(protocol.HISTORY, ALL_HISTORY, scaled(10, 50)), long_room(), processes=2),
    Attack("room lists that are not read", "turns", without_reading(protocol.LIST_ROOMS, ALL_ROOMS, 4096), many_rooms, processes=2, most=16),
    Attack("descriptions that are not read", "answers", without_reading(protocol.DESCRIBE, b"", 16_000, scaled(5, 50)), most=scaled(20, 200)),
    Attack("rooms full of messages, in memory", "rooms", publishing(800, 20, 50_000), on_disk=False, held_by_connections=False),
    Attack("rooms full of small messages, in memory", "rooms", publishing(800, 1_000, 40), on_disk=False, held_by_connections=False),
    Attack("rooms without end", "rooms", make_rooms, held_by_connections=False),
    Attack("streams without credit", "streams", without_reading(protocol.JOIN, WHOLE_STREAM, 4_000, credit=1), long_room(1_000), most=24),
    Attack("streams that are not read", "streams", without_reading(protocol.JOIN, WHOLE_STREAM, 4_000, credit=EVERYTHING), long_room(1_000), most=24),
    Attack("frames that do not end", "frames", begin_frames(scaled(20, 200))),
    Attack("empty frames", "frames", empty_frames, processes=2, most=2),
    Attack("joins and leaves", "presence", join_and_leave, crowd(scaled(50, 200), EVERYTHING), held_by_connections=False),
    Attack("connections that are reset", "frames", connect_and_reset, processes=2, most=8),
]
