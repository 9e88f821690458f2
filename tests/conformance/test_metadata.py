"""Metadata of requests and answers: its rules, where they are checked, and who carries what on."""

import socket
import unittest

from protocol_client import (
    ABORTED,
    CANCELLED,
    CREDIT_CAP,
    DEADLINE,
    INVALID_ARGUMENT,
    JOIN,
    LIST_ROOMS,
    PING,
    PUBLISH,
    REPEAT,
    RESOURCE_EXHAUSTED,
    SAY,
    UNIMPLEMENTED,
    WATCH,
    BesideABystander,
    Broker,
    ConformanceTest,
    Connection,
    delimited,
    main,
    pairs,
    pairs_of,
)
from switchboard.chat.v1 import chat_pb2 as chat
from switchboard.echo.v1 import echo_pb2 as echo
from switchboard.v1.frame_pb2 import Frame, Status

OPEN_CALLS_MAX = 4096
KEY_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."
TRACE_CONTEXT = [
    ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
]


def costing(total, count):
    """`count` pairs that cost `total` together: key and value lengths, plus 32 a pair."""
    each, rest = divmod(total, count)
    return [("k", b"v" * (each + (rest if place == 0 else 0) - 33)) for place in range(count)]


class RequestMetadata(BesideABystander):
    def assert_taken(self, content, method=LIST_ROOMS):
        client = self.connect()
        call = client.open(method, metadata=pairs(content))
        frame = client.next(call)
        self.assertTrue(frame.end and not frame.HasField("status"), frame)

    def assert_metadata_refused(self, code, content, method=LIST_ROOMS, request=None):
        client = self.connect()
        call = client.open(method, request, metadata=pairs(content))
        self.assert_status(client.next(), code, call=call)
        self.assert_alive(client)

    def test_a_call_may_carry_any_bytes_under_its_keys(self):
        self.assert_taken([("a", b"\x00\xff\r\n"), ("a", b""), ("b", bytes(range(256)))])

    def test_a_key_may_have_any_of_its_characters_and_64_of_them(self):
        self.assert_taken([(KEY_CHARACTERS, b""), ("k", b""), ("k" * 64, b"")])

    def test_a_bad_key_is_an_invalid_argument(self):
        for key in ("", "k" * 65, "Key", "k k", "k/k", "k:k", "k\x00", "caf\u00e9", ":k", "k\n"):
            with self.subTest(key):
                self.assert_metadata_refused(INVALID_ARGUMENT, [("fine", b""), (key, b"")])

    def test_a_key_of_the_protocols_own_is_an_invalid_argument(self):
        for key in ("switchboard-", "switchboard-origin"):
            with self.subTest(key):
                self.assert_metadata_refused(INVALID_ARGUMENT, [(key, b"")])
        self.assert_taken([("switchboard", b""), ("x-switchboard-y", b"")])

    def test_a_value_may_have_4_kib(self):
        self.assert_taken([("k", b"v" * 4096)])
        self.assert_metadata_refused(RESOURCE_EXHAUSTED, [("k", b"v" * 4097)])

    def test_a_frame_may_have_8_kib(self):
        for count in (3, 10, 64):
            with self.subTest(count):
                self.assert_taken(costing(8192, count))
                self.assert_metadata_refused(RESOURCE_EXHAUSTED, costing(8193, count))

    def test_a_frame_may_have_64_pairs(self):
        self.assert_taken([("k", b"")] * 64)
        self.assert_metadata_refused(RESOURCE_EXHAUSTED, [("k", b"")] * 65)

    def test_a_mebibyte_of_metadata_costs_its_own_call_alone(self):
        self.assert_metadata_refused(RESOURCE_EXHAUSTED, [("k", b"")] * 100_000)
        self.assert_metadata_refused(RESOURCE_EXHAUSTED, [("k", b"v" * 1_000_000)])

    def test_the_rules_hold_for_built_in_methods_too(self):
        self.assert_taken([("k", b"v")], method=PING)
        self.assert_metadata_refused(INVALID_ARGUMENT, [("Bad", b"")], method=PING)
        self.assert_metadata_refused(RESOURCE_EXHAUSTED, [("k", b"")] * 65, method=PING)

    def test_metadata_is_checked_behind_the_method(self):
        self.assert_metadata_refused(UNIMPLEMENTED, [("Bad", b"")], method="no.Such/Method")

    def test_metadata_is_checked_before_the_request(self):
        for method in (PUBLISH, PING):
            with self.subTest(method):
                self.assert_metadata_refused(RESOURCE_EXHAUSTED, [("k", b"")] * 65, method, b"\xff")

    def test_metadata_is_checked_behind_the_limit_of_open_calls(self):
        client = self.connect()
        opened = [client.opening(WATCH) for _ in range(OPEN_CALLS_MAX)]
        client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
        call = client.open(LIST_ROOMS, metadata=pairs([("Bad", b"")]))
        self.assert_status(client.next(), RESOURCE_EXHAUSTED, call=call)

    def test_metadata_on_any_other_frame_is_ignored(self):
        client = self.connect()
        bad = pairs([("Bad", b"v" * 5000)] * 3)
        stream = client.joined(self.room, credit=1)
        client.send(call=stream.call, credit=1, metadata=bad)
        client.send(call=0, metadata=bad)
        self.assert_alive(client)
        client.send(call=stream.call, status=Status(code=CANCELLED), metadata=bad)
        self.assert_alive(client)

    def test_a_key_that_is_not_utf_8_is_no_frame(self):
        client = self.connect()
        content = Frame(call=1, method=PING).SerializeToString() + b"\x4a\x03\x0a\x01\xff"
        client.send_bytes(delimited(content))
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_pairs_may_stand_anywhere_in_the_frame(self):
        client = self.connect()
        pair = Frame(metadata=pairs([("k", b"v")])).SerializeToString()
        content = pair + Frame(call=1).SerializeToString() + pair + Frame(method=PING).SerializeToString() + pair
        client.send_bytes(delimited(content))
        self.assertTrue(client.next(1).end)

    def test_a_stream_with_metadata_is_served(self):
        client = self.connect()
        call = client.open(JOIN, chat.JoinRequest(room=self.room), credit=CREDIT_CAP, metadata=pairs([("k", b"v")]))
        self.assertFalse(client.next(call).HasField("status"))


class TrailingMetadata(ConformanceTest):
    """Against a server that sends a request's metadata back with the end of its call."""

    program = "CONFORMANCE_SERVER"
    content = [("b", b"1"), ("a", b"\x00\xff"), ("b", b"2"), *TRACE_CONTEXT]

    def say(self, payload, content):
        client = self.connect()
        return client.next(client.open(SAY, echo.SayRequest(payload=payload), metadata=pairs(content)))

    def test_goes_with_the_reply_in_its_order(self):
        frame = self.say(b"hi", self.content)
        self.assertEqual(pairs_of(frame), self.content)
        self.assertTrue(frame.end)
        self.assertEqual(echo.SayReply.FromString(frame.message).payload, b"hi")

    def test_goes_with_a_status(self):
        frame = self.say(b"fail", self.content)
        self.assert_status(frame, ABORTED)
        self.assertEqual(pairs_of(frame), self.content)

    def test_is_not_there_where_there_is_none(self):
        self.assertEqual(pairs_of(self.say(b"hi", [])), [])

    def test_of_the_largest_request_goes_back_whole(self):
        content = costing(8192, 64)
        self.assertEqual(pairs_of(self.say(b"hi", content)), content)

    def test_that_does_not_fit_is_dropped_and_the_answer_comes(self):
        frame = self.say(b"too much", [("first", b"1")])
        self.assertTrue(frame.end)
        got = pairs_of(frame)
        self.assertEqual(got[0], ("first", b"1"))
        self.assertLessEqual(len(got), 64)
        self.assertLessEqual(sum(len(key) + len(value) + 32 for key, value in got), 8192)

    def test_goes_with_the_end_of_a_stream_and_with_no_message(self):
        client = self.connect()
        request = echo.RepeatRequest(payload=b"x", times=3)
        call = client.open(REPEAT, request, credit=10, metadata=pairs(self.content))
        frames = [client.next(call) for _ in range(4)]
        self.assertEqual([pairs_of(frame) for frame in frames], [[], [], [], self.content])
        self.assertTrue(frames[-1].end)

    def test_is_each_calls_own(self):
        client = self.connect()
        calls = {}
        for number in range(200):
            content = [("number", str(number).encode())] * (number % 3)
            calls[client.open(SAY, echo.SayRequest(), metadata=pairs(content))] = content
        for call, content in calls.items():
            self.assertEqual(pairs_of(client.next(call)), content)


class CallsOnBehalfOfCalls(unittest.TestCase):
    """Against a server that has another one answer: the test."""

    def setUp(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        listener.settimeout(DEADLINE)
        host, port = listener.getsockname()
        server = Broker("--forward", f"{host}:{port}", program="CONFORMANCE_SERVER")
        self.addCleanup(server.forget)
        self.client = Connection(server.address)
        self.addCleanup(self.client.close)
        accepted, _ = listener.accept()
        self.next_server = Connection(accepted)
        self.addCleanup(self.next_server.close)

    def forwarded(self, **fields):
        """The opening frame that the next server gets for one that is sent with these fields."""
        call = self.client.open(SAY, echo.SayRequest(payload=b"hi"), **fields)
        opening = self.next_server.next()
        self.next_server.send(call=opening.call, message=echo.SayReply(payload=b"answer").SerializeToString(), end=True)
        self.assertEqual(self.client.answer(call, echo.SayReply).payload, b"answer")
        return opening

    def test_carry_traceparent_and_tracestate_on_unchanged(self):
        opening = self.forwarded(metadata=pairs(TRACE_CONTEXT))
        self.assertEqual(opening.method, SAY)
        self.assertEqual(pairs_of(opening), TRACE_CONTEXT)

    def test_carry_nothing_else_on(self):
        opening = self.forwarded(metadata=pairs([("authorization", b"secret"), *TRACE_CONTEXT, ("x", b"y")]))
        self.assertEqual(pairs_of(opening), TRACE_CONTEXT)
        self.assertEqual(pairs_of(self.forwarded(metadata=pairs([("x", b"y")]))), [])

    def test_carry_each_its_own_calls_context_on(self):
        for number in range(20):
            content = [("traceparent", b"00-%032x-%016x-01" % (number, number))]
            self.assertEqual(pairs_of(self.forwarded(metadata=pairs(content))), content)
            self.assertEqual(pairs_of(self.forwarded()), [])


if __name__ == "__main__":
    main()
