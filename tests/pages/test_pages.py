"""The scripts of this folder: each thing that they look for is found when it is wrong."""

import os
import tempfile
import unittest
from pathlib import Path

import splice
from blocks import PageError, all_blocks, check_against_files
from commands import Commands
from sessions import Sessions, check_frames

BUILD = os.environ["SWITCHBOARD_BUILD"]  # for the Python modules of the protocol


class Page(unittest.TestCase):
    """A tree of one page."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        self.build = self.tree / "build"
        (self.build / "bin").mkdir(parents=True)
        self.write("apps/tool.sh", "# tool.sh [--fast]\n")
        self.write("apps/main.cpp", "int main() {\n  return 0;\n}\n")

    def write(self, path, text):
        place = self.tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def program(self, name, text):
        self.write(f"build/bin/{name}", "#!/bin/bash\n" + text)
        (self.build / "bin" / name).chmod(0o755)

    def page(self, language, code, comment=""):
        self.write("README.md", f"# Page\n\n{comment}\n```{language}\n{code}```\n")

    def wrong_blocks(self):
        try:
            for block in all_blocks(self.tree):
                check_against_files(self.tree, block)
        except PageError as wrong:
            return str(wrong)
        return ""

    def wrong_commands(self):
        return list(Commands(self.tree, self.build).check_pages())

    def wrong_run(self):
        try:
            for block in all_blocks(self.tree):
                Sessions(self.tree, self.build).run(block)
        except PageError as wrong:
            return str(wrong)
        return ""


class Blocks(Page):
    def test_a_language_that_no_test_takes_fails(self):
        self.page("rust", "fn main() {}\n")
        self.assertIn("README.md:5: a block (rust) that no test takes", self.wrong_blocks())

    def test_a_block_of_no_language_fails(self):
        self.page("", "something\n")
        self.assertIn("no test takes", self.wrong_blocks())

    def test_code_without_a_treatment_fails(self):
        self.page("cpp", "int x;\n")
        self.assertIn("no test takes", self.wrong_blocks())

    def test_a_treatment_that_does_not_fit_the_language_fails(self):
        self.page("proto", "message A {}\n", "<!-- snippet: a -->")
        self.assertIn("no test takes", self.wrong_blocks())

    def test_a_file_is_shown_to_the_letter(self):
        self.page("cpp", "int main() {\n  return 0;\n}\n", "<!-- file: apps/main.cpp -->")
        self.assertEqual(self.wrong_blocks(), "")
        self.page("cpp", "int main() {\n  return 1;\n}\n", "<!-- file: apps/main.cpp -->")
        self.assertIn("this is not apps/main.cpp as it is", self.wrong_blocks())

    def test_a_part_of_a_file_is_whole_lines_of_it(self):
        self.page("cpp", "return 0;\n", "<!-- part of: apps/main.cpp -->")
        self.assertEqual(self.wrong_blocks(), "")
        self.page("cpp", "return\n", "<!-- part of: apps/main.cpp -->")
        self.assertIn("apps/main.cpp does not have these lines", self.wrong_blocks())

    def test_a_text_that_a_test_shows_is_in_both(self):
        self.page("text", "error: int main\n", "<!-- shown by: int main in apps/main.cpp -->")
        self.assertEqual(self.wrong_blocks(), "")
        self.page("text", "error: int mean\n", "<!-- shown by: int mean in apps/main.cpp -->")
        self.assertIn("is to be in this block and in apps/main.cpp", self.wrong_blocks())


class Splicing(Page):
    def setUp(self):
        super().setUp()
        self.write("tests/t.cpp.in", "void f() {\n  //! one\n}\n")

    def spliced(self):
        return splice.splice(self.tree, self.tree / "tests/t.cpp.in")

    def test_a_snippet_takes_its_place_with_its_own_line_number(self):
        self.page("cpp", "int x;\n", "<!-- snippet: one -->")
        self.assertIn(f'void f() {{\n#line 5 "{self.tree}/README.md"\nint x;\n#line 3 ', self.spliced())

    def test_a_snippet_without_a_place_fails(self):
        self.page("cpp", "int x;\n", "<!-- snippet: two -->")
        self.write("tests/t.cpp.in", "")
        with self.assertRaisesRegex(PageError, "README.md:5: t.cpp.in has no place for the snippet two"):
            self.spliced()

    def test_a_place_without_a_snippet_fails(self):
        self.page("text", "")
        with self.assertRaisesRegex(PageError, "no page has a snippet that is called one"):
            self.spliced()


class CommandsOnPages(Page):
    def test_scripts_and_their_options_must_exist(self):
        self.page("sh", "apps/tool.sh --fast\n")
        self.assertEqual(self.wrong_commands(), [])
        self.page("sh", "apps/tool.sh --slow\napps/other.sh\n")
        self.assertEqual(
            self.wrong_commands(), ["README.md:5: apps/tool.sh has no option --slow", "README.md:6: there is no apps/other.sh"]
        )

    def test_programs_and_their_options_must_exist(self):
        self.program("server", "echo --listen ADDRESS")
        self.page("sh", "build/bin/server --listen 127.0.0.1:0\n")
        self.assertEqual(self.wrong_commands(), [])
        self.page("sh", "build/bin/server --bind 127.0.0.1:0\nbuild/bin/client\n")
        self.assertEqual(len(self.wrong_commands()), 2)

    def test_a_command_that_nothing_knows_fails(self):
        self.page("sh", "make install\n")
        self.assertEqual(self.wrong_commands(), ["README.md:5: no test knows the command make"])

    def test_code_in_running_text_is_looked_at_too(self):
        self.write("README.md", "See `apps/main.cpp`, and run\n`apps/tool.sh\n--slow` or look into `apps/none`; `x + y` is not a command.\n")
        self.assertEqual(
            self.wrong_commands(), ["README.md:2: apps/tool.sh has no option --slow", "README.md:3: there is no apps/none"]
        )


class SessionsOnPages(Page):
    def test_what_a_command_prints_is_compared(self):
        self.page("console", "$ echo hello\nhello\n", "<!-- run -->")
        self.assertEqual(self.wrong_run(), "")
        self.page("console", "$ echo hello\ngood bye\n", "<!-- run -->")
        self.assertIn("instead of", self.wrong_run())

    def test_dots_stand_for_any_lines(self):
        self.page("console", "$ seq 9\n1\n…\n9\n", "<!-- run -->")
        self.assertEqual(self.wrong_run(), "")
        self.page("console", "$ seq 9\n1\n…\n8\n", "<!-- run -->")
        self.assertIn("instead of", self.wrong_run())

    def test_a_command_that_fails_fails(self):
        self.page("console", "$ false\n", "<!-- run -->")
        self.assertIn("status 1", self.wrong_run())
        self.page("sh", "false\n", "<!-- run -->")
        self.assertIn("status 1", self.wrong_run())

    def test_a_server_of_the_session_gets_a_port_of_its_own(self):
        self.program("server", 'trap "exit 0" TERM; echo "listening on ${2/:0/:4321}"; while :; do sleep 0.1; done')
        self.page("console", "$ server --listen 127.0.0.1:7000\nlistening on 127.0.0.1:7000\n\n$ echo 127.0.0.1:7000\n127.0.0.1:7000\n", "<!-- run -->")
        self.assertEqual(self.wrong_run(), "")
        self.page("console", "$ server --listen 127.0.0.1:7000\nlistening on 127.0.0.1:7000\n\n$ echo 127.0.0.1:7000\n127.0.0.1:1\n", "<!-- run -->")
        self.assertIn("127.0.0.1:4321\ninstead of\n", self.wrong_run())


class Frames(Page):
    def wrong_frames(self):
        try:
            for block in all_blocks(self.tree):
                check_frames(block, Path(BUILD))
        except PageError as wrong:
            return str(wrong)
        return ""

    def test_bytes_must_be_a_frame(self):
        self.page("text", "02      size\n08 01   call = 1\n\n04\n08 01\n   20 01  end\n", "<!-- frames -->")
        self.assertEqual(self.wrong_frames(), "")

    def test_a_size_that_is_not_the_frame_s_fails(self):
        self.page("text", "03      size\n08 01   call = 1\n", "<!-- frames -->")
        self.assertIn("no frame", self.wrong_frames())


if __name__ == "__main__":
    unittest.main()
