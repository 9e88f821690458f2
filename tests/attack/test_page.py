"""The page about attacks has what was attacked last."""

import os
import unittest

import report
from attacks import ATTACKS

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../framework/docs/attacks.md")


class Page(unittest.TestCase):
    def test_it_has_a_row_for_each_attack(self):
        with open(PAGE, encoding="utf-8") as file:
            shown = report.attacks_in(file.read())
        self.assertEqual(sorted(shown), sorted([each.name for each in ATTACKS] + ["all at once"]))


if __name__ == "__main__":
    unittest.main()
