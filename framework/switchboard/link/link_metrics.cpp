#include <utility>

#include <switchboard/link/link_metrics.hpp>

namespace switchboard::link {

link_metrics::link_metrics(std::shared_ptr<metrics::registry> in) : registry(std::move(in)) {
  if (!registry) return;
  received_bytes = registry->new_counter("switchboard_link_received_bytes_total", "Bytes read from peers.");
  received_frames = registry->new_counter("switchboard_link_received_frames_total", "Whole frames read from peers.");
  sent_bytes = registry->new_counter("switchboard_link_sent_bytes_total", "Bytes written to peers.");
  queued_frames =
      registry->new_counter("switchboard_link_queued_frames_total", "Frames queued to be written to peers.");
}

const link_metrics& link_metrics::none() {
  static const link_metrics counts_nothing;
  return counts_nothing;
}

}  // namespace switchboard::link
