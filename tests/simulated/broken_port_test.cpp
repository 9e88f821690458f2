/// The contract suite fails on broken ports: it is run with one fault at a time, and the tests of the broken rule have to fail.

#include <array>
#include <cstdio>
#include <memory>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <switchboard/simulated/fault.hpp>

namespace switchboard::simulated {
namespace {

/// Tests with threads that wait for each other, which most faults would leave waiting.
constexpr std::string_view threads_of_their_own =
    "*N35Oneshot*:*N40Infinite*:*N40TimeoutBeyond*:*N42PostsOfMany*:*N44*:*N45Every*:*N46*:*N48*:*N49NoThreadHolds*:"
    "*N49ThreadsThatOnly*:*N49ReleasedBatchWakes*:*N54ManyThreads*:*N56SeveralThreads*:*Polling210*:*Wepoll35*:"
    "*Msquic*:*Names.AreWrittenBefore*:*Names.*WakesASleeper*";

struct breaking {
  std::string_view fault;
  /// Rules and incidents whose tests fail, in the order of their names.
  std::string_view rules;

  friend std::ostream& operator<<(std::ostream& out, const breaking& self) { return out << self.fault; }
};

constexpr breaking breakings[] = {
    {"non_socket_is_registered", "N13 N2 Names Ponyc5131"},
    {"socket_is_shared", "N3 N32 Names"},
    {"first_filter_stays", "N21 N26 N4 Names"},
    {"key_is_changed", "N12 N14 N5 N9 Names"},
    {"delivery_disarms_only_itself", "N56 N6"},
    {"combined_operations_pass", "N7"},
    {"disabled_stays_disabled", "N5 N56 N8 N9 Names"},
    {"rearm_is_lost", "Mio933 N16 N18 N19 N33 N37 N53 N56 N6 N8 Names Ponyc2897 Ponyc5289 Ponyc5683"},
    {"disable_is_ignored", "N56 N9 Names Seastar1945"},
    {"removal_is_reported_twice", "N10 N11 N18 N37 N45 N50 N51 N54 N56 Names Seastar1945"},
    {"removal_of_nothing_succeeds", "N11 N12 N3 N51 N52 N7"},
    {"failed_call_applies_requests", "N12 N15 Ponyc5738"},
    {"bad_request_ends_the_array", "N12 N13 N2 N37"},
    {"leftover_error_is_trusted", "N14"},
    {"failed_rearm_arms", "N16"},
    {"bad_arguments_pass_in_the_end", "N17"},
    {"conditions_come_one_by_one", "N18 N23 N26 N56 N6"},
    {"err_is_withheld", "Libevent1264 N19 N20 N25"},
    {"unrequested_is_reported", "Mio933 N19 N22 N26 Seastar1945"},
    {"error_stays_pending", "N20"},
    {"hangup_is_missing", "N18 N21 N23 N26 N56"},
    {"end_of_stream_is_no_input", "Liburing932 N18 N22 N26 N51 N54 N56 Seastar1945"},
    {"empty_datagram_is_dropped", "N24 Ponyc5289"},
    {"connecting_is_silent", "N25"},
    {"out_reports_peer_close", "N26"},
    {"contradicting_triggers_pass", "N16 N27"},
    {"level_needs_a_change", "N27 N28 N35 N47 N49 N56"},
    {"edge_repeats", "Mio1303 N29"},
    {"edge_is_lost", "N29 N30 N31 N34 N45 Ponyc2897"},
    {"oneshot_stays_armed", "N16 N18 N32 N39 N4 N55 N56 N6 Names"},
    {"rest_is_not_reported", "Mio933 N16 N19 N33 N37 N53 N56 N6 N8 Names Ponyc2897"},
    {"edge_oneshot_stays_armed", "N34"},
    {"level_reaches_one_thread", "N35 N49 Names"},
    {"requests_apply_backwards", "N12 N37 N4 N9"},
    {"waiting_without_room_passes", "N12 N15 N17 N38 Ponyc5738"},
    {"what_has_no_room_is_lost", "N39 N47 N54"},
    {"poll_finds_nothing", "N28 N40 N8 Names"},
    {"infinite_wait_expires", "N42"},
    {"timeout_is_early", "N41"},
    {"post_wakes_all", "N42"},
    {"posted_value_is_cut", "N43"},
    {"arm_stays_with_its_thread", "N35 N45 N49 N55 Names"},
    {"post_reaches_two", "N38 N39 N40 N42 N43 N47 N49 Names"},
    {"sockets_go_before_posts", "N47 Silk80"},
    {"first_source_comes_first", "N47"},
    {"packet_follows_removal", "N10 N11 N18 N37 N45 N49 N50 N51 N54 N56 Names Seastar1945"},
    {"removal_does_not_wait", "N49"},
    {"waiting_holds_batch", ""},
    {"removal_leaves_registration", "N11 N3 N5 N54 Names"},
    {"port_close_leaves_socket_open", "Liburing932 N51"},
    {"closing_is_reported", "N51 N52 N54 N56 Names"},
    {"removal_of_closed_is_reported", "N51 N52"},
    {"listener_reports_one", "N53"},
    {"accept_is_not_cancelled", "N54"},
    {"end_keeps_registrations", "N55"},
    {"drained_arm_waits_for_change", "N56 Names"},
    {"read_claims_drained", "N56"},
};

/// "N13" of "…/NotificationPortContract.N13OneBadRequest…/Simulated, where…"; "Names" of all that is about names.
std::string rule_of(std::string_view failed) {
  if (failed.find("NotificationPortNames.") != failed.npos) return "Names";
  const auto name = failed.substr(failed.find('.') + 1);
  const auto digits = name.find_first_of("0123456789");
  return std::string(name.substr(0, name.find_first_not_of("0123456789", digits)));
}

/// The rules whose tests fail in a run of the suite; all of its output where it ran into the time limit or crashed.
std::string failing_rules(const std::string& environment, const std::string& filter) {
  const auto command = environment + " timeout 60 " CONTRACT_SUITE " --gtest_filter='" + filter + "' 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> run(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> piece;
  while (const auto got = std::fread(piece.data(), 1, piece.size(), run.get())) output.append(piece.data(), got);
  if (output.find("[  PASSED  ]") == output.npos) return output;
  std::set<std::string> rules;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("[  FAILED  ] Simulated/")) rules.insert(rule_of(line));
  std::string all;
  for (const auto& each : rules) all.append(all.empty() ? "" : " ").append(each);
  return all;
}

class BrokenPort : public testing::TestWithParam<breaking> {};

TEST_P(BrokenPort, FailsTheTestsOfTheRulesItBreaks) {
  const auto& [fault, rules] = GetParam();
  EXPECT_EQ(
      failing_rules("SWITCHBOARD_TEST_FAULT=" + std::string(fault), "*/Simulated-" + std::string(threads_of_their_own)),
      rules);
}

std::string name_of(const testing::TestParamInfo<breaking>& info) {
  return std::string(info.param.fault);
}

/// A test with threads of its own, and a fault that makes it fail rather than wait.
struct witness {
  std::string_view fault;
  std::string_view test;  ///< its suite without "NotificationPort", and its name

  friend std::ostream& operator<<(std::ostream& out, const witness& self) { return out << self.fault; }
};

constexpr witness witnesses[] = {
    {"infinite_wait_expires", "Contract.N35OneshotReachesOneThreadOfMany"},
    {"infinite_wait_expires", "Contract.N40InfiniteNeverExpires"},
    {"infinite_wait_expires", "Contract.N40TimeoutBeyondTheClocksEndNeverExpires"},
    {"post_reaches_two", "Contract.N42PostsOfManyThreadsAllArriveWithoutAnyWaiterStranded"},
    {"post_reaches_two", "Contract.N44OnePostEndsAllThreads"},
    {"post_reaches_two", "Contract.N46PacketReachesExactlyOneThread"},
    {"packet_follows_removal", "Contract.N48RemoveIsTheLastPacketOfItsKey"},
    {"removal_does_not_wait", "Contract.N49ReleasedBatchWakesAThreadAlreadyWaiting"},
    {"waiting_holds_batch", "Contract.N49ThreadsThatOnlyWaitHoldNothing"},
    {"rearm_is_lost", "Drained.N56SeveralThreadsLoseNothing"},
    {"rearm_is_lost", "Drained.N56SeveralThreadsSeeEveryEnd"},
    {"removal_does_not_wait", "Incidents.Msquic1290OneThreadCannotFreeWhatAnothersBatchHolds"},
    {"infinite_wait_expires", "Incidents.Polling210RemovalIsNotAwaitedByTakingOthersPackets"},
    {"packet_follows_removal", "Names.AreWrittenBeforeAPacketComes"},
};

class BrokenPortWithThreads : public testing::TestWithParam<witness> {};

TEST_P(BrokenPortWithThreads, FailsTheTest) {
  const auto& [fault, test] = GetParam();
  const auto name = "NotificationPort" + std::string(test);
  EXPECT_EQ(failing_rules("SWITCHBOARD_TEST_FAULT=" + std::string(fault), "Simulated/" + name + "/Simulated"),
            rule_of(name));
}

INSTANTIATE_TEST_SUITE_P(Faults, BrokenPortWithThreads, testing::ValuesIn(witnesses),
                         [](const auto& of) { return std::string(of.param.test.substr(of.param.test.find('.') + 1)); });

INSTANTIATE_TEST_SUITE_P(Faults, BrokenPort, testing::ValuesIn(breakings), name_of);

TEST(SoundPort, FailsNoTest) {
  EXPECT_EQ(failing_rules({}, "*/Simulated"), "");
}

TEST(BrokenPorts, AreOfEveryFaultThereIs) {
  std::set<std::string_view> all;
  for (const auto& each : breakings) EXPECT_TRUE(all.insert(each.fault).second) << each.fault;
  for (const auto& each : all_faults()) EXPECT_TRUE(all.contains(each.name)) << each.name;
  EXPECT_EQ(all.size(), all_faults().size());
}

}  // namespace
}  // namespace switchboard::simulated
