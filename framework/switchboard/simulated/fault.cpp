#include <algorithm>
#include <array>

#include <switchboard/simulated/fault.hpp>

namespace switchboard::simulated {
namespace {

constexpr std::array names{
    fault_name{fault::non_socket_is_registered, "non_socket_is_registered"},
    fault_name{fault::socket_is_shared, "socket_is_shared"},
    fault_name{fault::first_filter_stays, "first_filter_stays"},
    fault_name{fault::key_is_changed, "key_is_changed"},
    fault_name{fault::delivery_disarms_only_itself, "delivery_disarms_only_itself"},
    fault_name{fault::combined_operations_pass, "combined_operations_pass"},
    fault_name{fault::disabled_stays_disabled, "disabled_stays_disabled"},
    fault_name{fault::rearm_is_lost, "rearm_is_lost"},
    fault_name{fault::disable_is_ignored, "disable_is_ignored"},
    fault_name{fault::removal_is_reported_twice, "removal_is_reported_twice"},
    fault_name{fault::removal_of_nothing_succeeds, "removal_of_nothing_succeeds"},
    fault_name{fault::failed_call_applies_requests, "failed_call_applies_requests"},
    fault_name{fault::bad_request_ends_the_array, "bad_request_ends_the_array"},
    fault_name{fault::leftover_error_is_trusted, "leftover_error_is_trusted"},
    fault_name{fault::failed_rearm_arms, "failed_rearm_arms"},
    fault_name{fault::bad_arguments_pass_in_the_end, "bad_arguments_pass_in_the_end"},
    fault_name{fault::conditions_come_one_by_one, "conditions_come_one_by_one"},
    fault_name{fault::err_is_withheld, "err_is_withheld"},
    fault_name{fault::unrequested_is_reported, "unrequested_is_reported"},
    fault_name{fault::error_stays_pending, "error_stays_pending"},
    fault_name{fault::hangup_is_missing, "hangup_is_missing"},
    fault_name{fault::end_of_stream_is_no_input, "end_of_stream_is_no_input"},
    fault_name{fault::empty_datagram_is_dropped, "empty_datagram_is_dropped"},
    fault_name{fault::connecting_is_silent, "connecting_is_silent"},
    fault_name{fault::out_reports_peer_close, "out_reports_peer_close"},
    fault_name{fault::contradicting_triggers_pass, "contradicting_triggers_pass"},
    fault_name{fault::level_needs_a_change, "level_needs_a_change"},
    fault_name{fault::edge_repeats, "edge_repeats"},
    fault_name{fault::edge_is_lost, "edge_is_lost"},
    fault_name{fault::oneshot_stays_armed, "oneshot_stays_armed"},
    fault_name{fault::rest_is_not_reported, "rest_is_not_reported"},
    fault_name{fault::edge_oneshot_stays_armed, "edge_oneshot_stays_armed"},
    fault_name{fault::level_reaches_one_thread, "level_reaches_one_thread"},
    fault_name{fault::requests_apply_backwards, "requests_apply_backwards"},
    fault_name{fault::waiting_without_room_passes, "waiting_without_room_passes"},
    fault_name{fault::what_has_no_room_is_lost, "what_has_no_room_is_lost"},
    fault_name{fault::poll_finds_nothing, "poll_finds_nothing"},
    fault_name{fault::infinite_wait_expires, "infinite_wait_expires"},
    fault_name{fault::timeout_is_early, "timeout_is_early"},
    fault_name{fault::post_wakes_all, "post_wakes_all"},
    fault_name{fault::posted_value_is_cut, "posted_value_is_cut"},
    fault_name{fault::arm_stays_with_its_thread, "arm_stays_with_its_thread"},
    fault_name{fault::post_reaches_two, "post_reaches_two"},
    fault_name{fault::sockets_go_before_posts, "sockets_go_before_posts"},
    fault_name{fault::first_source_comes_first, "first_source_comes_first"},
    fault_name{fault::packet_follows_removal, "packet_follows_removal"},
    fault_name{fault::removal_does_not_wait, "removal_does_not_wait"},
    fault_name{fault::waiting_holds_batch, "waiting_holds_batch"},
    fault_name{fault::removal_leaves_registration, "removal_leaves_registration"},
    fault_name{fault::port_close_leaves_socket_open, "port_close_leaves_socket_open"},
    fault_name{fault::closing_is_reported, "closing_is_reported"},
    fault_name{fault::removal_of_closed_is_reported, "removal_of_closed_is_reported"},
    fault_name{fault::listener_reports_one, "listener_reports_one"},
    fault_name{fault::accept_is_not_cancelled, "accept_is_not_cancelled"},
    fault_name{fault::end_keeps_registrations, "end_keeps_registrations"},
    fault_name{fault::drained_arm_waits_for_change, "drained_arm_waits_for_change"},
    fault_name{fault::read_claims_drained, "read_claims_drained"},
};

}  // namespace

std::span<const fault_name> all_faults() noexcept {
  return names;
}

std::optional<fault> find_fault(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name, &fault_name::name);
  if (found == names.end()) return std::nullopt;
  return found->what;
}

}  // namespace switchboard::simulated
