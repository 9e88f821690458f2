"""Many who each take what one may: the server's total holds."""

import contextlib

from attack import MIB, AttackTest, Attackers, hold, protocol, run_again_for_long_turns, scaled
from attacks import ALL_HISTORY, Attack, begin_frames, entered, long_room, make_rooms, without_reading
from protocol_client import chat, delimited

# Besides what the ledger counts (framework/docs/running-the-broker.md, "Memory"): the program, and blocks that the allocator
# has not returned.
PROGRAM = 12 * MIB
# Calls that a connection may have open (proto/README.md, "Limits").
OPEN_CALLS = 4096


def beside(held):
    return PROGRAM + held // 4


def fill_rooms(rooms, messages, size):
    """Rooms of about a mebibyte each, each with a reader that reads nothing, and with an id for each message. One client may make 1,000
    at once."""

    def run(address, spent):
        connection = spent.connect(address)
        for room in range(rooms):
            connection.join(f"room-{room}", "filler", credit=1)
            connection.fence()
            requests = [
                chat.PublishRequest(room=f"room-{room}", text="x" * size, client_message_id=f"{room}-{number}-" + "i" * 40)
                for number in range(messages)
            ]
            opened = [connection.opening(protocol.PUBLISH, request) for request in requests]
            spent.send(connection, b"".join(delimited(frame) for _, frame in opened))
            for call, _ in opened:
                connection.answer(call, chat.PublishReply)

    return run


def join_every_room(connections, rooms):
    """Each connection makes so many rooms, and then joins those of all, as often as it may have calls open."""

    def run(address, spent):
        names, kept = [f"room-{number}" for number in range(connections * rooms)], []
        for number in range(connections):
            kept.append(connection := spent.connect(address))
            for name in names[number * rooms : (number + 1) * rooms]:
                spent.send(connection, delimited(connection.opening(protocol.JOIN, chat.JoinRequest(room=name))[1]))
            connection.fence()
        for number, connection in enumerate(kept):
            for name in names[: OPEN_CALLS - rooms]:
                request = chat.JoinRequest(room=name, nickname=f"{number:064}")
                # One that holds most is ended.
                with contextlib.suppress(OSError):
                    spent.send(connection, delimited(connection.opening(protocol.JOIN, request)[1]))
        hold()

    return run


def send_merged_statuses(connections):
    """Connections that end, each with two statuses in one frame, which are one for whoever reads them."""

    def run(address, spent):
        status = protocol.Frame(status=protocol.Status(message="x" * 500_000)).SerializeToString()
        kept = []
        for _ in range(connections):
            kept.append(connection := spent.connect(address))
            spent.send(connection, delimited(status + status))
        hold()

    return run


class Rooms(AttackTest):
    held = 16 * MIB

    def fill(self, rooms, messages, size):
        self.start_broker(False, limits=("--history-bytes-max", "16M"))
        attackers = Attackers(Attack("rooms", "rooms", fill_rooms(rooms, messages, size)), self.broker.address)
        self.addCleanup(attackers.end)
        return attackers

    def assert_held(self, attackers):
        before = self.broker.anonymous_bytes()
        self.assertLess(self.watch([attackers], scaled(4, 60)) - before, self.held + beside(self.held))
        self.assert_no_long_turns()

    @run_again_for_long_turns
    def test_rooms_of_large_messages(self):
        self.assert_held(self.fill(scaled(150, 900), 16, 65_000))

    @run_again_for_long_turns
    def test_rooms_of_small_messages_with_ids(self):
        self.assert_held(self.fill(scaled(60, 600), 2_000, 10))

    def test_a_quiet_room_keeps_its_messages(self):
        attackers = self.fill(scaled(50, 500), 16, 65_000)
        aside = entered(self.broker.address, "aside", "neighbour")
        self.addCleanup(aside.close)
        aside.publish("aside", "the first")
        self.watch([attackers], scaled(3, 60))
        self.assertEqual([message.text for message in aside.history("aside", limit=1).messages], ["the first"])


class Total(AttackTest):
    held = 32 * MIB

    def attack_with(self, run, processes=1):
        self.start_broker(False, limits=("--memory-max", "32M"))
        long_room()(self.broker.address)
        before = self.broker.anonymous_bytes()
        attackers = Attackers(Attack("many", "answers", run, processes=processes), self.broker.address)
        self.addCleanup(attackers.end)
        self.assertLess(self.watch([attackers], scaled(4, 20)) - before, self.held + beside(self.held))
        self.assert_no_long_turns()

    @run_again_for_long_turns
    def test_histories_that_many_do_not_read(self):
        self.attack_with(without_reading(protocol.HISTORY, ALL_HISTORY, 4096), scaled(20, 50))
        # Those that held most, and not the bystander.
        closed = 'switchboard_connections_closed_total{reason="memory_max"}'
        self.assertGreater(self.broker.figures()[closed], 0, "the total was never short")
        self.bystander.publish()

    @run_again_for_long_turns
    def test_descriptions_that_many_do_not_read(self):
        self.attack_with(without_reading(protocol.DESCRIBE, b"", 4096), scaled(25, 50))

    @run_again_for_long_turns
    def test_streams_in_many_rooms(self):
        self.attack_with(join_every_room(connections=8, rooms=scaled(750, 1_000)))

    @run_again_for_long_turns
    def test_statuses_that_are_merged(self):
        self.attack_with(send_merged_statuses(scaled(200, 1_000)))

    @run_again_for_long_turns
    def test_rooms_that_nobody_is_in(self):
        self.attack_with(make_rooms, processes=scaled(6, 12))
        self.addCleanup(entered(self.broker.address, self.bystander.room, "newcomer").close)

    @run_again_for_long_turns
    def test_a_little_of_a_frame_by_very_many(self):
        self.attack_with(begin_frames(scaled(5_000, 8_000), size=12_000))
