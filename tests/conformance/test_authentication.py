"""A server that demands authentication, and what it answers before that."""

from protocol_client import (
    AUTHENTICATE,
    DESCRIBE,
    HEALTH,
    PING,
    SAY,
    UNAUTHENTICATED,
    WATCH,
    ConformanceTest,
    main,
    pairs,
)
from switchboard.echo.v1 import echo_pb2 as echo
from switchboard.v1 import services_pb2 as services


class Authentication(ConformanceTest):
    program = "CONFORMANCE_SERVER"
    broker_arguments = ("--token", "secret")

    def assert_unauthenticated(self, client, method, request=None, **fields):
        call = client.open(method, request, **fields)
        self.assert_status(client.next(), UNAUTHENTICATED, call=call)

    def authenticate(self, client, token):
        return client.call(AUTHENTICATE, services.AuthenticateRequest(token=token))

    def test_every_other_call_is_unauthenticated_before_it(self):
        client = self.connect()
        for method in (SAY, PING, DESCRIBE, "no.Such/Method"):
            with self.subTest(method):
                self.assert_unauthenticated(client, method)
        self.assert_unauthenticated(client, SAY, b"\xff", metadata=pairs([("Bad", b"")]))

    def test_health_of_the_whole_server_is_answered_before_it(self):
        client = self.connect()
        self.assertEqual(client.call(HEALTH).serving, services.HealthReply.SERVING)
        call = client.open(WATCH, credit=1)
        reply = services.HealthReply.FromString(client.next(call).message)
        self.assertEqual(reply.serving, services.HealthReply.SERVING)
        self.assertEqual(client.frames, [])

    def test_health_of_a_service_is_not(self):
        client = self.connect()
        for service in ("switchboard.echo.v1.Echo", "no.such.Service"):
            for method in (HEALTH, WATCH):
                with self.subTest((service, method)):
                    self.assert_unauthenticated(client, method, services.HealthRequest(service=service), credit=1)

    def test_a_token_opens_everything(self):
        client = self.connect()
        self.assertTrue(self.authenticate(client, "secret").identity)
        self.assert_alive(client)
        self.assertEqual(client.answer(client.open(SAY, echo.SayRequest(payload=b"x")), echo.SayReply).payload, b"x")
        named = services.HealthRequest(service="switchboard.echo.v1.Echo")
        self.assertEqual(client.call(HEALTH, named).serving, services.HealthReply.SERVING)

    def test_a_wrong_token_is_unauthenticated_and_another_may_be_tried(self):
        client = self.connect()
        for token in ("", "guess"):
            self.assert_refused(UNAUTHENTICATED, self.authenticate, client, token)
        self.assert_unauthenticated(client, PING)
        self.authenticate(client, "secret")
        self.assert_alive(client)

    def test_it_is_for_one_connection(self):
        self.authenticate(self.connect(), "secret")
        self.assert_unauthenticated(self.connect(), PING)


if __name__ == "__main__":
    main()
