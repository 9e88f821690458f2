"""What arrows.py finds, and what it lets pass."""

import pathlib
import tempfile
import unittest

import arrows


class Arrows(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name)
        self.links = "switchboard_net"
        self.private_links = ""

    def write(self, name, *headers):
        path = self.tree / "wire" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"#include <{header}>\n" for header in headers))

    def found(self):
        line = f"wire|{self.tree / 'wire'}|{self.links}|{self.private_links}"
        return list(arrows.check(self.tree, [line]))

    def test_lets_pass_what_is_linked(self):
        self.private_links = "switchboard_error"
        self.write("frame.hpp", "string", "switchboard/net/socket.hpp", "switchboard/wire/limits.hpp")
        self.write("frame.cpp", "switchboard/error/errc.hpp", "switchboard/wire/linux/table.hpp")
        self.assertEqual(self.found(), [])

    def test_names_the_file_and_the_line_of_what_is_not_linked(self):
        self.write("frame.hpp", "switchboard/net/socket.hpp", "caf/actor.hpp")
        self.assertEqual(self.found(), ["wire/frame.hpp:2: <caf/actor.hpp> is CAF::core's, which wire does not link"])

    def test_finds_a_public_header_that_needs_a_private_link(self):
        self.private_links = "switchboard_error"
        self.write("frame.hpp", "switchboard/net/socket.hpp", "switchboard/error/errc.hpp")
        self.write("frame.cpp", "switchboard/error/errc.hpp")
        self.assertEqual(len(self.found()), 1)
        self.assertIn("PRIVATE_LINKS", self.found()[0])

    def test_finds_a_public_header_that_includes_an_internal_one(self):
        self.write("frame.hpp", "switchboard/net/socket.hpp", "switchboard/wire/linux/table.hpp")
        self.assertIn("internal to switchboard_wire", self.found()[0])

    def test_finds_an_include_of_another_parts_internals(self):
        self.write("frame.hpp", "switchboard/net/socket.hpp")
        self.write("frame.cpp", "switchboard/net/linux/socket_file.hpp")
        self.assertIn("internal to switchboard_net", self.found()[0])

    def test_lets_a_system_know_itself_across_parts(self):
        self.write("frame.hpp", "switchboard/net/socket.hpp")
        self.write("linux/ring.cpp", "switchboard/net/linux/socket_file.hpp")
        self.assertEqual(self.found(), [])
        self.write("windows/ring.cpp", "switchboard/net/linux/socket_file.hpp")
        self.assertEqual(len(self.found()), 1)

    def test_finds_a_link_that_nothing_includes(self):
        self.private_links = "switchboard_error"
        self.write("frame.cpp", "switchboard/net/socket.hpp")
        self.assertEqual(self.found(), [
            "wire has switchboard_net in LINKS, and no public header includes it",
            "wire has switchboard_error in PRIVATE_LINKS, and no file includes it",
        ])

    def test_knows_messages_from_services(self):
        self.assertEqual(arrows.library_of("switchboard/v1/frame.pb.h"), "switchboard_proto")
        self.assertEqual(arrows.library_of("switchboard/v1/services.switchboard.hpp"), "switchboard_services")
        self.assertEqual(arrows.library_of("switchboard/echo/v1/echo.pb.h"), "switchboard_sample_proto")


if __name__ == "__main__":
    unittest.main()
