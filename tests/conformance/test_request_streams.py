"""Streams of requests: who grants, who ends, and what is one message too many."""

from protocol_client import (
    CANCELLED,
    DEADLINE_EXCEEDED,
    INVALID_ARGUMENT,
    OUT_OF_RANGE,
    RESOURCE_EXHAUSTED,
    ConformanceTest,
    main,
)
from switchboard.summer.v1 import summer_pb2 as summer

SUM = "switchboard.summer.v1.Summer/Sum"


def number(value):
    return summer.Number(value=value).SerializeToString()


class RequestStreams(ConformanceTest):
    program = "SUMMER_SERVER"

    def opened(self, connection, **fields):
        """A call whose server has granted credit: the number of the call, and how much."""
        call = connection.open(SUM, **fields)
        return call, connection.next(call).credit

    def test_the_server_grants_first(self):
        client = self.connect()
        _, credit = self.opened(client)
        self.assertGreater(credit, 0)

    def test_the_reply_comes_behind_the_end(self):
        client = self.connect()
        call, _ = self.opened(client)
        for value in (1, 2, 39):
            client.send(call=call, message=number(value))
        self.assert_alive(client)
        client.send(call=call, end=True)
        total = client.answer(call, summer.Total)
        self.assertEqual((total.sum, total.count), (42, 3))

    def test_the_last_message_may_carry_the_end(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send(call=call, message=number(7), end=True)
        self.assertEqual(client.answer(call, summer.Total).sum, 7)

    def test_an_opening_frame_may_carry_the_end_of_an_empty_stream(self):
        client = self.connect()
        call = client.open(SUM, end=True)
        frame = client.next(call)
        while frame.credit and not frame.end:
            frame = client.next(call)
        self.assertEqual(summer.Total.FromString(frame.message).count, 0)

    def test_an_empty_message_is_one(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send(call=call, message=b"")
        client.send(call=call, end=True)
        self.assertEqual(client.answer(call, summer.Total).count, 1)

    def test_credit_comes_again_as_messages_are_taken(self):
        client = self.connect()
        call, credit = self.opened(client)
        for i in range(10 * credit):
            while credit == 0:
                credit += client.next(call).credit
            client.send(call=call, message=number(1))
            credit -= 1
        client.send(call=call, end=True)
        frame = client.next(call)
        while frame.credit:
            frame = client.next(call)
        self.assertGreaterEqual(summer.Total.FromString(frame.message).sum, 10)

    def test_a_message_on_the_opening_frame_is_beyond_the_credit(self):
        client = self.connect()
        call = client.open(SUM, number(1))
        self.assert_status(client.next(call), RESOURCE_EXHAUSTED, call)
        self.assert_alive(client)

    def test_a_message_beyond_the_credit_ends_its_call_alone(self):
        client = self.connect()
        other, _ = self.opened(client)
        call, credit = self.opened(client)
        burst = b"".join(self.delimited(call=call, message=number(1)) for _ in range(4 * credit))
        client.send_bytes(burst)
        frame = client.next(call)
        while frame.credit:
            frame = client.next(call)
        self.assert_status(frame, RESOURCE_EXHAUSTED, call)
        client.send(call=other, message=number(5), end=True)
        self.assertEqual(client.answer(other, summer.Total).sum, 5)

    @staticmethod
    def delimited(**fields):
        from protocol_client import Frame, delimited

        return delimited(Frame(**fields))

    def test_a_message_behind_the_end_is_beyond_the_credit(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send_bytes(self.delimited(call=call, end=True) + self.delimited(call=call, message=number(1)))
        # The answer may have been on its way already; then the message is for a call that has ended, and is ignored.
        frame = client.next(call)
        if frame.HasField("status"):
            self.assert_status(frame, RESOURCE_EXHAUSTED, call)
        self.assert_alive(client)

    def test_a_repeated_end_is_ignored(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send_bytes(self.delimited(call=call, end=True) * 2)
        self.assertEqual(client.answer(call, summer.Total).count, 0)
        self.assert_alive(client)

    def test_a_cancel_ends_the_call_without_a_word(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send(call=call, status={"code": CANCELLED})
        self.assert_alive(client)
        client.send(call=call, message=number(1))
        self.assert_alive(client)

    def test_a_deadline_ends_it(self):
        client = self.connect()
        call, _ = self.opened(client, timeout_ms=50)
        self.assert_status(client.next(call), DEADLINE_EXCEEDED, call)

    def test_a_failure_comes_before_the_clients_end_and_ends_the_call(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send(call=call, message=number(2**63 - 1))
        client.send(call=call, message=number(1))
        self.assert_status(client.next(call), OUT_OF_RANGE, call)
        # What was on its way is ignored.
        client.send(call=call, message=number(1))
        client.send(call=call, end=True)
        self.assert_alive(client)

    def test_a_message_that_does_not_parse_ends_the_call(self):
        client = self.connect()
        call, _ = self.opened(client)
        client.send(call=call, message=b"\xff")
        self.assert_status(client.next(call), INVALID_ARGUMENT, call)
        self.assert_alive(client)

    def test_calls_beside_each_other_are_independent(self):
        client = self.connect()
        calls = [self.opened(client)[0] for _ in range(10)]
        for i, call in enumerate(calls):
            client.send(call=call, message=number(i))
        for i, call in reversed(list(enumerate(calls))):
            client.send(call=call, end=True)
            self.assertEqual(client.answer(call, summer.Total).sum, i)

    def test_an_end_of_stream_cancels_it(self):
        client = self.connect()
        self.opened(client)
        client.end_sending()
        self.assertEqual([frame for frame in client.rest() if not frame.credit], [])


if __name__ == "__main__":
    main()
