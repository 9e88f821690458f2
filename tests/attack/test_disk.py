"""What is on the disk, where others write to it, or it lies."""

import os
import sqlite3
import stat
import subprocess
import tempfile
import unittest

from attack import WatchedBroker, delimited, protocol
from protocol_client import chat

DATA_LOSS = 15


class Disk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="switchboard-attack-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = self.folder + "/data"

    def start_broker(self):
        broker = WatchedBroker("--data", self.data, "--durability", "written")
        self.addCleanup(broker.forget)
        return broker

    def connect(self, broker):
        connection = protocol.Connection(broker.address)
        self.addCleanup(connection.close)
        return connection

    def store(self, texts):
        broker = self.start_broker()
        connection = self.connect(broker)
        connection.joined("lobby", "ann")
        connection.publish_all("lobby", texts)
        self.assertEqual(broker.stop(), 0)

    def damage(self, statement):
        with sqlite3.connect(self.data + "/rooms.db") as database:
            database.execute(statement)
        database.close()

    def tool(self, *arguments, content=b""):
        tool = [os.environ["CHAT_BROKER"], *arguments, "--data", self.data]
        return subprocess.run(tool, input=content, capture_output=True, timeout=protocol.DEADLINE)

    def assert_data_loss(self, call, *arguments, **fields):
        with self.assertRaises(protocol.Refused) as refused:
            call(*arguments, **fields)
        self.assertEqual(refused.exception.code, DATA_LOSS, str(refused.exception))

    def test_other_users_cannot_open_the_data_directory(self):
        # Whatever the user's mask lets through.
        self.addCleanup(os.umask, os.umask(0))
        self.start_broker()
        self.assertEqual(stat.S_IMODE(os.stat(self.data).st_mode), 0o700)
        for name in os.listdir(self.data):
            self.assertEqual(stat.S_IMODE(os.stat(f"{self.data}/{name}").st_mode), 0o600, name)

    def test_a_link_in_its_place_costs_no_other_file_anything(self):
        os.mkdir(self.data)
        for name in ("lock", "rooms.db", "rooms.db-wal", "rooms.db-shm"):
            with open(self.folder + "/precious", "w", encoding="ascii") as precious:
                precious.write("precious")
            os.symlink(self.folder + "/precious", f"{self.data}/{name}")
            with self.assertRaises(AssertionError) as refused:
                self.start_broker()
            self.assertIn("is not a file of ours", str(refused.exception))
            with open(self.folder + "/precious", encoding="ascii") as precious:
                self.assertEqual(precious.read(), "precious", name)
            os.unlink(f"{self.data}/{name}")

    def test_an_import_that_meets_what_is_no_message_says_so(self):
        message = delimited(chat.ChatMessage(sender="ann", text="hello").SerializeToString())
        for bad in (b"\xff" * 10, b"\x80", b"\x02zz"):
            result = self.tool("import", "lobby", "--format", "delimited", content=3 * message + bad)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"at byte {3 * len(message)}: ".encode(), result.stderr)
            self.assertIn(b"3 messages were taken", result.stderr)

    def test_an_export_misses_no_message_for_a_wrong_index(self):
        self.store(["hello"] * 20)
        self.damage("UPDATE rooms SET first = 21")
        result = self.tool("export", "lobby")
        self.assertEqual((result.returncode, len(result.stdout.splitlines())), (1, 20))
        self.assertEqual(self.tool("check").returncode, 1)

    def test_a_room_with_a_wrong_index_does_not_start_as_if_it_were_whole(self):
        self.store(["hello"] * 20)
        self.damage("UPDATE rooms SET first = 21")
        connection = self.connect(self.start_broker())
        self.assert_data_loss(connection.history, "lobby")
        self.assert_data_loss(connection.join("lobby", "bob").event)
        self.assert_data_loss(connection.publish, "lobby", "hi")
        connection.joined("another", "bob")
        self.assertEqual(connection.publish("another", "hi").sequence, 1)

    def test_a_message_that_the_disk_has_changed_is_no_message(self):
        self.store(["hello"] * 20)
        changed = "CAST(replace(CAST(body AS TEXT), 'hello', 'jello') AS BLOB)"
        self.damage(f"UPDATE messages SET body = {changed} WHERE sequence = 7")
        self.assertIn(b"message 7: damaged", self.tool("check").stderr)
        result = self.tool("export", "lobby")
        self.assertEqual((result.returncode, len(result.stdout.splitlines())), (1, 19))
        connection = self.connect(self.start_broker())
        self.assert_data_loss(connection.history, "lobby")


if __name__ == "__main__":
    unittest.main()
