"""What reached.py finds, and what it lets pass."""

import json
import pathlib
import tempfile
import unittest

import reached


class Reached(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        self.source = self.build / "main.cpp"
        self.write("caf/actor.hpp")
        self.write("switchboard/client/stub.hpp")
        self.write("switchboard/rpc/service.hpp")

    def write(self, header, *includes):
        path = self.build / "include" / header
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#pragma once\n" + "".join(f"#include <{each}>\n" for each in includes))

    def found(self, *includes, flags=""):
        self.source.write_text("".join(f"#include <{each}>\n" for each in includes))
        command = f"ccache c++ -Iinclude {flags} -o main.o -c {self.source}"
        entry = {"directory": str(self.build), "file": str(self.source), "command": command}
        (self.build / "compile_commands.json").write_text(json.dumps([entry]))
        return [line.split("include/")[1] for line in reached.unwanted(reached.reached(self.build, self.source))]

    def test_lets_pass_a_service_alone(self):
        self.assertEqual(self.found("string", "switchboard/rpc/service.hpp"), [])

    def test_finds_a_header_of_caf_however_deep(self):
        self.write("switchboard/rpc/service.hpp", "switchboard/rpc/call.hpp")
        self.write("switchboard/rpc/call.hpp", "caf/actor.hpp")
        self.assertEqual(self.found("switchboard/rpc/service.hpp"), ["caf/actor.hpp is CAF's"])

    def test_finds_a_header_of_the_client(self):
        self.assertEqual(self.found("switchboard/client/stub.hpp"), ["switchboard/client/stub.hpp is the client's"])

    def test_does_not_count_what_is_precompiled(self):
        self.assertEqual(self.found("switchboard/rpc/service.hpp", flags="-include include/caf/actor.hpp"), [])


if __name__ == "__main__":
    unittest.main()
