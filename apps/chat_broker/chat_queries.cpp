#include "chat_queries.hpp"

#include "chat_codec.hpp"

#include <algorithm>

namespace switchboard::chat {

using namespace v1;

history_query::history_query(std::shared_ptr<rooms::log> from, const HistoryRequest& request,
                             rpc::responder<HistoryReply> call)
    : query_for(std::move(call)),
      log_(std::move(from)),
      after_(request.after_sequence()),
      left_(request.limit() == 0 ? history_limit_default : request.limit()) {}

void history_query::find_next(caf::event_based_actor&, std::function<void(query_piece)> found) {
  log_->read({.after = after_,
              .limit = std::min<std::size_t>(left_, page_entries),
              .bytes = page_bytes,
              .reader = call().context().caller().id,
              .still_wanted = [self = weak_from_this()] { return !self.expired(); }},
             [found = std::move(found)](rooms::log_page page) { found(std::move(page)); });
}

bool history_query::add(query_piece found) {
  auto& page = std::get<rooms::log_page>(found);
  if (!page.status.ok()) return fail(std::move(page.status));
  bool full = false;
  for (const auto& entry : page.entries) {
    const auto message = message_in(entry.bytes.view());
    if (!message) return fail({rpc::code::internal, "the room's log holds what is no message"});
    full = !add_element(*message);
    if (full) break;
    after_ = entry.sequence;
    --left_;
  }
  if (!full && !page.entries.empty() && left_ > 0 && after_ < page.extent.last) return false;
  HistoryReply rest;
  rest.set_last_sequence(page.extent.last);
  rest.set_log_id(page.extent.id);
  return answer(rest);
}

rooms_query::rooms_query(std::shared_ptr<const rooms::log_store> store, std::shared_ptr<const room_table> open,
                         const ListRoomsRequest& request, rpc::responder<ListRoomsReply> call)
    : query_for(std::move(call)),
      store_(std::move(store)),
      open_(std::move(open)),
      after_(request.after()),
      left_(request.limit() == 0 ? list_limit_default : request.limit()) {}

void rooms_query::find_next(caf::event_based_actor&, std::function<void(query_piece)> found) {
  found({});
}

bool rooms_query::add(query_piece) {
  const auto names = store_->rooms(after_, page_rooms);
  for (const auto& name : names)
    if (left_ == 0 || !add_room(name)) return end(true);
  return names.size() < page_rooms && end(false);
}

bool rooms_query::add_room(const std::string& name) {
  RoomSummary summary;
  summary.set_room(name);
  summary.set_members(open_->members_of(name));
  if (const auto messages = store_->find(name)) summary.set_last_sequence(messages->extent().last);
  after_ = name;
  --left_;
  return add_element(summary.SerializeAsString());
}

bool rooms_query::end(bool more) {
  ListRoomsReply rest;
  rest.set_more(more);
  return answer(rest);
}

members_query::members_query(caf::actor room, ListMembersRequest& request, rpc::responder<ListMembersReply> call)
    : query_for(std::move(call)),
      room_(std::move(room)),
      after_(std::move(*request.mutable_after())),
      left_(request.limit() == 0 ? list_limit_default : request.limit()) {}

void members_query::find_next(caf::event_based_actor& self, std::function<void(query_piece)> found) {
  self.request(room_, caf::infinite, rooms::room_members{after_, std::min(left_, page_names)})
      .then([found](rooms::members_page& page) { found(std::move(page)); },
            [found](const caf::error&) {
              found(rpc::status{rpc::code::unavailable, "the room ended"});
            });
}

bool members_query::add(query_piece found) {
  if (auto* const failure = std::get_if<rpc::status>(&found)) return fail(std::move(*failure));
  auto& page = std::get<rooms::members_page>(found);
  for (auto& name : page.names) {
    if (!add_element(name)) return end(true);
    after_ = std::move(name);
    --left_;
  }
  return (!page.more || left_ == 0) && end(page.more);
}

bool members_query::end(bool more) {
  ListMembersReply rest;
  rest.set_more(more);
  return answer(rest);
}

}  // namespace switchboard::chat
