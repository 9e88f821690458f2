#pragma once

/// The rules of the notification contract that a simulated world can be told to break, so that tests can show that they
/// would notice. Each is named after what then goes wrong; N1, N23, N30, N36, N44 and
/// N50 bind the user, or cannot be broken alone.
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
  removal_is_told_twice,          ///< N10
  removal_of_nothing_succeeds,    ///< N11
  failed_call_applies_requests,   ///< N12, N15
  bad_request_ends_the_array,     ///< N13
  leftover_error_is_trusted,      ///< N14
  failed_rearm_arms,              ///< N16
  bad_arguments_pass_in_the_end,  ///< N17
  conditions_come_one_by_one,     ///< N18
  err_is_withheld,                ///< N19
  unrequested_is_told,            ///< N19
  error_stays_pending,            ///< N20
  hangup_is_missing,              ///< N21
  end_of_stream_is_no_input,      ///< N22
  empty_datagram_is_dropped,      ///< N24
  connecting_is_silent,           ///< N25
  out_tells_of_peer_close,        ///< N26
  contradicting_triggers_pass,    ///< N27
  level_needs_a_change,           ///< N28
  edge_repeats,                   ///< N29
  edge_is_lost,                   ///< N31
  oneshot_stays_armed,            ///< N32
  rest_is_not_told,               ///< N33
  edge_oneshot_stays_armed,       ///< N34
  level_reaches_one_thread,       ///< N35
  requests_apply_backwards,       ///< N37
  waiting_without_room_passes,    ///< N38
  what_has_no_room_is_lost,       ///< N39
  poll_finds_nothing,             ///< N40
  timeout_is_early,               ///< N41
  post_wakes_everybody,           ///< N42
  posted_value_is_cut,            ///< N43
  arm_stays_with_its_thread,      ///< N45
  post_reaches_two,               ///< N46
  sockets_go_before_posts,        ///< N47
  first_source_comes_first,       ///< N47
  packet_follows_removal,         ///< N48
  removal_waits_for_nobody,       ///< N49
  removal_leaves_registration,    ///< N5, N11
  port_close_leaves_socket_open,  ///< N51
  closing_is_told,                ///< N51
  removal_of_closed_is_told,      ///< N52
  listener_tells_of_one,          ///< N53
  accept_is_not_cancelled,        ///< N54
  end_keeps_registrations,        ///< N55
};

struct fault_name {
  fault what;
  std::string_view name;
};

std::span<const fault_name> all_faults() noexcept;
std::optional<fault> find_fault(std::string_view name) noexcept;

}  // namespace switchboard::simulated
