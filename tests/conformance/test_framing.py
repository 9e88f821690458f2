"""Frames on the wire: sizes, cuts, garbage, and how a connection ends."""

import socket

from google.protobuf.internal.encoder import _VarintBytes

from protocol_client import (
    FRAME_LIMIT,
    INVALID_ARGUMENT,
    PING,
    RESOURCE_EXHAUSTED,
    BesideABystander,
    delimited,
    main,
)
from switchboard.v1 import services_pb2 as services
from switchboard.v1.frame_pb2 import Frame, Status


def ping_of_size(size, call=1):
    """A Ping whose frame has exactly that many bytes."""
    payload = size
    while True:
        message = services.PingRequest(payload=b"x" * payload).SerializeToString()
        frame = Frame(call=call, method=PING, message=message).SerializeToString()
        if len(frame) == size:
            return frame
        payload -= len(frame) - size


class Framing(BesideABystander):
    def test_a_frame_of_exactly_the_limit_is_taken(self):
        client = self.connect()
        client.send_bytes(delimited(ping_of_size(FRAME_LIMIT)))
        reply = client.answer(1, services.PingReply)
        self.assertGreater(len(reply.payload), FRAME_LIMIT - 100)

    def test_a_size_above_the_limit_ends_the_connection_with_resource_exhausted(self):
        client = self.connect()
        client.send_bytes(_VarintBytes(FRAME_LIMIT + 1))
        self.assertEqual(self.assert_ended_by_error(client, RESOURCE_EXHAUSTED), [])

    def test_a_size_above_32_bits_is_a_size_above_the_limit(self):
        client = self.connect()
        client.send_bytes(b"\xff\xff\xff\xff\x7f")
        self.assertEqual(self.assert_ended_by_error(client, RESOURCE_EXHAUSTED), [])

    def test_a_size_that_does_not_end_ends_the_connection_with_invalid_argument(self):
        client = self.connect()
        client.send_bytes(b"\x80\x80\x80\x80\x80")
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_a_padded_size_is_taken(self):
        client = self.connect()
        frame = ping_of_size(60)
        client.send_bytes(bytes([0x80 | 60, 0x80, 0x80, 0x80, 0x00]) + frame)
        client.answer(1, services.PingReply)

    def test_bytes_that_are_no_frame_end_the_connection_with_invalid_argument(self):
        bad_text = b"\xff"
        bad_status = b"\x12\x01" + bad_text
        cases = {
            "a zero tag": b"\x00\x01",
            "field number zero": b"\x02\x01x",
            "an end of a group that was not opened": b"\x0c",
            "a group that does not end": b"\x7b\x08\x01",
            "a group ended under another number": b"\x7b\x84\x01",
            "wire type 6": b"\x0e",
            "wire type 7": b"\x0f",
            "a field cut off": b"\x08",
            "a varint of eleven bytes": b"\x08" + b"\xff" * 10 + b"\x01",
            "bytes that end beyond the frame": b"\x1a\x05abc",
            "a tag that does not end": b"\x80",
            "a method that is not UTF-8": b"\x08\x01\x12\x02" + b"a" + bad_text,
            "an overlong character in a method": b"\x12\x02\xc0\xaf",
            "a surrogate in a method": b"\x12\x03\xed\xa0\x80",
            "a status whose text is not UTF-8": b"\x08\x01\x2a" + bytes([len(bad_status)]) + bad_status,
            "a status that is no Status": b"\x08\x01\x2a\x01\x08",
        }
        for name, content in cases.items():
            with self.subTest(name):
                client = self.connect()
                client.send_bytes(delimited(content))
                self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_a_connection_that_begins_as_http_is_no_frames(self):
        """It ends at the fourth byte: no frame of the size that G stands for is waited for."""
        for request in (b"GET ", b"GET / HTTP/1.1\r\nHost: chat.example\r\nUser-Agent: " + b"x" * 100 + b"\r\n\r\n"):
            with self.subTest(request):
                client = self.connect()
                client.send_bytes(request)
                self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_a_first_frame_of_the_size_that_http_seems_to_have_is_taken(self):
        client = self.connect()
        client.send_bytes(delimited(ping_of_size(ord("G"))))
        client.answer(1, services.PingReply)

    def test_unknown_fields_are_skipped(self):
        unknown = {
            "a varint": b"\xa0\x06\x2a",
            "eight bytes": b"\xa1\x06" + b"12345678",
            "four bytes": b"\xa5\x06" + b"1234",
            "bytes": b"\xa2\x06\x03abc",
            "bytes that are not UTF-8": b"\xa2\x06\x02\xff\xfe",
            "a group": b"\xa3\x06\x08\x01\xa4\x06",
            "a group in a group": b"\xa3\x06\x7b\x08\x01\x7c\xa4\x06",
            "the call's number under another wire type": b"\x0a\x01x",
            "the method under another wire type": b"\x10\x05",
        }
        client = self.connect()
        for name, content in unknown.items():
            with self.subTest(name):
                call, frame = client.opening(PING, services.PingRequest(payload=b"here"))
                known = frame.SerializeToString()
                client.send_bytes(delimited(content + known + content))
                self.assertEqual(client.answer(call, services.PingReply).payload, b"here")

    def test_a_field_sent_twice_counts_as_sent_last(self):
        client = self.connect()
        client.send_bytes(delimited(Frame(call=1).SerializeToString() + ping_of_size(60, call=7)))
        client.answer(7, services.PingReply)

    def test_an_empty_frame_is_ignored(self):
        client = self.connect()
        client.send_bytes(b"\x00" * 1000)
        self.assert_alive(client)

    def test_a_frame_may_come_byte_by_byte(self):
        client = self.connect()
        for byte in delimited(ping_of_size(80)):
            client.send_bytes(bytes([byte]))
        client.answer(1, services.PingReply)

    def test_a_frame_may_be_cut_anywhere(self):
        first, second = delimited(ping_of_size(60, call=1)), delimited(ping_of_size(300, call=3))
        whole = first + second
        for cut in range(1, len(whole)):
            client = self.connect()
            client.send_bytes(whole[:cut])
            if cut >= len(first):
                client.answer(1, services.PingReply)
            client.send_bytes(whole[cut:])
            if cut < len(first):
                client.answer(1, services.PingReply)
            client.answer(3, services.PingReply)
            client.close()

    def test_many_frames_may_come_together(self):
        client = self.connect()
        client.send_bytes(b"".join(delimited(ping_of_size(60, call=call)) for call in range(1, 2001, 2)))
        for call in range(1, 2001, 2):
            client.answer(call, services.PingReply)

    def test_frames_queued_before_an_error_go_first_and_the_status_is_the_last(self):
        client = self.connect()
        client.send_bytes(delimited(ping_of_size(60)) + delimited(b"\x00\x01"))
        before = self.assert_ended_by_error(client, INVALID_ARGUMENT)
        self.assertEqual([frame.call for frame in before], [1])

    def test_frames_behind_an_error_are_not_looked_at(self):
        client = self.connect()
        client.send_bytes(delimited(b"\x00\x01") + delimited(ping_of_size(60)))
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_the_status_arrives_however_much_follows_the_error(self):
        client = self.connect()
        client.send_bytes(_VarintBytes(FRAME_LIMIT + 1))
        client.send_bytes(b"x" * 512 * 1024)
        self.assertEqual(self.assert_ended_by_error(client, RESOURCE_EXHAUSTED), [])

    def test_open_calls_are_dropped_without_an_answer_by_an_error(self):
        client = self.connect()
        stream = client.joined(self.room, "someone")
        client.send_bytes(delimited(b"\x00\x01"))
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])
        self.assertNotEqual(stream.call, 0)

    def test_a_status_on_call_0_ends_the_connection_unanswered(self):
        client = self.connect()
        client.send(call=0, status=Status(code=1))
        self.assertEqual(client.rest(), [])

    def test_anything_else_on_call_0_is_ignored(self):
        client = self.connect()
        client.send(call=0, message=b"")
        client.send(call=0, method=PING, message=b"\xff")
        client.send(call=0, end=True, credit=7, timeout_ms=1)
        client.send(call=0, method="no.Such/Method")
        self.assert_alive(client)


class EndsOfStreams(BesideABystander):
    def test_calls_received_before_the_end_of_stream_are_answered(self):
        client = self.connect()
        calls = [client.open(PING, services.PingRequest(payload=b"%d" % each)) for each in range(100)]
        client.end_sending()
        answers = {frame.call: frame for frame in client.rest()}
        self.assertEqual(sorted(answers), calls)
        self.assertTrue(all(frame.end for frame in answers.values()))

    def test_an_end_of_stream_cancels_streams_without_a_further_frame(self):
        watcher = self.connect().joined(self.room)
        client = self.connect()
        client.joined(self.room, "leaving")
        client.end_sending()
        self.assertEqual(client.rest(), [])
        self.assertEqual([event.WhichOneof("event") for event in watcher.until("left")], ["joined", "left"])

    def test_an_end_of_stream_inside_a_frame_drops_that_frame(self):
        client = self.connect()
        client.send_bytes(delimited(ping_of_size(60, call=1)) + delimited(ping_of_size(60, call=3))[:30])
        client.end_sending()
        self.assertEqual([frame.call for frame in client.rest()], [1])

    def test_an_end_of_stream_without_any_frame_just_ends(self):
        client = self.connect()
        client.end_sending()
        self.assertEqual(client.rest(), [])

    def test_a_reset_inside_a_frame_ends_what_the_connection_held(self):
        watcher = self.connect().joined(self.room)
        client = self.connect()
        client.joined(self.room, "breaking")
        client.send_bytes(delimited(ping_of_size(60))[:30])
        client.reset()
        self.assertEqual([event.WhichOneof("event") for event in watcher.until("left")], ["joined", "left"])

    def test_resets_inside_a_frame_by_the_hundred_disturb_nobody(self):
        for _ in range(100):
            client = self.connect()
            client.send_bytes(delimited(ping_of_size(60))[:30])
            client.reset()
        self.assert_alive(self.connect())

    def test_connections_that_say_nothing_disturb_nobody(self):
        silent = [self.connect() for _ in range(100)]
        self.assert_alive(self.connect())
        for client in silent:
            client.socket.setblocking(False)
            with self.assertRaises(BlockingIOError):
                client.socket.recv(1, socket.MSG_PEEK)


if __name__ == "__main__":
    main()
