"""A client of the wire protocol, written from its page alone, with nothing but Python and the protobuf runtime.

Every wait has a deadline; nothing sleeps. "No frame came" is shown by a fence: a Ping sent behind, whose answer comes first.
"""

import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.internal.encoder import _VarintBytes

from switchboard.chat.v1 import chat_pb2 as chat
from switchboard.v1 import services_pb2 as services
from switchboard.v1.frame_pb2 import Frame, Metadata, Status

DEADLINE = 20.0  # seconds for anything that must happen; sanitizers are slow
FRAME_LIMIT = 1024 * 1024
CREDIT_CAP = 2**32 - 1

OK = 0
CANCELLED = 1
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
UNAVAILABLE = 14
UNAUTHENTICATED = 16

PING = "switchboard.v1.Session/Ping"
AUTHENTICATE = "switchboard.v1.Session/Authenticate"
HEALTH = "switchboard.v1.Health/Check"
WATCH = "switchboard.v1.Health/Watch"
DESCRIBE = "switchboard.v1.Reflection/Describe"
JOIN = "switchboard.chat.v1.Chat/Join"
PUBLISH = "switchboard.chat.v1.Chat/Publish"
HISTORY = "switchboard.chat.v1.Chat/History"
LIST_ROOMS = "switchboard.chat.v1.Chat/ListRooms"
LIST_MEMBERS = "switchboard.chat.v1.Chat/ListMembers"
SAY = "switchboard.echo.v1.Echo/Say"
REPEAT = "switchboard.echo.v1.Echo/Repeat"

REPLIES = {
    PING: services.PingReply,
    AUTHENTICATE: services.AuthenticateReply,
    HEALTH: services.HealthReply,
    DESCRIBE: services.DescribeReply,
    PUBLISH: chat.PublishReply,
    HISTORY: chat.HistoryReply,
    LIST_ROOMS: chat.ListRoomsReply,
    LIST_MEMBERS: chat.ListMembersReply,
}


class Refused(Exception):
    """A call that ended with a status other than OK."""

    def __init__(self, status):
        super().__init__(f"status {status.code}: {status.message}")
        self.code = status.code


class Ended(Exception):
    """The server ended the stream of bytes."""


def delimited(frame):
    """A frame's bytes on the wire."""
    content = frame if isinstance(frame, bytes) else frame.SerializeToString()
    return _VarintBytes(len(content)) + content


def pairs(content):
    """Keys and values as a frame's metadata."""
    return [Metadata(key=key, value=value) for key, value in content]


def pairs_of(frame):
    """A frame's metadata as keys and values."""
    return [(pair.key, pair.value) for pair in frame.metadata]


class Connection:
    """One connection, made or accepted; frames that were not asked for yet are kept in the order they came."""

    def __init__(self, end, receive_buffer=None):
        """`end`: the address of a server, or the socket of a client that was accepted."""
        accepted = isinstance(end, socket.socket)
        self.socket = end if accepted else socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        if not accepted:
            self.socket.connect(end)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = bytearray()
        self.frames = []
        self.next_call = 1

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection by a reset instead of an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    # Sending

    def send_bytes(self, content):
        self.socket.sendall(content)

    def send(self, **fields):
        self.send_bytes(delimited(Frame(**fields)))

    def take_number(self):
        call = self.next_call
        self.next_call += 2
        return call

    def opening(self, method, request=None, call=None, **fields):
        """The opening frame of a call and its number."""
        call = self.take_number() if call is None else call
        self.next_call = max(self.next_call, call + 1 | 1)
        frame = Frame(call=call, method=method, **fields)
        if request is not None:
            frame.message = request if isinstance(request, bytes) else request.SerializeToString()
        return call, frame

    def open(self, method, request=None, call=None, **fields):
        call, frame = self.opening(method, request, call, **fields)
        self.send_bytes(delimited(frame))
        return call

    # Receiving

    def read_frame(self):
        """The next frame off the wire; Ended at an orderly end of stream."""
        while True:
            frame = self.decode()
            if frame is not None:
                return frame
            chunk = self.socket.recv(256 * 1024)
            if not chunk:
                if self.bytes:
                    raise AssertionError(f"the stream ended inside a frame: {bytes(self.bytes[:40])}")
                raise Ended()
            self.bytes += chunk

    def decode(self):
        try:
            size, start = _DecodeVarint32(self.bytes, 0)
        except IndexError:
            return None
        if len(self.bytes) < start + size:
            return None
        frame = Frame.FromString(bytes(self.bytes[start : start + size]))
        del self.bytes[: start + size]
        return frame

    def next(self, call=None):
        """The next frame, of `call` where that is given."""
        for place, frame in enumerate(self.frames):
            if call is None or frame.call == call:
                return self.frames.pop(place)
        while True:
            frame = self.read_frame()
            if call is None or frame.call == call:
                return frame
            self.frames.append(frame)

    def rest(self):
        """All frames until the end of stream."""
        frames, self.frames = self.frames, []
        while True:
            try:
                frames.append(self.read_frame())
            except Ended:
                return frames

    def fence(self):
        """What came before the answer to a Ping that is sent now."""
        call = self.open(PING)
        frames, self.frames = self.frames, []
        while True:
            frame = self.read_frame()
            if frame.call == call:
                return frames
            frames.append(frame)

    # Calls

    def answer(self, call, reply_type):
        frame = self.next(call)
        if frame.HasField("status") and frame.status.code != OK:
            raise Refused(frame.status)
        if not frame.end:
            raise AssertionError(f"a unary answer without end: {frame}")
        return reply_type.FromString(frame.message)

    def call(self, method, request=None, **fields):
        return self.answer(self.open(method, request, **fields), REPLIES[method])

    def join(self, room, nickname="", credit=1000, **fields):
        timeout_ms = fields.pop("timeout_ms", 0)
        request = chat.JoinRequest(room=room, nickname=nickname, **fields)
        return Stream(self, self.open(JOIN, request, credit=credit, timeout_ms=timeout_ms))

    def joined(self, room, nickname="", **fields):
        """A stream that has caught up."""
        stream = self.join(room, nickname, **fields)
        stream.until("caught_up")
        return stream

    def publish(self, room, text="", client_message_id=""):
        return self.call(PUBLISH, chat.PublishRequest(room=room, text=text, client_message_id=client_message_id))

    def publish_all(self, room, texts, ids=None):
        """Publishes many, most of them without waiting for the one before; the replies in order."""
        ids = [""] * len(texts) if ids is None else ids
        requests = [chat.PublishRequest(room=room, text=text, client_message_id=id) for text, id in zip(texts, ids)]
        replies = []
        for start in range(0, len(requests), 1000):
            opened = [self.opening(PUBLISH, request) for request in requests[start : start + 1000]]
            self.send_bytes(b"".join(delimited(frame) for _, frame in opened))
            replies += [self.answer(call, chat.PublishReply) for call, _ in opened]
        return replies

    def history(self, room, **fields):
        return self.call(HISTORY, chat.HistoryRequest(room=room, **fields))

    def rooms(self, **fields):
        return self.call(LIST_ROOMS, chat.ListRoomsRequest(**fields))

    def members(self, room, **fields):
        return self.call(LIST_MEMBERS, chat.ListMembersRequest(room=room, **fields))


class Stream:
    """The events of one Join."""

    def __init__(self, connection, call):
        self.connection = connection
        self.call = call

    def event(self):
        """The next event; Refused where the stream ended with a status."""
        frame = self.connection.next(self.call)
        if frame.HasField("status"):
            raise Refused(frame.status)
        if frame.end or not frame.HasField("message"):
            raise AssertionError(f"not an event: {frame}")
        return chat.RoomEvent.FromString(frame.message)

    def until(self, kind):
        """Events up to the first of that kind, which is the last of them."""
        events = [self.event()]
        while events[-1].WhichOneof("event") != kind:
            events.append(self.event())
        return events

    def messages(self, count):
        """The next `count` messages, whatever comes between."""
        return [self.until("message")[-1].message for _ in range(count)]

    def grant(self, credit):
        self.connection.send(call=self.call, credit=credit)

    def cancel(self):
        self.connection.send(call=self.call, status=Status(code=CANCELLED))


def told(event):
    """An event in short: what a test compares."""
    kind = event.WhichOneof("event")
    content = getattr(event, kind)
    if kind == "message":
        return (kind, content.sequence)
    if kind == "caught_up":
        return (kind, content.sequence)
    if kind == "gap":
        return (kind, getattr(content, "from"), content.to, content.reason)
    return (kind, content.nickname)


class Broker:
    """A server on a port of its own: a chat broker, or what `program` names in the environment."""

    def __init__(self, *arguments, program="CHAT_BROKER"):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ[program], "--listen", "127.0.0.1:0", "--threads", "2", "--port", os.environ["PORT"], *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        line = self.first_line()
        if not line.startswith("listening on "):
            self.process.kill()
            raise AssertionError(f"the broker said {line!r} and logged:\n{self.logged()}")
        host, port = line[len("listening on ") :].rsplit(":", 1)
        self.address = (host, int(port))

    def first_line(self):
        line, deadline = b"", time.monotonic() + DEADLINE
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            byte = os.read(self.process.stdout.fileno(), 1) if readable else b""
            if not byte:
                break
            line += byte
        return line.decode().rstrip("\n")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit status."""
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the broker did not end; it logged:\n{self.logged()}") from None
        finally:
            self.process.stdout.close()

    def stop(self):
        """The exit status after a signal, or of the end it has come to already."""
        if self.process.returncode is None:
            self.signal()
            self.wait()
        return self.process.returncode

    def forget(self):
        """After a test: lets go of everything, whatever state it is in."""
        try:
            self.stop()
        finally:
            self.log.close()

    def log_bytes(self):
        return os.fstat(self.log.fileno()).st_size

    def logged(self, begin=0):
        """From a byte on. The broker writes at the file's position, which stays where it is."""
        return os.pread(self.log.fileno(), self.log_bytes() - begin, begin).decode(errors="replace")


class ConformanceTest(unittest.TestCase):
    """Gives each class a broker, each test connections to it and a room of its own; the broker must end with status 0."""

    broker_arguments = ()
    program = "CHAT_BROKER"

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(*cls.broker_arguments, program=cls.program)

    @classmethod
    def tearDownClass(cls):
        cls.addClassCleanup(cls.broker.forget)
        status = cls.broker.stop()
        if status != 0:
            raise AssertionError(f"the broker ended with status {status} and logged:\n{cls.broker.logged()}")

    def setUp(self):
        self.room = self.id().rsplit(".", 1)[-1][:100]

    def connect(self, **options):
        connection = Connection(self.broker.address, **options)
        self.addCleanup(connection.close)
        return connection

    def assert_status(self, frame, code, call=None):
        self.assertTrue(frame.HasField("status"), f"no status in {frame}")
        self.assertEqual(frame.status.code, code, frame.status.message)
        if call is not None:
            self.assertEqual(frame.call, call)

    def assert_refused(self, code, act, *arguments, **fields):
        with self.assertRaises(Refused) as refused:
            act(*arguments, **fields)
        self.assertEqual(refused.exception.code, code, str(refused.exception))

    def assert_join_refused(self, code, connection, room, nickname="", **fields):
        self.assert_refused(code, connection.join(room, nickname, **fields).event)

    def assert_ended_by_error(self, connection, code):
        """The last frame is a status on call 0, and then the stream ends."""
        frames = connection.rest()
        self.assertTrue(frames, "the connection ended without a word")
        self.assert_status(frames[-1], code, call=0)
        return frames[:-1]

    def assert_alive(self, connection):
        self.assertEqual(connection.fence(), [])


class BesideABystander(ConformanceTest):
    """For tests that misbehave: another client sits in a room meanwhile, and must be served as if nothing were."""

    def setUp(self):
        super().setUp()
        self.bystander = self.connect()
        self.bystander_room = self.room + ".bystander"
        self.bystander_stream = self.bystander.joined(self.bystander_room, "bystander")

    def tearDown(self):
        reply = self.bystander.publish(self.bystander_room, "undisturbed")
        message = self.bystander_stream.event().message
        self.assertEqual((message.sequence, message.text), (reply.sequence, "undisturbed"))
        self.assertEqual(self.bystander.fence(), [])
        super().tearDown()


def main():
    unittest.main(verbosity=2)
