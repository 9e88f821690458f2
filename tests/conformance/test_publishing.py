"""Chat/Publish, History, ListRooms and ListMembers."""

from protocol_client import (
    FAILED_PRECONDITION,
    HISTORY,
    INVALID_ARGUMENT,
    JOIN,
    LIST_MEMBERS,
    PUBLISH,
    BesideABystander,
    ConformanceTest,
    delimited,
    main,
)
from switchboard.chat.v1 import chat_pb2 as chat

TEXT_LIMIT = 64 * 1024
REPLY_LIMIT = 512 * 1024
DEDUPLICATION_WINDOW = 10_000


class PublishingTest(BesideABystander):
    def member(self, nickname="ann", room=None, **fields):
        """A connection that has joined, and its stream."""
        client = self.connect()
        return client, client.joined(room or self.room, nickname, **fields)


class Publishing(PublishingTest):
    def test_a_message_reaches_every_member_and_its_sender(self):
        ann, ann_stream = self.member("ann")
        _, bob_stream = self.member("bob")
        reply = ann.publish(self.room, "hello", client_message_id="an id")
        self.assertEqual((reply.sequence, reply.duplicate), (1, False))
        for stream in (ann_stream, bob_stream):
            message = stream.messages(1)[0]
            self.assertEqual((message.sequence, message.sender, message.text), (1, "ann", "hello"))
            self.assertEqual(message.client_message_id, "an id")
            self.assertTrue(message.HasField("sent_at"))

    def test_the_reply_says_how_safe_the_message_is(self):
        ann, _ = self.member()
        self.assertEqual(ann.publish(self.room).durability, chat.PublishReply.MEMORY)

    def test_sequences_start_at_1_and_have_no_gaps(self):
        ann, _ = self.member()
        replies = ann.publish_all(self.room, ["x"] * 300)
        self.assertEqual([reply.sequence for reply in replies], list(range(1, 301)))

    def test_a_publish_right_behind_its_join_finds_it_joined(self):
        for each in range(50):
            client = self.connect()
            room = f"{self.room}.{each}"
            join, first = client.opening(JOIN, chat.JoinRequest(room=room, nickname="ann"), credit=10)
            publish, second = client.opening(PUBLISH, chat.PublishRequest(room=room, text="at once"))
            client.send_bytes(delimited(first) + delimited(second))
            self.assertEqual(client.answer(publish, chat.PublishReply).sequence, 1)
            client.close()

    def test_publishers_at_once_share_one_order(self):
        clients = [self.member(f"member {each}", credit=10_000) for each in range(4)]
        for _ in range(50):
            for client, _ in clients:
                client.open(PUBLISH, chat.PublishRequest(room=self.room, text="x"))
        seen = [[(each.sequence, each.sender) for each in stream.messages(200)] for _, stream in clients]
        self.assertEqual([sequence for sequence, _ in seen[0]], list(range(1, 201)))
        self.assertTrue(all(each == seen[0] for each in seen))

    def test_without_a_join_it_is_a_failed_precondition_and_creates_nothing(self):
        client = self.connect()
        self.assert_refused(FAILED_PRECONDITION, client.publish, self.room)
        self.assertEqual(client.history(self.room).log_id, "")
        self.assert_alive(client)

    def test_in_another_room_than_the_joined_one_it_is_a_failed_precondition(self):
        self.member("bob", self.room + ".other")
        ann, _ = self.member("ann")
        self.assert_refused(FAILED_PRECONDITION, ann.publish, self.room + ".other")

    def test_for_an_observer_it_is_a_failed_precondition(self):
        observer, _ = self.member("")
        self.assert_refused(FAILED_PRECONDITION, observer.publish, self.room)

    def test_after_leaving_it_is_a_failed_precondition(self):
        ann, stream = self.member()
        stream.cancel()
        self.assert_refused(FAILED_PRECONDITION, ann.publish, self.room)

    def test_fields_are_checked_before_the_state(self):
        self.assert_refused(INVALID_ARGUMENT, self.connect().publish, self.room, "x" * (TEXT_LIMIT + 1))

    def test_text_may_be_empty_and_at_most_64_kib(self):
        ann, stream = self.member()
        for text in ("", "x" * TEXT_LIMIT, "é" * (TEXT_LIMIT // 2)):
            ann.publish(self.room, text)
            self.assertEqual(stream.messages(1)[0].text, text)
        for text in ("x" * (TEXT_LIMIT + 1), "é" * (TEXT_LIMIT // 2) + "x"):
            self.assert_refused(INVALID_ARGUMENT, ann.publish, self.room, text)
        self.assertEqual(ann.history(self.room).last_sequence, 3)

    def test_text_comes_as_it_was_sent(self):
        ann, stream = self.member()
        for text in ("\0", "a\r\nb\x1b[2J", "\u0085\u009f", "\ufeff\ufffe\uffff", "😀漢", " ", "\u202e"):
            ann.publish(self.room, text)
            self.assertEqual(stream.messages(1)[0].text, text)

    def test_text_that_is_not_utf8_is_an_invalid_argument(self):
        ann, _ = self.member()
        room = b"\x0a" + bytes([len(self.room)]) + self.room.encode()
        for text in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
            with self.subTest(text):
                call = ann.open(PUBLISH, room + b"\x12" + bytes([len(text)]) + text)
                self.assert_status(ann.next(call), INVALID_ARGUMENT)
        self.assertEqual(ann.history(self.room).last_sequence, 0)

    def test_a_bad_name_of_a_room_is_an_invalid_argument(self):
        ann, _ = self.member()
        for room in ("", "a b", "x" * 129):
            with self.subTest(room):
                self.assert_refused(INVALID_ARGUMENT, ann.publish, room)

    def test_a_message_id_has_at_most_64_bytes(self):
        ann, _ = self.member()
        ann.publish(self.room, "x", client_message_id="é" * 32)
        for bad in ("x" * 65, "é" * 33):
            self.assert_refused(INVALID_ARGUMENT, ann.publish, self.room, "x", client_message_id=bad)


class Deduplication(PublishingTest):
    def test_an_id_published_again_stores_nothing_and_answers_with_the_first_sequence(self):
        ann, stream = self.member()
        ann.publish(self.room, "first", client_message_id="an id")
        ann.publish(self.room, "between")
        reply = ann.publish(self.room, "again", client_message_id="an id")
        self.assertEqual((reply.sequence, reply.duplicate), (1, True))
        self.assertNotEqual(reply.durability, chat.PublishReply.UNSPECIFIED)
        self.assertEqual(ann.publish(self.room, "last").sequence, 3)
        self.assertEqual([each.text for each in stream.messages(3)], ["first", "between", "last"])

    def test_an_id_published_twice_without_waiting_is_stored_once(self):
        ann, _ = self.member()
        request = chat.PublishRequest(room=self.room, text="x", client_message_id="an id")
        opened = [ann.opening(PUBLISH, request) for _ in range(10)]
        ann.send_bytes(b"".join(delimited(frame) for _, frame in opened))
        replies = [ann.answer(call, chat.PublishReply) for call, _ in opened]
        self.assertEqual([reply.sequence for reply in replies], [1] * 10)
        self.assertEqual([reply.duplicate for reply in replies], [False] + [True] * 9)

    def test_an_id_is_known_to_its_sender_on_another_connection(self):
        ann, stream = self.member()
        watcher = self.connect().joined(self.room)
        ann.publish(self.room, "x", client_message_id="an id")
        stream.cancel()
        watcher.until("left")
        again, _ = self.member()
        reply = again.publish(self.room, "x", client_message_id="an id")
        self.assertEqual((reply.sequence, reply.duplicate), (1, True))

    def test_ids_belong_to_their_sender_and_their_room(self):
        ann, _ = self.member("ann")
        bob, _ = self.member("bob")
        ann.joined(self.room + ".other", "ann")
        ann.publish(self.room, "x", client_message_id="an id")
        self.assertFalse(bob.publish(self.room, "x", client_message_id="an id").duplicate)
        self.assertFalse(ann.publish(self.room + ".other", "x", client_message_id="an id").duplicate)
        self.assertFalse(ann.publish(self.room, "x", client_message_id="another id").duplicate)

    def test_messages_without_an_id_are_never_duplicates(self):
        ann, _ = self.member()
        self.assertEqual([ann.publish(self.room, "x").duplicate for _ in range(3)], [False] * 3)

    def test_the_window_holds_the_newest_10000_ids_and_a_duplicate_does_not_renew_its_place(self):
        ann, _ = self.member(credit=1)

        def publish(*ids):
            replies = ann.publish_all(self.room, [""] * len(ids), [str(each) for each in ids])
            return [reply.duplicate for reply in replies]

        self.assertEqual(publish(*range(DEDUPLICATION_WINDOW)), [False] * DEDUPLICATION_WINDOW)
        self.assertEqual(publish(0, 9999), [True, True])
        self.assertEqual(publish("one more"), [False])
        self.assertEqual(publish(1, 0, 1), [True, False, False])


class ReadingHistory(PublishingTest):
    def filled(self, count, text="x"):
        ann, stream = self.member(credit=1)
        ann.publish_all(self.room, [text] * count)
        return ann

    def sequences(self, reply):
        return [each.sequence for each in reply.messages]

    def test_it_is_read_without_joining(self):
        self.filled(3)
        reply = self.connect().history(self.room)
        self.assertEqual((self.sequences(reply), reply.last_sequence), ([1, 2, 3], 3))
        self.assertTrue(reply.log_id)

    def test_it_gives_the_oldest_after_a_sequence(self):
        self.filled(20)
        client = self.connect()
        reply = client.history(self.room, after_sequence=5, limit=3)
        self.assertEqual((self.sequences(reply), reply.last_sequence), ([6, 7, 8], 20))
        self.assertEqual(self.sequences(client.history(self.room, after_sequence=18, limit=50)), [19, 20])

    def test_a_limit_of_0_is_100(self):
        self.filled(150)
        self.assertEqual(self.sequences(self.connect().history(self.room)), list(range(1, 101)))

    def test_beyond_the_last_it_is_empty(self):
        self.filled(3)
        client = self.connect()
        for sequence in (3, 4, 2**64 - 1):
            reply = client.history(self.room, after_sequence=sequence)
            self.assertEqual((self.sequences(reply), reply.last_sequence), ([], 3))

    def test_a_reply_stays_within_512_kib(self):
        self.filled(30, "x" * 50_000)
        client, after, seen = self.connect(), 0, []
        while after < 30:
            reply = client.history(self.room, after_sequence=after)
            self.assertLessEqual(reply.ByteSize(), REPLY_LIMIT)
            self.assertTrue(reply.messages)
            seen += self.sequences(reply)
            after = seen[-1]
        self.assertEqual(seen, list(range(1, 31)))
        self.assertGreaterEqual(len(client.history(self.room).messages), 9)

    def test_an_unknown_room_is_empty_and_not_created(self):
        client = self.connect()
        reply = client.history(self.room, after_sequence=7)
        self.assertEqual((self.sequences(reply), reply.last_sequence, reply.log_id), ([], 0, ""))
        before = client.rooms(after=self.room[:-1], limit=1)
        self.assertNotIn(self.room, [each.room for each in before.rooms])

    def test_a_bad_name_of_a_room_is_an_invalid_argument(self):
        client = self.connect()
        for method, request in ((HISTORY, chat.HistoryRequest), (LIST_MEMBERS, chat.ListMembersRequest)):
            for room in ("", "a b", "x" * 129):
                with self.subTest((method, room)):
                    self.assert_refused(INVALID_ARGUMENT, client.call, method, request(room=room))

    def test_it_survives_its_members(self):
        ann = self.filled(3)
        watcher = self.connect().joined(self.room)
        ann.close()
        watcher.until("left")
        watcher.connection.close()
        again, stream = self.member("bob")
        self.assertEqual(again.publish(self.room).sequence, 4)


class ListingRooms(ConformanceTest):
    def test_rooms_come_in_bytewise_order_with_their_members_and_last_sequence(self):
        client = self.connect()
        names = ["b", "a", "B", "a.b", "a-b", "10", "9", "_"]
        for name in names:
            client.joined(name, "ann")
        client.publish("a", "x")
        client.publish("a", "x")
        other = self.connect()
        other.joined("a", "bob")
        other.joined("b")
        listed = client.rooms()
        self.assertEqual([each.room for each in listed.rooms], sorted(names))
        self.assertFalse(listed.more)
        summaries = {each.room: (each.members, each.last_sequence) for each in listed.rooms}
        self.assertEqual((summaries["a"], summaries["b"], summaries["B"]), ((2, 2), (1, 0), (1, 0)))


class PagingRooms(ConformanceTest):
    def setUp(self):
        super().setUp()
        self.names = [f"{self.room}.{each:04}" for each in range(1200)]
        # One connection may not make as many at once.
        for names in (self.names[:600], self.names[600:]):
            client = self.connect()
            opened = [client.opening(JOIN, chat.JoinRequest(room=name), credit=1) for name in names]
            client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
            for call, _ in opened:
                self.assertTrue(client.next(call).HasField("message"))

    def test_a_page_of_rooms_has_1000_unless_a_limit_says_otherwise_and_says_whether_there_is_more(self):
        client = self.connect()
        first = client.rooms()
        self.assertEqual(([each.room for each in first.rooms], first.more), (self.names[:1000], True))
        second = client.rooms(after=first.rooms[-1].room)
        self.assertEqual(([each.room for each in second.rooms], second.more), (self.names[1000:], False))
        few = client.rooms(after=self.names[4], limit=3)
        self.assertEqual(([each.room for each in few.rooms], few.more), (self.names[5:8], True))
        exact = client.rooms(after=self.names[1196], limit=3)
        self.assertEqual(([each.room for each in exact.rooms], exact.more), (self.names[1197:], False))
        self.assertEqual(len(client.rooms(after="~", limit=3).rooms), 0)


class ListingMembers(PublishingTest):
    def test_members_come_in_bytewise_order_and_observers_do_not(self):
        names = ["b", "a", "B", "é", "z", "a b"]
        for name in names:
            self.member(name)
        self.member("")
        listed = self.connect().members(self.room)
        self.assertEqual(list(listed.nicknames), sorted(names, key=str.encode))
        self.assertFalse(listed.more)

    def test_members_come_in_pages(self):
        names = [f"member {each:02}" for each in range(10)]
        for name in names:
            self.member(name)
        client = self.connect()
        first = client.members(self.room, limit=4)
        self.assertEqual((list(first.nicknames), first.more), (names[:4], True))
        last = client.members(self.room, after=names[5], limit=4)
        self.assertEqual((list(last.nicknames), last.more), (names[6:], False))

    def test_an_unknown_room_has_no_members_and_is_not_created(self):
        client = self.connect()
        reply = client.members(self.room)
        self.assertEqual((list(reply.nicknames), reply.more), ([], False))
        self.assertEqual(client.history(self.room).log_id, "")

    def test_who_leaves_is_no_member_any_more_and_the_room_stays(self):
        watcher = self.connect().joined(self.room)
        _, stream = self.member("ann")
        stream.cancel()
        watcher.until("left")
        client = self.connect()
        self.assertEqual(list(client.members(self.room).nicknames), [])
        listed = client.rooms(after=self.room[:-1], limit=1).rooms[0]
        self.assertEqual((listed.room, listed.members), (self.room, 0))


if __name__ == "__main__":
    main()
