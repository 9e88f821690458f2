"""Chat/Join: history, gaps, nicknames, takeovers, presence."""

from protocol_client import (
    ABORTED,
    ALREADY_EXISTS,
    FAILED_PRECONDITION,
    INVALID_ARGUMENT,
    JOIN,
    OUT_OF_RANGE,
    RESOURCE_EXHAUSTED,
    BesideABystander,
    ConformanceTest,
    delimited,
    main,
    told,
)
from google.protobuf.duration_pb2 import Duration
from switchboard.chat.v1 import chat_pb2 as chat

HISTORY_LIMIT = chat.Gap.HISTORY_LIMIT
RETENTION = chat.Gap.RETENTION
PRESENCE_CHANGES_KEPT = 1024
ROOM_BYTES_MAX = 64 * 1024 * 1024
TOKEN = bytes(range(16))
OTHER_TOKEN = bytes(range(1, 17))
ROOMS_MAX = 10_000


class RoomsTest(BesideABystander):
    def room_with(self, messages, room=None):
        """A connection that has published that many messages as "publisher", and stays."""
        publisher = self.connect()
        publisher.joined(room or self.room, "publisher")
        publisher.publish_all(room or self.room, [f"text {each}" for each in range(1, messages + 1)])
        return publisher

    def history_of(self, **fields):
        """What a join by an observer streams up to CaughtUp."""
        return [told(event) for event in self.connect().join(self.room, **fields).until("caught_up")]

    def log_id_of(self, room):
        return self.connect().history(room).log_id

    def room_exists(self, room):
        return bool(self.log_id_of(room))


class JoiningHistory(RoomsTest):
    def test_a_new_room_is_caught_up_at_0_and_has_a_log(self):
        event = self.connect().join(self.room).event()
        self.assertEqual(told(event), ("caught_up", 0))
        self.assertTrue(event.caught_up.log_id)
        self.assertEqual(event.caught_up.log_id, self.log_id_of(self.room))

    def test_each_room_has_a_log_of_its_own(self):
        logs = {self.connect().join(self.room + tail).event().caught_up.log_id for tail in ("", "1", "2")}
        self.assertEqual(len(logs), 3)

    def test_history_starts_behind_the_sequence_asked_for(self):
        self.room_with(5)
        self.assertEqual(self.history_of(after_sequence=3), [("message", 4), ("message", 5), ("caught_up", 5)])

    def test_after_the_last_sequence_there_is_none(self):
        self.room_with(5)
        self.assertEqual(self.history_of(after_sequence=5), [("caught_up", 5)])

    def test_with_neither_sequence_nor_limit_there_is_neither_history_nor_gap(self):
        self.room_with(5)
        self.assertEqual(self.history_of(), [("caught_up", 5)])

    def test_a_limit_cuts_all_but_the_newest_and_names_the_rest(self):
        self.room_with(10)
        expected = [("gap", 3, 7, HISTORY_LIMIT), ("message", 8), ("message", 9), ("message", 10), ("caught_up", 10)]
        self.assertEqual(self.history_of(after_sequence=2, history_limit=3), expected)

    def test_a_limit_from_the_start_names_the_rest_too(self):
        self.room_with(10)
        events = [event for event in self.history_of(history_limit=2) if event[0] not in ("joined", "left")]
        self.assertEqual(events, [("gap", 1, 8, HISTORY_LIMIT), ("message", 9), ("message", 10), ("caught_up", 10)])

    def test_a_limit_that_cuts_nothing_names_nothing(self):
        self.room_with(5)
        for limit in (3, 4, 2**32 - 1):
            with self.subTest(limit):
                expected = [("message", 3), ("message", 4), ("message", 5), ("caught_up", 5)]
                self.assertEqual(self.history_of(after_sequence=2, history_limit=limit), expected)

    def test_history_has_all_that_was_published(self):
        publisher = self.connect()
        publisher.joined(self.room, "publisher")
        publisher.publish(self.room, "first", client_message_id="an id")
        publisher.publish(self.room, "second")
        stream = self.connect().join(self.room, after_sequence=0, history_limit=10)
        first, second = stream.messages(2)
        self.assertEqual((first.sender, first.text, first.client_message_id), ("publisher", "first", "an id"))
        self.assertEqual((second.sender, second.text, second.client_message_id), ("publisher", "second", ""))
        self.assertGreater(first.sent_at.seconds, 1_500_000_000)
        self.assertLessEqual(first.sent_at.ToNanoseconds(), second.sent_at.ToNanoseconds())

    def test_what_follows_caught_up_is_live_and_without_gaps(self):
        publisher = self.room_with(3)
        stream = self.connect().join(self.room, after_sequence=1)
        self.assertEqual([told(event) for event in stream.until("caught_up")][-1], ("caught_up", 3))
        publisher.publish_all(self.room, ["x"] * 100)
        self.assertEqual([each.sequence for each in stream.messages(100)], list(range(4, 104)))

    def test_a_long_history_comes_whole(self):
        self.room_with(5000)
        events = self.history_of(after_sequence=1, credit=10_000)
        self.assertEqual(events, [("message", each) for each in range(2, 5001)] + [("caught_up", 5000)])

    def test_joins_amid_publishing_miss_nothing_and_get_nothing_twice(self):
        publisher = self.room_with(1)
        clients = [self.connect() for _ in range(20)]
        streams = []
        for each in clients:
            streams.append(each.join(self.room, after_sequence=1, credit=10_000))
            publisher.publish_all(self.room, ["x"] * 20)
        for stream in streams:
            self.assertEqual([each.sequence for each in stream.messages(400)], list(range(2, 402)))

    def test_room_is_set_on_every_event(self):
        publisher = self.room_with(3)
        stream = self.connect().join(self.room, after_sequence=1, history_limit=1)
        events = stream.until("caught_up")
        publisher.publish(self.room)
        self.connect().join(self.room, "member").cancel()
        events += stream.until("left")
        self.assertEqual({event.room for event in events}, {self.room})
        self.assertEqual(
            [event.WhichOneof("event") for event in events], ["gap", "message", "caught_up", "message", "joined", "left"]
        )

    def test_a_sequence_beyond_the_last_is_out_of_range(self):
        self.room_with(3)
        for sequence in (4, 2**64 - 1):
            self.assert_join_refused(OUT_OF_RANGE, self.connect(), self.room, after_sequence=sequence)

    def test_a_sequence_in_an_unknown_room_is_out_of_range_and_creates_nothing(self):
        self.assert_join_refused(OUT_OF_RANGE, self.connect(), self.room, after_sequence=1)
        self.assertFalse(self.room_exists(self.room))

    def test_the_rooms_own_log_id_is_taken(self):
        self.room_with(3)
        log_id = self.log_id_of(self.room)
        self.assertEqual(self.history_of(after_sequence=2, log_id=log_id), [("message", 3), ("caught_up", 3)])

    def test_another_log_id_is_out_of_range(self):
        self.room_with(3)
        self.connect().join(self.room + ".other").event()
        for log_id in ("x", self.log_id_of(self.room + ".other"), self.log_id_of(self.room) + "x"):
            self.assert_join_refused(OUT_OF_RANGE, self.connect(), self.room, after_sequence=1, log_id=log_id)

    def test_a_log_id_in_an_unknown_room_is_out_of_range_and_creates_nothing(self):
        self.assert_join_refused(OUT_OF_RANGE, self.connect(), self.room, log_id="x")
        self.assertFalse(self.room_exists(self.room))


class Names(RoomsTest):
    def test_a_bad_name_of_a_room_is_an_invalid_argument(self):
        client = self.connect()
        for room in ("", "a b", "a/b", "ä", "a\n", "a\0", "x" * 129, "room!", "~"):
            with self.subTest(room):
                self.assert_join_refused(INVALID_ARGUMENT, client, room, "someone")
        self.assert_alive(client)

    def test_every_allowed_name_of_a_room_is_taken(self):
        client = self.connect()
        letters = "abcdefghijklmnopqrstuvwxyz"
        for room in (letters + letters.upper() + "0123456789._-", "x" * 128, "0", ".", "..", "-"):
            with self.subTest(room):
                self.assertEqual(client.joined(room).connection, client)

    def test_a_bad_nickname_is_an_invalid_argument(self):
        client = self.connect()
        control = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
        for nickname in (*control, "a\nb", "x" * 65, "é" * 33, "good\u0085"):
            with self.subTest(repr(nickname)):
                self.assert_join_refused(INVALID_ARGUMENT, client, self.room, nickname)
        self.assertFalse(self.room_exists(self.room))
        self.assert_alive(client)

    def test_every_other_nickname_is_taken(self):
        for nickname in ("x", "x" * 64, "é" * 32, "😀" * 16, " ", "a b", "\u00a0", "/", '"', "\u2028"):
            with self.subTest(nickname):
                self.connect().joined(self.room, nickname)
        self.assertEqual(len(self.connect().members(self.room).nicknames), 10)

    def test_nicknames_are_compared_bytewise(self):
        for nickname in ("ann", "Ann", "ann ", "e\u0301", "\u00e9"):
            self.connect().joined(self.room, nickname)
        self.assertEqual(len(self.connect().members(self.room).nicknames), 5)

    def test_a_bad_resume_token_is_an_invalid_argument(self):
        client = self.connect()
        for size in (1, 15, 17, 32):
            with self.subTest(size):
                self.assert_join_refused(INVALID_ARGUMENT, client, self.room, "someone", resume_token=b"x" * size)
        self.assert_alive(client)

    def test_fields_are_checked_before_the_state(self):
        self.assert_join_refused(INVALID_ARGUMENT, self.connect(), self.room, "a\nb", after_sequence=9, log_id="x")


class Holders(RoomsTest):
    def test_a_second_holder_of_a_nickname_is_refused(self):
        self.connect().joined(self.room, "ann")
        client = self.connect()
        self.assert_join_refused(ALREADY_EXISTS, client, self.room, "ann")
        client.joined(self.room, "bob")

    def test_a_nickname_is_held_per_room(self):
        client = self.connect()
        client.joined(self.room, "ann")
        client.joined(self.room + ".other", "ann")
        self.connect().joined(self.room + ".third", "ann")

    def test_a_nickname_is_free_again_when_its_holder_has_left(self):
        watcher = self.connect().joined(self.room)
        for leave in ("cancel", "close", "reset"):
            with self.subTest(leave):
                client = self.connect()
                stream = client.joined(self.room, "ann")
                {"cancel": stream.cancel, "close": client.close, "reset": client.reset}[leave]()
                watcher.until("left")

    def test_a_connection_has_at_most_one_nickname_in_a_room(self):
        client = self.connect()
        client.joined(self.room, "ann")
        self.assert_join_refused(ALREADY_EXISTS, client, self.room, "bob")
        self.assert_join_refused(ALREADY_EXISTS, client, self.room, "ann")
        client.publish(self.room, "still ann")

    def test_a_connection_may_observe_a_room_several_times(self):
        client = self.connect()
        streams = [client.joined(self.room) for _ in range(3)] + [client.joined(self.room, "ann")]
        client.publish(self.room)
        for stream in streams:
            self.assertEqual(stream.messages(1)[0].sequence, 1)

    def test_a_connection_may_be_in_many_rooms(self):
        client = self.connect()
        streams = [client.joined(f"{self.room}.{each}", "ann") for each in range(20)]
        for each, stream in enumerate(streams):
            client.publish(f"{self.room}.{each}", str(each))
            self.assertEqual(stream.messages(1)[0].text, str(each))

    def test_the_state_is_checked_in_its_order(self):
        self.connect().joined(self.room, "ann")
        client = self.connect()
        self.assert_join_refused(OUT_OF_RANGE, client, self.room, "ann", log_id="x")
        self.assert_join_refused(OUT_OF_RANGE, client, self.room, "ann", after_sequence=1)

    def test_a_refused_join_leaves_no_member(self):
        client = self.connect()
        client.join(self.room).until("caught_up")
        self.assert_join_refused(OUT_OF_RANGE, client, self.room, "ann", after_sequence=1)
        self.assertEqual(list(client.members(self.room).nicknames), [])
        self.assert_refused(FAILED_PRECONDITION, client.publish, self.room)
        client.joined(self.room, "ann")


class Takeovers(RoomsTest):
    def test_the_holders_token_takes_the_nickname_over_and_nobody_sees_it(self):
        watcher = self.connect().joined(self.room)
        old = self.connect()
        old_stream = old.joined(self.room, "ann", resume_token=TOKEN)
        new = self.connect()
        new_stream = new.joined(self.room, "ann", resume_token=TOKEN)
        self.assert_refused(ABORTED, old_stream.event)
        new.publish(self.room, "from the new one")
        self.assertEqual([told(event) for event in watcher.until("message")], [("joined", "ann"), ("message", 1)])
        self.assertEqual(told(new_stream.event()), ("message", 1))
        self.assertEqual(list(new.members(self.room).nicknames), ["ann"])

    def test_who_was_taken_over_publishes_no_more_and_lives_on(self):
        old = self.connect()
        old_stream = old.joined(self.room, "ann", resume_token=TOKEN)
        self.connect().joined(self.room, "ann", resume_token=TOKEN)
        self.assert_refused(ABORTED, old_stream.event)
        self.assert_refused(FAILED_PRECONDITION, old.publish, self.room)
        old.joined(self.room, "bob")
        old.publish(self.room)

    def test_who_was_taken_over_takes_nothing_along_when_it_leaves(self):
        old = self.connect()
        old_stream = old.joined(self.room, "ann", resume_token=TOKEN)
        new = self.connect()
        new_stream = new.joined(self.room, "ann", resume_token=TOKEN)
        self.assert_refused(ABORTED, old_stream.event)
        old.end_sending()
        self.assertEqual(old.rest(), [])
        new.publish(self.room)
        self.assertEqual(told(new_stream.event()), ("message", 1))

    def test_another_token_or_none_is_refused(self):
        holder = self.connect()
        stream = holder.joined(self.room, "ann", resume_token=TOKEN)
        for token in (OTHER_TOKEN, b""):
            self.assert_join_refused(ALREADY_EXISTS, self.connect(), self.room, "ann", resume_token=token)
        holder.publish(self.room)
        self.assertEqual(told(stream.event()), ("message", 1))

    def test_a_holder_without_a_token_cannot_be_taken_over(self):
        self.connect().joined(self.room, "ann")
        self.assert_join_refused(ALREADY_EXISTS, self.connect(), self.room, "ann", resume_token=TOKEN)
        self.assert_join_refused(ALREADY_EXISTS, self.connect(), self.room, "ann")

    def test_a_takeover_may_itself_be_taken_over(self):
        stream = self.connect().joined(self.room, "ann", resume_token=TOKEN)
        for _ in range(5):
            previous, stream = stream, self.connect().joined(self.room, "ann", resume_token=TOKEN)
            self.assert_refused(ABORTED, previous.event)

    def test_a_connection_may_take_its_own_stream_over(self):
        client = self.connect()
        old_stream = client.joined(self.room, "ann", resume_token=TOKEN)
        new_stream = client.joined(self.room, "ann", resume_token=TOKEN)
        self.assert_refused(ABORTED, old_stream.event)
        client.publish(self.room)
        self.assertEqual(told(new_stream.event()), ("message", 1))

    def test_who_holds_another_nickname_in_the_room_cannot_take_over(self):
        holder = self.connect()
        stream = holder.joined(self.room, "ann", resume_token=TOKEN)
        other = self.connect()
        other.joined(self.room, "bob")
        self.assert_join_refused(ALREADY_EXISTS, other, self.room, "ann", resume_token=TOKEN)
        holder.publish(self.room)
        self.assertEqual([told(event) for event in stream.until("message")], [("joined", "bob"), ("message", 1)])

    def test_a_refused_join_takes_nothing_over(self):
        holder = self.connect()
        stream = holder.joined(self.room, "ann", resume_token=TOKEN)
        for fields in ({"after_sequence": 1}, {"log_id": "x"}):
            self.assert_join_refused(OUT_OF_RANGE, self.connect(), self.room, "ann", resume_token=TOKEN, **fields)
        holder.publish(self.room)
        self.assertEqual(told(stream.event()), ("message", 1))

    def test_an_observers_token_is_ignored(self):
        for _ in range(2):
            self.connect().joined(self.room, resume_token=TOKEN)
        self.assertEqual(list(self.connect().members(self.room).nicknames), [])

    def test_a_resumed_stream_goes_on_where_the_old_one_stood(self):
        publisher = self.room_with(3)
        old = self.connect()
        old_stream = old.joined(self.room, "ann", resume_token=TOKEN, after_sequence=3)
        publisher.publish_all(self.room, ["x"] * 3)
        seen = old_stream.messages(1)[0].sequence
        new = self.connect()
        log_id = self.log_id_of(self.room)
        stream = new.join(self.room, "ann", resume_token=TOKEN, after_sequence=seen, log_id=log_id)
        self.assertEqual([told(event) for event in stream.until("caught_up")], [("message", 5), ("message", 6), ("caught_up", 6)])


class Presence(RoomsTest):
    def test_members_are_announced_and_observers_are_not(self):
        watcher = self.connect().joined(self.room)
        observer = self.connect().joined(self.room)
        observer.cancel()
        member = self.connect().joined(self.room, "ann")
        member.cancel()
        self.assertEqual([told(watcher.event()) for _ in range(2)], [("joined", "ann"), ("left", "ann")])

    def test_a_joiner_does_not_get_its_own_joining(self):
        client = self.connect()
        stream = client.joined(self.room, "ann")
        self.connect().joined(self.room, "bob")
        self.assertEqual(told(stream.event()), ("joined", "bob"))
        self.assert_alive(client)

    def test_other_streams_of_its_connection_get_it(self):
        client = self.connect()
        observing = client.joined(self.room)
        client.joined(self.room, "ann")
        self.assertEqual(told(observing.event()), ("joined", "ann"))

    def test_joining_comes_before_the_first_message_and_leaving_after_the_last(self):
        watcher = self.connect().joined(self.room)
        client = self.connect()
        client.join(self.room, "ann")
        for _ in range(50):
            client.open("switchboard.chat.v1.Chat/Publish", chat.PublishRequest(room=self.room))
        client.end_sending()
        events = [told(event) for event in watcher.until("left")]
        self.assertEqual(events[0], ("joined", "ann"))
        self.assertEqual(events[1:-1], [("message", each) for each in range(1, 51)])

    def test_every_kind_of_end_is_a_leaving(self):
        watcher = self.connect().joined(self.room)
        ends = {
            "cancel": lambda client, stream: stream.cancel(),
            "close": lambda client, stream: client.close(),
            "half-close": lambda client, stream: client.end_sending(),
            "reset": lambda client, stream: client.reset(),
            "garbage": lambda client, stream: client.send_bytes(b"\x01\x0c"),
        }
        for name, end in ends.items():
            with self.subTest(name):
                client = self.connect()
                end(client, client.joined(self.room, name))
                self.assertEqual([told(watcher.event()) for _ in range(2)], [("joined", name), ("left", name)])

    def test_a_resuming_stream_gets_the_changes_since_in_their_place(self):
        publisher = self.room_with(3)
        self.connect().joined(self.room, "ann")
        publisher.publish_all(self.room, ["x"] * 2)
        expected = [("message", 3), ("joined", "ann"), ("message", 4), ("message", 5), ("caught_up", 5)]
        self.assertEqual(self.history_of(after_sequence=2), expected)
        self.assertEqual(self.history_of(after_sequence=3), expected[1:])
        self.assertEqual(self.history_of(after_sequence=4), [("message", 5), ("caught_up", 5)])

    def test_changes_inside_a_gap_of_the_history_limit_do_not_come(self):
        publisher = self.room_with(3)
        self.connect().joined(self.room, "ann")
        publisher.publish_all(self.room, ["x"] * 5)
        expected = [("gap", 2, 6, HISTORY_LIMIT), ("message", 7), ("message", 8), ("caught_up", 8)]
        self.assertEqual(self.history_of(after_sequence=1, history_limit=2), expected)

    def test_a_join_without_history_gets_no_change_from_before(self):
        self.room_with(3)
        self.connect().joined(self.room, "ann")
        self.assertEqual(self.history_of(), [("caught_up", 3)])

    def test_a_stream_gets_earlier_memberships_of_its_nickname_but_not_its_own(self):
        publisher = self.room_with(1)
        watcher = self.connect().joined(self.room)
        self.connect().joined(self.room, "ann").cancel()
        watcher.until("left")
        publisher.publish(self.room)
        stream = self.connect().join(self.room, "ann", after_sequence=1)
        expected = [("joined", "ann"), ("left", "ann"), ("message", 2), ("caught_up", 2)]
        self.assertEqual([told(event) for event in stream.until("caught_up")], expected)

    def test_all_streams_see_the_same_order(self):
        streams = [self.connect().join(self.room, credit=10_000) for _ in range(5)]
        for stream in streams:
            stream.until("caught_up")
        members = [self.connect() for _ in range(4)]
        for each, client in enumerate(members):
            client.joined(self.room, f"member {each}", credit=10_000)
        for _ in range(20):
            for client in members:
                client.open("switchboard.chat.v1.Chat/Publish", chat.PublishRequest(room=self.room, text="x"))
        seen = []
        for stream in streams:
            events = [stream.event() for _ in range(4 + 80)]
            seen.append([(told(event), event.message.sender) for event in events])
        self.assertTrue(all(each == seen[0] for each in seen))
        self.assertEqual([event[1] for event, _ in seen[0] if event[0] == "message"], list(range(1, 81)))


class PresenceLimit(RoomsTest):
    def test_a_room_keeps_its_newest_changes(self):
        self.room_with(1)
        watcher = self.connect().joined(self.room)
        client = self.connect()
        changes = []
        for each in range(PRESENCE_CHANGES_KEPT // 2 + 100):
            client.joined(self.room, f"member {each}").cancel()
            changes += [told(event) for event in watcher.until("left")]
            watcher.grant(2)
        history = self.history_of(after_sequence=1, credit=10_000)
        self.assertEqual(history, changes[-PRESENCE_CHANGES_KEPT:] + [("caught_up", 1)])


class Retention(ConformanceTest):
    """A room that has been sent more than it keeps."""

    def setUp(self):
        super().setUp()
        self.publisher = self.connect()
        self.publisher.joined(self.room, "publisher", credit=1)
        self.publisher.publish(self.room, "the first", client_message_id="the first")

    def overfill(self):
        """The last sequence that is gone, and the last there is."""
        text = "x" * 60_000
        for _ in range(12):
            self.publisher.publish_all(self.room, [text] * 100)
        first = self.publisher.history(self.room, limit=1).messages[0].sequence
        self.assertGreater(first, 1)
        return first - 1, 1201

    def test_a_room_keeps_64_mib_of_the_newest(self):
        gone, last = self.overfill()
        kept = self.connect().join(self.room, after_sequence=gone, credit=10_000).until("caught_up")[:-1]
        self.assertEqual([event.message.sequence for event in kept], list(range(gone + 1, last + 1)))
        size = sum(event.ByteSize() for event in kept)
        self.assertLessEqual(size, ROOM_BYTES_MAX)
        self.assertGreater(size, ROOM_BYTES_MAX * 0.9)

    def test_a_join_is_told_what_is_gone(self):
        gone, last = self.overfill()
        stream = self.connect().join(self.room, after_sequence=1, credit=2)
        expected = [("gap", 2, gone, RETENTION), ("message", gone + 1)]
        self.assertEqual([told(stream.event()) for _ in range(2)], expected)

    def test_what_is_gone_and_what_was_not_asked_for_are_told_apart(self):
        gone, last = self.overfill()
        stream = self.connect().join(self.room, after_sequence=1, history_limit=1)
        expected = [
            ("gap", 2, gone, RETENTION),
            ("gap", gone + 1, last - 1, HISTORY_LIMIT),
            ("message", last),
            ("caught_up", last),
        ]
        self.assertEqual([told(event) for event in stream.until("caught_up")], expected)

    def test_a_live_stream_that_lags_too_far_is_told_what_it_lost(self):
        stream = self.connect().join(self.room, credit=1)
        self.assertEqual(told(stream.event()), ("caught_up", 1))
        gone, _ = self.overfill()
        stream.grant(2)
        expected = [("gap", 2, gone, RETENTION), ("message", gone + 1)]
        self.assertEqual([told(stream.event()) for _ in range(2)], expected)

    def test_a_stream_that_lags_in_its_history_is_told_what_it_lost_and_where_history_ended(self):
        self.publisher.publish_all(self.room, ["x"] * 4)
        stream = self.connect().join(self.room, after_sequence=1, credit=1)
        self.assertEqual(told(stream.event()), ("message", 2))
        gone, _ = self.overfill()
        stream.grant(10_000)
        # What the server had already taken from the log may still come; after it each message either comes or is named in a Gap.
        reached, ends_of_history = 2, []
        while reached <= gone:
            event = told(stream.event())
            if event[0] == "caught_up":
                ends_of_history.append((event[1], reached))
            elif event[0] == "gap":
                self.assertEqual((event[1], event[3]), (reached + 1, RETENTION))
                reached = event[2]
            else:
                self.assertEqual(event, ("message", reached + 1))
                reached += 1
        # History ended at 5, or where a gap that ran past 5 did.
        self.assertEqual(len(ends_of_history), 1)
        self.assertEqual(ends_of_history[0][0], ends_of_history[0][1])
        self.assertIn(ends_of_history[0][0], (5, gone))

    def test_the_id_of_a_message_that_is_gone_is_still_known(self):
        self.overfill()
        reply = self.publisher.publish(self.room, "the first", client_message_id="the first")
        self.assertEqual((reply.sequence, reply.duplicate), (1, True))


class RoomLimit(ConformanceTest):
    def test_one_room_too_many_is_refused_with_resource_exhausted(self):
        client = self.connect()
        for start in range(0, ROOMS_MAX, 1000):
            opened = [client.opening(JOIN, chat.JoinRequest(room=f"room.{start + each}"), credit=1) for each in range(1000)]
            client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
            for call, _ in opened:
                self.assertTrue(client.next(call).HasField("message"))
            client.close()
            client = self.connect()
        self.assert_join_refused(RESOURCE_EXHAUSTED, client, "one.more", "ann")
        self.assertEqual(client.history("one.more").log_id, "")
        client.joined("room.0", "ann")
        client.publish("room.0")


class RoomCreations(BesideABystander):
    BURST = 1_000
    PER_MINUTE = 100

    def test_a_connection_that_makes_rooms_too_fast_is_told_when_to_try_again(self):
        client = self.connect()
        opened = [client.opening(JOIN, chat.JoinRequest(room=f"{self.room}.{each}"), credit=1) for each in range(self.BURST)]
        client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
        for call, _ in opened:
            self.assertTrue(client.next(call).HasField("message"))
        # Time passes meanwhile: a few more may be made, as many as the rate gives.
        for extra in range(self.PER_MINUTE):
            answer = client.next(client.join(f"{self.room}.one.more.{extra}", credit=1).call)
            if answer.HasField("status"):
                break
        self.assert_status(answer, RESOURCE_EXHAUSTED)
        self.assertIn("room_creations_per_minute", answer.status.message)
        self.assertEqual([each.type_url for each in answer.status.details], ["type.googleapis.com/google.rpc.RetryInfo"])
        # RetryInfo { google.protobuf.Duration retry_delay = 1 }
        retry_info = answer.status.details[0].value
        self.assertEqual((retry_info[0], retry_info[1]), (1 << 3 | 2, len(retry_info) - 2))
        delay = Duration.FromString(retry_info[2:]).ToMilliseconds()
        self.assertTrue(0 < delay <= 60_000 // self.PER_MINUTE, delay)

        client.joined(f"{self.room}.0", "ann")
        self.connect().joined(f"{self.room}.another", "bob")


if __name__ == "__main__":
    main()
