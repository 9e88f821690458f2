"""Each attack by itself, and all of them at once: what it costs whom, and how the broker ends under it."""

import re
import unittest

from attack import ANONYMOUS_MAX, AttackTest, Attackers, INTERRUPTED_TURN_MAX, MIB, TURN_MAX, protocol, run_again_for_long_turns, scaled
from attacks import ATTACKS


class EachAttack(AttackTest):
    def attack_with(self, attack):
        self.start_broker(attack.on_disk)
        row = self.measure(attack, scaled(1.5, 10))
        self.assert_bounded(attack, row)
        attackers = Attackers(attack, self.broker.address)
        try:
            self.watch([attackers], 0.3)
            row["SIGTERM s"] = self.assert_ends_in_order()
        finally:
            attackers.end()
        self.report(row)


def test_of(attack):
    return run_again_for_long_turns(lambda self: self.attack_with(attack))


for each in ATTACKS:
    setattr(EachAttack, "test_" + re.sub(r"\W+", "_", each.name), test_of(each))


class RoomLimit(AttackTest):
    def test_rooms_without_end_leave_room_for_others(self):
        attack = next(each for each in ATTACKS if each.name == "rooms without end")
        self.start_broker(attack.on_disk)
        attackers = Attackers(attack, self.broker.address)
        try:
            self.watch([attackers], scaled(1, 20))
            newcomer = protocol.Connection(self.broker.address)
            self.addCleanup(newcomer.close)
            newcomer.joined("a-room-of-its-own", "newcomer")
        finally:
            attackers.end()


class AllAtOnce(AttackTest):
    @run_again_for_long_turns
    def test_all_attacks_at_once(self):
        self.start_broker(True)
        for attack in ATTACKS:
            self.addCleanup(lambda kept: [each.close() for each in kept], attack.prepare(self.broker.address))
        attackers = [Attackers(attack, self.broker.address) for attack in ATTACKS]
        try:
            most = self.watch(attackers, scaled(4, 60))
            self.assertLess(most, ANONYMOUS_MAX)
            long_turns, interrupted = self.broker.turns_longer_than(TURN_MAX)
            self.assert_no_long_turns(2 * INTERRUPTED_TURN_MAX)
            took = self.assert_ends_in_order()
        finally:
            for each in attackers:
                each.end()
        self.report({"attack": "all at once", "about": "all", "anonymous MiB": most / MIB, "long turns": long_turns, "interrupted": interrupted, "SIGTERM s": took, **self.bystander.summary()})


if __name__ == "__main__":
    unittest.main()
