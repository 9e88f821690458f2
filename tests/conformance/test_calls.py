"""Calls: their numbers, answers, cancels and deadlines, and what the server says to those that cannot be."""

import time

from protocol_client import (
    CANCELLED,
    CREDIT_CAP,
    DEADLINE_EXCEEDED,
    HEALTH,
    HISTORY,
    INVALID_ARGUMENT,
    JOIN,
    LIST_ROOMS,
    NOT_FOUND,
    PING,
    PUBLISH,
    RESOURCE_EXHAUSTED,
    UNIMPLEMENTED,
    BesideABystander,
    delimited,
    main,
)
from switchboard.chat.v1 import chat_pb2 as chat
from switchboard.v1 import services_pb2 as services
from switchboard.v1.frame_pb2 import Status

OPEN_CALLS_MAX = 4096


class UnaryCalls(BesideABystander):
    def test_a_unary_call_is_answered_with_one_frame_that_ends_it(self):
        client = self.connect()
        call = client.open(PING, services.PingRequest(payload=b"abc"), end=True)
        answer = client.next()
        self.assertEqual((answer.call, answer.end, answer.HasField("status")), (call, True, False))
        self.assertEqual(services.PingReply.FromString(answer.message).payload, b"abc")
        self.assert_alive(client)

    def test_end_may_be_left_out_on_a_unary_request(self):
        client = self.connect()
        client.answer(client.open(LIST_ROOMS, chat.ListRoomsRequest()), chat.ListRoomsReply)
        client.answer(client.open(LIST_ROOMS, chat.ListRoomsRequest(), end=True), chat.ListRoomsReply)

    def test_an_end_behind_a_unary_request_is_ignored(self):
        client = self.connect()
        call = client.open(LIST_ROOMS)
        client.send(call=call, end=True)
        client.answer(call, chat.ListRoomsReply)
        self.assert_alive(client)

    def test_an_opening_frame_without_a_message_carries_the_empty_request(self):
        client = self.connect()
        call, frame = client.opening(LIST_ROOMS)
        self.assertFalse(frame.HasField("message"))
        client.send_bytes(delimited(frame))
        client.answer(call, chat.ListRoomsReply)

    def test_an_empty_message_is_the_empty_request_too(self):
        client = self.connect()
        client.answer(client.open(LIST_ROOMS, b""), chat.ListRoomsReply)

    def test_calls_may_be_sent_without_waiting_for_answers(self):
        client = self.connect()
        requests = [client.opening(method) for method in (PING, LIST_ROOMS, HEALTH) * 300]
        client.send_bytes(b"".join(delimited(frame) for _, frame in requests))
        self.assertEqual(sorted(client.next().call for _ in requests), [call for call, _ in requests])
        self.assert_alive(client)

    def test_credit_and_a_timeout_that_is_kept_change_nothing(self):
        client = self.connect()
        call = client.open(LIST_ROOMS, credit=CREDIT_CAP, timeout_ms=20_000)
        client.send(call=call, credit=CREDIT_CAP)
        client.answer(call, chat.ListRoomsReply)
        self.assert_alive(client)


class CallNumbers(BesideABystander):
    def assert_refuses_numbers(self, *calls):
        """All but the last are taken."""
        client = self.connect()
        for call in calls[:-1]:
            client.answer(client.open(PING, call=call), services.PingReply)
        client.open(PING, call=calls[-1])
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_an_even_number_ends_the_connection(self):
        self.assert_refuses_numbers(2)

    def test_a_number_used_before_ends_the_connection(self):
        self.assert_refuses_numbers(1, 1)

    def test_a_number_of_an_open_call_ends_the_connection(self):
        client = self.connect()
        stream = client.joined(self.room)
        client.open(PING, call=stream.call)
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_a_number_below_the_highest_ends_the_connection(self):
        self.assert_refuses_numbers(1, 9, 7)

    def test_gaps_are_allowed(self):
        client = self.connect()
        for call in (1, 1001, 1003, 2**40 + 1, 2**63 - 1):
            client.answer(client.open(PING, call=call), services.PingReply)

    def test_the_greatest_odd_number_is_taken(self):
        client = self.connect()
        client.answer(client.open(PING, call=2**64 - 1), services.PingReply)

    def test_a_number_counts_as_used_however_its_call_ended(self):
        for method in ("no.Such/Method", JOIN):
            with self.subTest(method):
                client = self.connect()
                call = client.open(method, b"\xff")
                self.assertTrue(client.next(call).HasField("status"))
                client.open(PING, call=call)
                self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])

    def test_a_number_is_checked_before_the_method(self):
        client = self.connect()
        client.open("no.Such/Method", call=4)
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])


class FramesForNoOpenCall(BesideABystander):
    def test_frames_for_a_number_never_opened_are_answered_not_found(self):
        client = self.connect()
        for fields in ({"message": b""}, {"end": True}, {"credit": 5}, {"timeout_ms": 5}, {}):
            with self.subTest(fields):
                client.send(call=99, **fields)
                self.assert_status(client.next(), NOT_FOUND, call=99)
        self.assert_alive(client)

    def test_a_number_of_the_servers_parity_that_it_never_opened_is_answered_not_found(self):
        client = self.connect()
        client.answer(client.open(PING, call=101), services.PingReply)
        client.send(call=2, message=b"")
        self.assert_status(client.next(), NOT_FOUND, call=2)

    def test_an_answer_of_not_found_does_not_use_the_number_up(self):
        client = self.connect()
        client.send(call=99, message=b"")
        self.assert_status(client.next(), NOT_FOUND, call=99)
        client.answer(client.open(PING, call=1), services.PingReply)
        client.answer(client.open(PING, call=99), services.PingReply)

    def test_a_frame_with_a_status_is_never_answered(self):
        client = self.connect()
        client.send(call=99, status=Status(code=CANCELLED))
        client.send(call=2, status=Status(code=CANCELLED))
        client.send(call=99, message=b"x", end=True, credit=1, status=Status())
        self.assert_alive(client)

    def test_frames_for_calls_that_have_ended_are_ignored(self):
        client = self.connect()
        ended = client.open(PING)
        client.answer(ended, services.PingReply)
        client.send(call=ended, message=b"late")
        client.send(call=ended, end=True)
        client.send(call=ended, credit=CREDIT_CAP)
        client.send(call=ended, status=Status(code=CANCELLED))
        self.assert_alive(client)

    def test_frames_for_numbers_that_were_left_out_are_ignored(self):
        client = self.connect()
        client.answer(client.open(PING, call=101), services.PingReply)
        for fields in ({"message": b""}, {"end": True}, {"credit": 5}, {"status": Status()}):
            client.send(call=51, **fields)
        self.assert_alive(client)


class RefusedCalls(BesideABystander):
    def test_an_unknown_service_is_unimplemented(self):
        client = self.connect()
        for method in ("no.such.Service/Method", "switchboard.chat.v1.chat/Join", "x"):
            with self.subTest(method):
                call = client.open(method)
                self.assert_status(client.next(), UNIMPLEMENTED, call=call)
        self.assert_alive(client)

    def test_an_unknown_method_is_unimplemented(self):
        client = self.connect()
        for method in ("Leave", "join", "", "Join/", "Join/x"):
            for service in ("switchboard.chat.v1.Chat/", "switchboard.v1.Session/"):
                with self.subTest(service + method):
                    call = client.open(service + method)
                    self.assert_status(client.next(), UNIMPLEMENTED, call=call)
        self.assert_alive(client)

    def test_odd_names_of_methods_are_unimplemented(self):
        client = self.connect()
        for method in ("/", "//", "/Join", " ", "\0", "\n", "é" * 1000, "x" * 100_000):
            with self.subTest(method[:20]):
                call = client.open(method)
                self.assert_status(client.next(), UNIMPLEMENTED, call=call)
        self.assert_alive(client)

    def test_a_request_that_does_not_parse_is_an_invalid_argument(self):
        client = self.connect()
        for method in (PING, HEALTH, JOIN, PUBLISH, HISTORY, LIST_ROOMS):
            for request in (b"\xff", b"\x00", b"\x0a\x05ab", b"\x0c"):
                with self.subTest((method, request)):
                    call = client.open(method, request, credit=10)
                    self.assert_status(client.next(), INVALID_ARGUMENT, call=call)
        self.assert_alive(client)

    def test_text_in_a_request_that_is_not_utf8_is_an_invalid_argument(self):
        client = self.connect()
        for method in (HEALTH, JOIN, PUBLISH, HISTORY):
            with self.subTest(method):
                call = client.open(method, b"\x0a\x02a\xff", credit=10)
                self.assert_status(client.next(), INVALID_ARGUMENT, call=call)
        self.assert_alive(client)

    def test_unknown_fields_in_a_request_are_skipped(self):
        client = self.connect()
        call = client.open(PING, services.PingRequest(payload=b"abc").SerializeToString() + b"\xa2\x06\x03abc")
        self.assertEqual(client.answer(call, services.PingReply).payload, b"abc")

    def test_an_opening_frame_with_a_status_uses_its_number_up_and_is_neither_run_nor_answered(self):
        client = self.connect()
        client.joined(self.room, "someone")
        call = client.open(PUBLISH, chat.PublishRequest(room=self.room, text="never"), status=Status(code=CANCELLED))
        self.assert_alive(client)
        self.assertEqual(client.history(self.room).last_sequence, 0)
        client.send(call=call, message=b"late")
        self.assert_alive(client)
        client.open(PING, call=call)
        self.assertEqual(self.assert_ended_by_error(client, INVALID_ARGUMENT), [])


class OpenCallsLimit(BesideABystander):
    def fill(self):
        """A connection with as many calls open as it may have; the streams have no credit."""
        client = self.connect()
        request = chat.JoinRequest(room=self.room)
        opened = [client.opening(JOIN, request) for _ in range(OPEN_CALLS_MAX)]
        client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
        return client, [call for call, _ in opened]

    def test_one_call_too_many_is_refused_with_resource_exhausted_and_the_others_live(self):
        client, calls = self.fill()
        refused = client.open(JOIN, chat.JoinRequest(room=self.room), credit=1)
        self.assert_status(client.next(), RESOURCE_EXHAUSTED, call=refused)
        client.send(call=calls[-1], credit=1)
        self.assertEqual(client.next().call, calls[-1])

    def test_calls_that_the_connection_answers_itself_do_not_count(self):
        client, _ = self.fill()
        client.call(PING)
        self.assertEqual(client.call(HEALTH).serving, services.HealthReply.SERVING)

    def test_a_call_that_ends_makes_room_for_another(self):
        client, calls = self.fill()
        client.send(call=calls[0], status=Status(code=CANCELLED))
        call = client.open(JOIN, chat.JoinRequest(room=self.room), credit=1)
        self.assertTrue(client.next(call).HasField("message"))

    def test_the_method_is_checked_before_the_limit_and_the_request_after(self):
        client, _ = self.fill()
        self.assert_status(client.next(client.open("no.Such/Method")), UNIMPLEMENTED)
        self.assert_status(client.next(client.open(JOIN, b"\xff")), RESOURCE_EXHAUSTED)


class CancelsAndDeadlines(BesideABystander):
    def test_a_cancel_ends_a_stream_without_an_answer(self):
        client = self.connect()
        stream = client.joined(self.room)
        stream.cancel()
        # After this reply the server has seen the cancel: frames of different connections have no order.
        self.assert_alive(client)
        publisher = self.connect()
        publisher.joined(self.room, "publisher")
        publisher.publish(self.room, "unseen")
        self.assert_alive(client)

    def test_any_status_of_the_client_ends_a_stream(self):
        client = self.connect()
        for code in (0, 1, 2, 99, -1):
            with self.subTest(code):
                watcher = self.connect().joined(self.room)
                stream = client.joined(self.room, "cancelling")
                client.send(call=stream.call, status=Status(code=code))
                self.assertEqual(watcher.until("left")[-1].left.nickname, "cancelling")
        self.assert_alive(client)

    def test_a_cancel_ends_a_stream_that_has_no_credit(self):
        client = self.connect()
        watcher = self.connect().joined(self.room)
        stream = client.join(self.room, "without credit", credit=0)
        stream.cancel()
        self.assertEqual(watcher.until("left")[-1].left.nickname, "without credit")
        self.assert_alive(client)

    def test_a_second_cancel_is_ignored(self):
        client = self.connect()
        stream = client.joined(self.room)
        stream.cancel()
        stream.cancel()
        self.assert_alive(client)

    def test_a_stream_whose_deadline_passes_ends_with_deadline_exceeded_and_not_before(self):
        watcher = self.connect().joined(self.room)
        client = self.connect()
        started = time.monotonic()
        stream = client.join(self.room, "late", timeout_ms=250)
        stream.until("caught_up")
        self.assert_refused(DEADLINE_EXCEEDED, stream.event)
        self.assertGreaterEqual(time.monotonic() - started, 0.25)
        self.assertEqual(watcher.until("left")[-1].left.nickname, "late")
        self.assert_alive(client)

    def test_a_deadline_passes_without_credit_too(self):
        client = self.connect()
        stream = client.join(self.room, credit=0, timeout_ms=50)
        self.assert_refused(DEADLINE_EXCEEDED, stream.event)

    def test_a_deadline_after_the_answer_says_nothing_more(self):
        client = self.connect()
        client.call(LIST_ROOMS, timeout_ms=200)
        # Two more of the same length have passed after it when they end.
        for _ in range(2):
            self.assert_refused(DEADLINE_EXCEEDED, client.join(self.room, credit=0, timeout_ms=200).event)
        self.assert_alive(client)

    def test_a_deadline_is_cancelled_with_its_call(self):
        client = self.connect()
        client.join(self.room, credit=0, timeout_ms=200).cancel()
        for _ in range(2):
            self.assert_refused(DEADLINE_EXCEEDED, client.join(self.room, credit=0, timeout_ms=200).event)
        self.assert_alive(client)

    def test_a_timeout_without_a_method_is_ignored(self):
        client = self.connect()
        stream = client.joined(self.room)
        client.send(call=stream.call, timeout_ms=1)
        self.assert_refused(DEADLINE_EXCEEDED, client.join(self.room, credit=0, timeout_ms=50).event)
        client.joined(self.room, "someone")
        self.assertEqual(stream.event().joined.nickname, "someone")


if __name__ == "__main__":
    main()
