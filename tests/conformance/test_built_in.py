"""The services that every server has."""

from google.protobuf import descriptor_pool

from protocol_client import AUTHENTICATE, DESCRIBE, HEALTH, PING, BesideABystander, main
from switchboard.v1 import services_pb2 as services

CHAT = "switchboard.chat.v1.Chat"
BUILT_IN = ["switchboard.v1.Health", "switchboard.v1.Reflection", "switchboard.v1.Session"]


class BuiltInServices(BesideABystander):
    def test_ping_answers_with_the_payload(self):
        client = self.connect()
        for payload in (b"", b"\x00\xff", b"x" * 100_000):
            self.assertEqual(client.call(PING, services.PingRequest(payload=payload)).payload, payload)

    def test_health_of_the_whole_server_is_serving(self):
        self.assertEqual(self.connect().call(HEALTH).serving, services.HealthReply.SERVING)

    def test_health_of_a_service_that_is_served_is_serving(self):
        client = self.connect()
        for service in [CHAT, *BUILT_IN]:
            with self.subTest(service):
                reply = client.call(HEALTH, services.HealthRequest(service=service))
                self.assertEqual(reply.serving, services.HealthReply.SERVING)

    def test_health_of_a_service_that_is_not_served_is_unknown(self):
        client = self.connect()
        for service in ("no.such.Service", "Chat", CHAT + "/Join", "switchboard.chat.v1"):
            with self.subTest(service):
                reply = client.call(HEALTH, services.HealthRequest(service=service))
                self.assertEqual(reply.serving, services.HealthReply.UNKNOWN)

    def test_authenticate_answers_with_an_empty_identity_where_none_is_demanded(self):
        client = self.connect()
        for token in ("", "any"):
            self.assertEqual(client.call(AUTHENTICATE, services.AuthenticateRequest(token=token)).identity, "")

    def test_describe_names_every_service(self):
        self.assertEqual(sorted(self.connect().call(DESCRIBE).services), sorted([CHAT, *BUILT_IN]))

    def test_describe_gives_every_file_after_what_it_imports(self):
        seen = set()
        for file in self.connect().call(DESCRIBE).files.file:
            self.assertLessEqual(set(file.dependency), seen, file.name)
            self.assertNotIn(file.name, seen)
            seen.add(file.name)

    def test_describe_gives_all_that_a_generic_client_needs(self):
        pool = descriptor_pool.DescriptorPool()
        reply = self.connect().call(DESCRIBE)
        for file in reply.files.file:
            pool.Add(file)
        for service in reply.services:
            self.assertTrue(pool.FindServiceByName(service).methods)
        join = pool.FindServiceByName(CHAT).FindMethodByName("Join")
        self.assertEqual(join.output_type.full_name, "switchboard.chat.v1.RoomEvent")
        declared = {}
        for file in reply.files.file:
            for service in file.service:
                for method in service.method:
                    declared[f"{file.package}.{service.name}/{method.name}"] = method.server_streaming
        self.assertTrue(declared[CHAT + "/Join"])
        self.assertFalse(declared[CHAT + "/Publish"])


if __name__ == "__main__":
    main()
