"""The blocks of the pages that are run: shell sessions, scripts, and frames byte by byte.

A server that a session starts, or that it is run beside, listens on a port of its own, which is put wherever the page names
an address of its. A session's commands print what the page says they print; a line `…` of the page stands for any lines.
"""

import os
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

SECONDS = 60  # for what takes milliseconds; sanitizers are slow
PYTHON = "/usr/bin/python3"  # the one that python3-protobuf is installed for


@contextmanager
def serving(command, folder, environment):
    """Starts a server program and yields the address that it says it listens on; it ends in order with the scope."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment) as server:
        try:
            line = server.stdout.readline()
            if not line.startswith("listening on "):
                raise RuntimeError(f"{command} says '{line.strip()}' instead of where it listens")
            yield line.split()[-1]
            server.terminate()
            if server.wait(SECONDS) != 0:
                raise RuntimeError(f"{command} ends with status {server.returncode}")
        finally:
            server.kill()


class Sessions:
    """`programs`: names as a page writes them, to the files they are; of those in `build`/bin every name is known."""

    def __init__(self, tree, build, programs=()):
        self.tree, self.build = tree, build
        self.programs = dict(programs)
        self.environment = dict(os.environ, PYTHONPATH=str(build / "proto_python"))

    def run(self, block):
        """Raises PageError where the block does not do what its page says."""
        with ExitStack() as ends, tempfile.TemporaryDirectory() as folder:
            self.folder, self.places = folder, {}
            self.environment["PATH"] = f"{folder}:{self.build / 'bin'}:{os.environ['PATH']}"
            for name, file in self.programs.items():
                os.symlink(file, Path(folder) / name)
            os.symlink(self.build, Path(folder) / "build")
            if block.treatment == "run with":
                program, address = block.argument.split()
                command = [str(self.build / "bin" / program), "--listen", "127.0.0.1:0", "--log-level", "off"]
                self.places[address] = ends.enter_context(serving(command, folder, self.environment))
            try:
                if block.language == "console":
                    self.run_console(block, ends)
                else:
                    self.run_script(block)
            except (RuntimeError, subprocess.TimeoutExpired) as wrong:
                raise block.error(str(wrong)) from wrong

    def placed(self, text):
        for address, actual in self.places.items():
            text = text.replace(address, actual)
        return text

    def output_of(self, command):
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def run_script(self, block):
        shell = [PYTHON, "-B", "-c"] if block.language == "python" else ["bash", "-euo", "pipefail", "-c"]
        script = block.text
        for address, actual in self.places.items():
            # As Python has an address: ("127.0.0.1", 7778).
            (host, port), (actual_host, actual_port) = address.split(":"), actual.split(":")
            script = script.replace(f'"{host}", {port}', f'"{actual_host}", {actual_port}').replace(address, actual)
        self.output_of([*shell, script])

    def run_console(self, block, ends):
        for command, expected in console_steps(block.text):
            listening = re.fullmatch(r"listening on (\S+)\n", expected)
            if listening:
                own = ["bash", "-c", "exec " + command.replace(listening.group(1), "127.0.0.1:0")]
                self.places[listening.group(1)] = ends.enter_context(serving(own, self.folder, self.environment))
                continue
            printed = self.output_of(["bash", "-euo", "pipefail", "-c", self.placed(command)])
            wanted = "".join(r"(?:.*\n)*" if line == "…\n" else re.escape(line) for line in self.placed(expected).splitlines(True))
            if not re.fullmatch(wanted, printed):
                raise RuntimeError(f"$ {command}\nprints\n{printed}instead of\n{expected}")


def console_steps(text):
    """(command, what it prints) of a session as `console` shows it: commands begin with a dollar sign."""
    steps = []
    for line in text.splitlines(True):
        if line.startswith("$ "):
            steps.append([line[2:].rstrip("\n"), ""])
        elif line.strip():
            steps[-1][1] += line
    return steps


def check_frames(block, build):
    """Each paragraph's bytes, which stand before its words, are one delimited frame, in the form protobuf writes."""
    sys.path.insert(0, str(build / "proto_python"))
    from google.protobuf.internal.decoder import _DecodeVarint32
    from switchboard.v1.frame_pb2 import Frame

    for paragraph in block.text.split("\n\n"):
        written = re.findall(r"^ *((?:[0-9a-f]{2} )*[0-9a-f]{2})(?=  |$)", paragraph, re.MULTILINE)
        received = bytes.fromhex(" ".join(written))
        size, start = _DecodeVarint32(received, 0)
        if size != len(received) - start or Frame.FromString(received[start:]).SerializeToString() != received[start:]:
            raise block.error(f"{len(received)} bytes that are no frame: {received.hex(' ')}")
