#pragma once

/// Faults that break a rule of the notification contract each, so that the contract's tests can be shown to fail. Each is
/// named after the wrong behaviour. N1, N23, N30, N36, N44 and N50 are missing: they bind the port's user, or cannot be broken
/// alone.
/// Threads    values.

#include <optional>
#include <span>
#include <string_view>

namespace switchboard::simulated {

enum class fault : unsigned char {
  non_socket_is_registered,       ///< N2
  socket_is_shared,               ///< N3
  first_filter_stays,             ///< N4
  key_is_changed,                 ///< N5
  delivery_disarms_only_itself,   ///< N6
  combined_operations_pass,       ///< N7
  disabled_stays_disabled,        ///< N8
  rearm_is_lost,                  ///< N8, of a one-shot that fired
  disable_is_ignored,             ///< N9
  removal_is_reported_twice,      ///< N10
  removal_of_nothing_succeeds,    ///< N11
  failed_call_applies_requests,   ///< N12, N15
  bad_request_ends_the_array,     ///< N13
  leftover_error_is_trusted,      ///< N14
  failed_rearm_arms,              ///< N16
  bad_arguments_pass_in_the_end,  ///< N17
  conditions_come_one_by_one,     ///< N18
  err_is_withheld,                ///< N19
  unrequested_is_reported,        ///< N19
  error_stays_pending,            ///< N20
  hangup_is_missing,              ///< N21
  end_of_stream_is_no_input,      ///< N22
  empty_datagram_is_dropped,      ///< N24
  connecting_is_silent,           ///< N25
  out_reports_peer_close,         ///< N26
  contradicting_triggers_pass,    ///< N27
  level_needs_a_change,           ///< N28
  edge_repeats,                   ///< N29
  edge_is_lost,                   ///< N31
  oneshot_stays_armed,            ///< N32
  rest_is_not_reported,           ///< N33
  edge_oneshot_stays_armed,       ///< N34
  level_reaches_one_thread,       ///< N35
  requests_apply_backwards,       ///< N37
  waiting_without_room_passes,    ///< N38
  what_has_no_room_is_lost,       ///< N39
  poll_finds_nothing,             ///< N40
  infinite_wait_expires,          ///< N40
  timeout_is_early,               ///< N41
  post_wakes_all,                 ///< N42
  posted_value_is_cut,            ///< N43
  arm_stays_with_its_thread,      ///< N45
  post_reaches_two,               ///< N46
  sockets_go_before_posts,        ///< N47
  first_source_comes_first,       ///< N47
  packet_follows_removal,         ///< N48
  removal_does_not_wait,          ///< N49
  waiting_holds_batch,            ///< N49
  removal_leaves_registration,    ///< N5, N11
  port_close_leaves_socket_open,  ///< N51
  closing_is_reported,            ///< N51
  removal_of_closed_is_reported,  ///< N52
  listener_reports_one,           ///< N53
  accept_is_not_cancelled,        ///< N54
  end_keeps_registrations,        ///< N55
  drained_arm_waits_for_change,   ///< N56
  read_claims_drained,            ///< N56, of what transports say: each read that gives something
};

struct fault_name {
  fault what;
  std::string_view name;
};

std::span<const fault_name> all_faults() noexcept;
std::optional<fault> find_fault(std::string_view name) noexcept;

}  // namespace switchboard::simulated
