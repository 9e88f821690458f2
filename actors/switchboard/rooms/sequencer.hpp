#pragma once

/// Puts what a room's members publish and their comings and goings into one order, and makes it visible in that order.
///
/// Why        an append is visible only when the log has answered, perhaps much later and on another thread, while a
///            membership event needs no log. Both wait in one queue, so that each keeps its place: a member's joined comes
///            before its first message, its left after its last.
/// Order      in the queue: as publish() and place_event() were called. An answer to a publish is due once what it says
///            can be read.
/// Threads    the room's. The log answers on any; the room is then notified (log_answered_atom).
/// Owns       what is not yet handed to the log, what waits for it, and the answers that are due.
/// Errors     of the log: a result for each publish.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>

#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/presence_storm.hpp>
#include <switchboard/rooms/rendezvous.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rooms/room_feed.hpp>

namespace switchboard::rooms {

/// To the room: call show().
using log_answered_atom = caf::atom_constant<caf::atom("logged")>;

class sequencer {
public:
  using due_answer = std::pair<room_call, append_result>;

  /// `room` lives longer.
  sequencer(caf::event_based_actor& room, std::shared_ptr<room_feed> feed, std::shared_ptr<notification_pump> clock)
      : room_(room), feed_(std::move(feed)), clock_(std::move(clock)) {}

  /// Something to append with the next commit().
  void publish(record content, room_call call);
  /// Whether it should be committed now, whatever else there is.
  bool is_batch_full() const noexcept {
    return records_.size() >= feed_->limits.batch_entries || record_bytes_ >= feed_->limits.batch_bytes;
  }
  /// Hands what was published to the log, in one append.
  void commit();
  struct membership_event {
    std::uint64_t membership = 0;
    std::string nickname;
    bool joins = false;
    wire::shared_bytes bytes;
  };
  /// A membership event, after all that was committed.
  void place_event(membership_event event);
  /// Makes visible what no longer waits for the log.
  void show();
  /// Reads what the log has and the room has not shown: appended by another, or for a room that was here before. Whether
  /// there is some.
  bool catch_up();

  /// What has become visible since the last time; `changes` that a pair of them may be dropped, so that they may wait for
  /// others.
  enum class news : unsigned char { nothing, changes, all };
  news take_news() noexcept { return std::exchange(news_, news::nothing); }
  std::vector<due_answer> take_answers() { return std::exchange(answers_, {}); }
  /// How many appends the log has not answered. While there are any, it need not say that it has grown: the room will
  /// look.
  const std::shared_ptr<std::atomic<std::size_t>>& appends() const noexcept { return appends_; }
  /// Whether everything is visible and answered, or was taken to be.
  bool idle() const noexcept { return records_.empty() && effects_.empty() && answers_.empty(); }
  void clear();

private:
  // What becomes visible, each in its turn.
  struct append {
    std::shared_ptr<rendezvous<std::vector<append_result>>> log;
    std::vector<room_call> calls;
  };
  /// Of what was appended past this room.
  struct page {
    std::shared_ptr<rendezvous<log_page>> log;
  };

  template <class Answer>
  std::function<void(Answer)> on_answer(std::shared_ptr<rendezvous<Answer>> at);
  // Makes it visible. Whether it was something out of the log; nothing while it waits for the log.
  std::optional<bool> apply(membership_event& next);
  std::optional<bool> apply(append& next);
  std::optional<bool> apply(page& next);

  caf::event_based_actor& room_;
  const std::shared_ptr<room_feed> feed_;
  const std::shared_ptr<notification_pump> clock_;  ///< null: changes are not timed
  const std::shared_ptr<std::atomic<std::size_t>> appends_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::vector<record> records_;
  std::size_t record_bytes_ = 0;
  std::vector<room_call> publishers_;                                 ///< of the records
  std::deque<std::variant<membership_event, append, page>> effects_;  ///< in order
  std::vector<due_answer> answers_;
  presence_storm storm_;
  news news_ = news::nothing;
};

}  // namespace switchboard::rooms
