"""Many who each take what one may: the server's total holds."""

from attack import MIB, AttackTest, Attackers, Connection, chat, protocol, scaled, send
from test_floods import ask_and_do_not_read, enter, fill

# Besides what the ledger counts (framework/docs/running-the-broker.md, "Memory"): the program, and blocks that the allocator
# has not returned.
PROGRAM = 12 * MIB
# Seconds of processor time that no turn takes, also on a busy machine.
LONG_TURN = 0.005


def beside(held):
    return PROGRAM + held // 4


def fill_rooms(address, spent, rooms, messages, size):
    """Rooms with a reader each that reads nothing, and an id for each message. One client may make 1,000 at once."""
    connection = Connection(address)
    for room in range(rooms):
        enter(connection, f"room-{room}", "filler")
        requests = [
            chat.PublishRequest(room=f"room-{room}", text="x" * size, client_message_id=f"{room}-{number}-" + "i" * 40)
            for number in range(messages)
        ]
        opened = [connection.opening(protocol.PUBLISH, request) for request in requests]
        send(connection, spent, b"".join(protocol.delimited(frame) for _, frame in opened))
        for call, _ in opened:
            connection.answer(call, chat.PublishReply)


class Rooms(AttackTest):
    held = 16 * MIB
    broker_arguments = ("--history-bytes-max", "16M")

    def test_rooms_of_large_messages(self):
        attackers = Attackers(fill_rooms, self.broker.address, scaled(150, 900), 16, 65_000)
        self.assertLess(self.watch(attackers, 60), self.held + beside(self.held))
        self.assertEqual(self.broker.turns_above(LONG_TURN), 0)

    def test_rooms_of_small_messages_with_ids(self):
        attackers = Attackers(fill_rooms, self.broker.address, scaled(60, 600), 2_000, 10)
        self.assertLess(self.watch(attackers, 60), self.held + beside(self.held))
        self.assertEqual(self.broker.turns_above(LONG_TURN), 0)

    def test_a_quiet_room_keeps_its_messages(self):
        attackers = Attackers(fill_rooms, self.broker.address, scaled(50, 500), 16, 65_000)
        aside = Connection(self.broker.address)
        enter(aside, "aside", "neighbour")
        aside.publish("aside", "the first")
        self.watch(attackers, 60)
        kept = aside.history("aside", limit=1).messages
        aside.close()
        self.assertEqual([message.text for message in kept], ["the first"])


class Total(AttackTest):
    held = 32 * MIB
    broker_arguments = ("--memory-max", "32M")

    def test_histories_that_many_do_not_read(self):
        fill(self.broker.address, "long", 5_000)
        request = chat.HistoryRequest(room="long", limit=2**32 - 1)
        attackers = Attackers(
            ask_and_do_not_read, self.broker.address, protocol.HISTORY, request, 4096, scaled(4, 20), processes=scaled(20, 50)
        )
        self.assertLess(self.watch(attackers, scaled(4, 20)), self.held + beside(self.held))
        self.assertEqual(self.broker.turns_above(LONG_TURN), 0)
        # Those that held most, and not the bystander.
        closed = 'switchboard_connections_closed_total{reason="memory_max"}'
        self.assertGreater(self.broker.figures()[closed], 0, "the total was never short")
        self.bystander.publish("quiet", "still here")

    def test_descriptions_that_many_do_not_read(self):
        attackers = Attackers(
            ask_and_do_not_read, self.broker.address, protocol.DESCRIBE, b"", 4096, scaled(4, 20), processes=scaled(25, 50)
        )
        self.assertLess(self.watch(attackers, scaled(4, 20)), self.held + beside(self.held))
        self.assertEqual(self.broker.turns_above(LONG_TURN), 0)
