"""Health/Watch: the state now, then each change."""

import unittest

from protocol_client import (
    CANCELLED,
    HEALTH,
    INVALID_ARGUMENT,
    LIST_ROOMS,
    PING,
    RESOURCE_EXHAUSTED,
    SAY,
    UNAVAILABLE,
    WATCH,
    BesideABystander,
    Broker,
    Connection,
    delimited,
    main,
)
from switchboard.echo.v1 import echo_pb2 as echo
from switchboard.v1 import services_pb2 as services
from switchboard.v1.frame_pb2 import Status

OPEN_CALLS_MAX = 4096
UNKNOWN, SERVING, NOT_SERVING = (
    services.HealthReply.UNKNOWN,
    services.HealthReply.SERVING,
    services.HealthReply.NOT_SERVING,
)


def watch(client, service="", credit=10):
    return client.open(WATCH, services.HealthRequest(service=service), credit=credit)


def state_in(frame):
    if not frame.HasField("message") or frame.end:
        raise AssertionError(f"not a state: {frame}")
    return services.HealthReply.FromString(frame.message).serving


class HealthWatch(BesideABystander):
    def test_tells_the_state_now_and_stays_open(self):
        client = self.connect()
        for service in ("", "switchboard.chat.v1.Chat", "switchboard.v1.Health"):
            with self.subTest(service):
                self.assertEqual(state_in(client.next(watch(client, service))), SERVING)
        self.assert_alive(client)

    def test_of_a_service_that_is_not_served_says_unknown_and_stays_open(self):
        client = self.connect()
        for service in ("no.such.Service", "Chat", "switchboard.chat.v1.Chat/Join"):
            with self.subTest(service):
                self.assertEqual(state_in(client.next(watch(client, service))), UNKNOWN)
        self.assert_alive(client)

    def test_waits_for_credit(self):
        client = self.connect()
        call = watch(client, credit=0)
        self.assert_alive(client)
        client.send(call=call, credit=1)
        self.assertEqual(state_in(client.next(call)), SERVING)

    def test_may_be_cancelled(self):
        client = self.connect()
        call = watch(client)
        client.next(call)
        client.send(call=call, status=Status(code=CANCELLED))
        self.assert_alive(client)

    def test_refuses_a_request_that_does_not_parse(self):
        client = self.connect()
        call = client.open(WATCH, b"\xff", credit=1)
        self.assert_status(client.next(), INVALID_ARGUMENT, call=call)

    def test_counts_as_an_open_call_alone_among_the_built_in_ones(self):
        client = self.connect()
        opened = [client.opening(WATCH) for _ in range(OPEN_CALLS_MAX)]
        client.send_bytes(b"".join(delimited(frame) for _, frame in opened))
        self.assert_alive(client)
        for method in (WATCH, LIST_ROOMS):
            with self.subTest(method):
                call = client.open(method)
                self.assert_status(client.next(), RESOURCE_EXHAUSTED, call=call)
        self.assertEqual(client.call(HEALTH).serving, SERVING)
        client.call(PING)
        client.send(call=opened[0][0], status=Status(code=CANCELLED))
        self.assertEqual(state_in(client.next(watch(client))), SERVING)


class HealthWatchWhileDraining(unittest.TestCase):
    def start(self, *arguments, program="CHAT_BROKER"):
        self.broker = Broker(*arguments, program=program)
        self.addCleanup(self.broker.forget)
        return self.connect()

    def connect(self):
        client = Connection(self.broker.address)
        self.addCleanup(client.close)
        return client

    def assert_ends(self, frame, call):
        self.assertEqual((frame.call, frame.status.code), (call, UNAVAILABLE), frame)

    def test_says_not_serving_and_ends_with_unavailable(self):
        client = self.start()
        call = watch(client)
        self.assertEqual(state_in(client.next(call)), SERVING)
        self.broker.signal()
        frames = client.rest()
        self.assertEqual(state_in(frames[0]), NOT_SERVING)
        self.assert_ends(frames[1], call)
        self.assertEqual(len(frames), 2)
        client.close()
        self.assertEqual(self.broker.wait(), 0)

    def test_without_credit_ends_with_unavailable_alone(self):
        client = self.start()
        call = watch(client, credit=1)
        client.next(call)
        self.broker.signal()
        frames = client.rest()
        self.assertEqual(len(frames), 1)
        self.assert_ends(frames[0], call)

    def test_lasts_until_the_drains_end_and_is_taken_meanwhile(self):
        client = self.start("--drain-timeout", "2s", program="CONFORMANCE_SERVER")
        held = client.open(SAY, echo.SayRequest(payload=b"hold"))
        early = watch(client)
        waiting = watch(client, credit=0)
        self.assertEqual(state_in(client.next(early)), SERVING)
        self.broker.signal()
        self.assertEqual(state_in(client.next(early)), NOT_SERVING)
        # The held call keeps the drain going.
        late = watch(client)
        self.assertEqual(state_in(client.next(late)), NOT_SERVING)
        self.assertEqual(client.call(HEALTH).serving, NOT_SERVING)
        refused = client.open(SAY, echo.SayRequest())
        self.assert_ends(client.next(refused), refused)
        # Of two states without credit the newest is kept.
        client.send(call=waiting, credit=10)
        self.assertEqual(state_in(client.next(waiting)), NOT_SERVING)
        last = client.rest()
        self.assertEqual({frame.call for frame in last}, {held, early, waiting, late})
        for frame in last:
            self.assert_ends(frame, frame.call)
        client.close()
        self.assertEqual(self.broker.wait(), 0)

    def test_of_a_service_that_is_not_served_goes_on_until_the_drains_end(self):
        client = self.start()
        call = watch(client, "no.such.Service")
        self.assertEqual(state_in(client.next(call)), UNKNOWN)
        self.broker.signal()
        self.assert_ends(client.rest()[-1], call)


if __name__ == "__main__":
    main()
