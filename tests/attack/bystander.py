"""A well-behaved client: one connection publishes, another reads, one message at a time; and how long each took."""

import selectors
import time

import protocol_client as protocol
from protocol_client import Connection, chat, delimited


def milliseconds(seconds):
    return seconds * 1000


def percentile(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Bystander:
    room = "quiet"

    def __init__(self, address):
        self.publisher = Connection(address)
        self.publisher.joined(self.room, "publisher", credit=1)
        self.reader = Connection(address)
        self.stream = self.reader.joined(self.room, "reader", credit=protocol.CREDIT_CAP)
        self.ready = selectors.DefaultSelector()
        for connection in (self.publisher, self.reader):
            connection.socket.setblocking(False)
            self.ready.register(connection.socket, selectors.EVENT_READ, connection)
        self.acknowledged = 0
        self.forget()

    def close(self):
        self.ready.close()
        self.publisher.close()
        self.reader.close()

    def forget(self):
        """What was measured so far."""
        self.replies = []
        self.deliveries = []

    @property
    def published(self):
        return len(self.replies)

    def publish(self):
        """One message, until it is acknowledged and delivered."""
        call, frame = self.publisher.opening(protocol.PUBLISH, chat.PublishRequest(room=self.room, text="still here"))
        began = time.monotonic()
        self.publisher.socket.sendall(delimited(frame))
        reply = delivered = None
        while reply is None or delivered is None:
            for connection, frame in self.arrived(began + protocol.DEADLINE):
                took = time.monotonic() - began
                if connection is self.publisher and frame.call == call:
                    if frame.HasField("status"):
                        raise protocol.Refused(frame.status)
                    reply = chat.PublishReply.FromString(frame.message)
                    self.replies.append(took)
                elif connection is self.reader and frame.call == self.stream.call:
                    event = chat.RoomEvent.FromString(frame.message)
                    if event.HasField("message"):
                        delivered = event.message.sequence
                        self.deliveries.append(took)
        if delivered != reply.sequence or reply.sequence != self.acknowledged + 1:
            raise AssertionError(f"message {delivered} was delivered, {reply.sequence} acknowledged after {self.acknowledged}")
        self.acknowledged = reply.sequence

    def arrived(self, deadline):
        """Frames that have come, each with its connection; waits for one."""
        found = []
        while not found:
            ready = self.ready.select(max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError("a well-behaved client is not served any more")
            for key, _ in ready:
                chunk = key.data.socket.recv(64 * 1024)
                if not chunk:
                    raise protocol.Ended()
                key.data.bytes += chunk
                while (frame := key.data.decode()) is not None:
                    found.append((key.data, frame))
        return found

    def longest(self):
        return max(max(self.replies), max(self.deliveries))

    def p99(self):
        """Of publishes and of deliveries, in milliseconds."""
        return milliseconds(percentile(self.replies, 0.99)), milliseconds(percentile(self.deliveries, 0.99))

    def summary(self):
        row = {"published": self.published}
        for name, times in (("publish", self.replies), ("delivery", self.deliveries)):
            row[f"{name} p50"] = milliseconds(percentile(times, 0.5))
            row[f"{name} p99"] = milliseconds(percentile(times, 0.99))
            row[f"{name} longest"] = milliseconds(max(times))
        return row
