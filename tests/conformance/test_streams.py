"""Server streams: credit, half-close, and what overtakes what."""

from protocol_client import (
    CREDIT_CAP,
    INVALID_ARGUMENT,
    JOIN,
    PING,
    RESOURCE_EXHAUSTED,
    BesideABystander,
    main,
    told,
)
from switchboard.chat.v1 import chat_pb2 as chat


class Credit(BesideABystander):
    def publisher(self):
        publisher = self.connect()
        publisher.joined(self.room, "publisher")
        return publisher

    def test_a_stream_without_credit_stays_open_and_silent(self):
        client = self.connect()
        stream = client.join(self.room, credit=0)
        self.publisher().publish(self.room)
        self.assert_alive(client)
        stream.grant(1)
        self.assertEqual(told(stream.event()), ("caught_up", 0))

    def test_credit_counts_messages(self):
        publisher = self.publisher()
        publisher.publish_all(self.room, ["x"] * 10)
        client = self.connect()
        stream = client.join(self.room, after_sequence=1, credit=2)
        self.assertEqual([told(stream.event()) for _ in range(2)], [("message", 2), ("message", 3)])
        self.assert_alive(client)

    def test_credit_adds_up(self):
        publisher = self.publisher()
        publisher.publish_all(self.room, ["x"] * 10)
        client = self.connect()
        stream = client.join(self.room, after_sequence=1, credit=1)
        stream.grant(1)
        stream.grant(2)
        self.assertEqual([told(stream.event())[1] for _ in range(4)], [2, 3, 4, 5])
        self.assert_alive(client)

    def test_a_stream_goes_on_where_it_paused_and_loses_nothing(self):
        client = self.connect()
        stream = client.join(self.room, credit=1)
        self.assertEqual(told(stream.event()), ("caught_up", 0))
        publisher = self.publisher()
        publisher.publish_all(self.room, ["x"] * 500)
        self.assert_alive(client)
        stream.grant(501)
        self.assertEqual(told(stream.event()), ("joined", "publisher"))
        self.assertEqual([told(stream.event()) for _ in range(500)], [("message", each) for each in range(1, 501)])

    def test_every_kind_of_event_takes_one_credit(self):
        publisher = self.publisher()
        publisher.publish_all(self.room, ["x"] * 5)
        client = self.connect()
        stream = client.join(self.room, after_sequence=1, history_limit=2, credit=0)
        member = self.connect()
        for expected in (("gap", 2, 3, chat.Gap.HISTORY_LIMIT), ("message", 4), ("message", 5), ("caught_up", 5)):
            self.assert_alive(client)
            stream.grant(1)
            self.assertEqual(told(stream.event()), expected)
        membership = member.joined(self.room, "member")
        membership.cancel()
        for expected in (("joined", "member"), ("left", "member")):
            self.assert_alive(client)
            stream.grant(1)
            self.assertEqual(told(stream.event()), expected)

    def test_credit_beyond_its_cap_is_no_error(self):
        client = self.connect()
        stream = client.join(self.room, credit=CREDIT_CAP)
        for _ in range(5):
            stream.grant(CREDIT_CAP)
        self.assertEqual(told(stream.event()), ("caught_up", 0))
        self.publisher().publish(self.room)
        self.assertEqual(told(stream.until("message")[-1]), ("message", 1))

    def test_frames_that_say_nothing_about_an_open_call_are_ignored(self):
        client = self.connect()
        stream = client.joined(self.room)
        client.send(call=stream.call)
        client.send(call=stream.call, credit=0)
        self.assert_alive(client)

    def test_streams_of_one_connection_have_credit_of_their_own(self):
        client = self.connect()
        starving = client.join(self.room, credit=1)
        served = client.join(self.room)
        self.publisher().publish_all(self.room, ["x"] * 300)
        self.assertEqual([each.sequence for each in served.messages(300)], list(range(1, 301)))
        self.assertEqual(told(starving.event()), ("caught_up", 0))
        self.assert_alive(client)

    def test_a_member_without_credit_holds_nobody_up(self):
        self.connect().join(self.room, "starving", credit=0)
        publisher = self.publisher()
        reader = self.connect().joined(self.room)
        publisher.publish_all(self.room, ["x" * 1000] * 2000)
        reader.grant(2000)
        self.assertEqual([each.sequence for each in reader.messages(2000)], list(range(1, 2001)))


class HalfClose(BesideABystander):
    def test_the_request_of_a_stream_may_end_with_its_opening_frame(self):
        client = self.connect()
        call = client.open(JOIN, chat.JoinRequest(room=self.room), credit=10, end=True)
        self.assertTrue(client.next(call).HasField("message"))

    def test_a_repeated_end_is_ignored(self):
        client = self.connect()
        stream = client.joined(self.room)
        client.send(call=stream.call, end=True)
        client.send(call=stream.call, end=True)
        self.assert_alive(client)
        client.joined(self.room, "someone")
        self.assertEqual(told(stream.event()), ("joined", "someone"))

    def test_a_message_after_the_only_one_ends_the_call_with_resource_exhausted(self):
        client = self.connect()
        watcher = self.connect().joined(self.room)
        stream = client.joined(self.room, "talkative")
        client.send(call=stream.call, message=b"")
        self.assert_refused(RESOURCE_EXHAUSTED, stream.event)
        self.assertEqual(watcher.until("left")[-1].left.nickname, "talkative")
        client.send(call=stream.call, message=b"")
        self.assert_alive(client)


class Overtaking(BesideABystander):
    def test_answers_overtake_queued_stream_data(self):
        publisher = self.connect()
        publisher.joined(self.room, "publisher")
        publisher.publish_all(self.room, ["x" * 60_000] * 300)
        slow = self.connect(receive_buffer=64 * 1024)
        stream = slow.join(self.room, history_limit=10_000, credit=CREDIT_CAP)
        slow.next(stream.call)
        ping = slow.open(PING)
        refused = slow.open(JOIN, b"\xff")
        before = [slow.next()]
        while before[-1].call != ping:
            before.append(slow.next())
        while before[-1].call != refused:
            before.append(slow.next())
        self.assert_status(before[-1], INVALID_ARGUMENT)
        self.assertLess(len(before), 200)
        stream.messages(300 - len(before))

    def test_nothing_overtakes_frames_of_its_own_call(self):
        publisher = self.connect()
        publisher.joined(self.room, "publisher")
        publisher.publish_all(self.room, ["x" * 60_000] * 100)
        slow = self.connect(receive_buffer=64 * 1024)
        stream = slow.join(self.room, history_limit=10_000, credit=CREDIT_CAP)
        events = [stream.event()]
        slow.send(call=stream.call, message=b"beyond the credit")
        frames = [slow.next(stream.call)]
        while not frames[-1].HasField("status"):
            frames.append(slow.next(stream.call))
        self.assert_status(frames[-1], RESOURCE_EXHAUSTED)
        events += [chat.RoomEvent.FromString(frame.message) for frame in frames[:-1]]
        sequences = [event.message.sequence for event in events if event.WhichOneof("event") == "message"]
        self.assertEqual(sequences, list(range(1, len(sequences) + 1)))
        self.assert_alive(slow)


if __name__ == "__main__":
    main()
