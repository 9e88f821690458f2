#include <utility>

#include <switchboard/rooms/room_metrics.hpp>

namespace switchboard::rooms {

room_metrics::room_metrics(std::shared_ptr<metrics::registry> in) : registry(std::move(in)) {
  if (!registry) return;
  rooms = registry->new_gauge("switchboard_rooms", "Rooms whose actors run.");
  members = registry->new_gauge("switchboard_room_members", "Members of all rooms.");
  messages = registry->new_counter("switchboard_room_messages_total", "Messages that a log took from a room.");
  duplicates =
      registry->new_counter("switchboard_room_duplicates_total", "Publishes whose message the log had already.");
  failures = registry->new_counter("switchboard_room_publish_failures_total", "Publishes that the log refused.");
  deliveries = registry->new_counter("switchboard_room_deliveries_total",
                                     "Messages, membership events and gaps that streams took from rooms.");
}

}  // namespace switchboard::rooms
