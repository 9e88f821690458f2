#pragma once

/// A call that costs more than others, answered in pieces: each is found within a fraction of a millisecond, and other
/// queries have their turn between two.
///
/// Why        History, ListRooms and ListMembers may answer with half a megabyte. The actor that runs queries
///            (query_actor.hpp) decides whose piece is next; a query knows how its pieces are found and put together.
/// Form       a reply is a repeated field 1 and a few others. It is put together serialized, so that it takes the room of
///            its bytes and no message is made of what is stored as one.
/// Threads    the query actor's, but for what is called back.
/// Owns       its call: released unanswered, the query is no longer wanted. A reply is `reply_bytes_max` bytes at most.
/// Errors     of a piece: the call fails with its status.

#include "chat_limits.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <caf/event_based_actor.hpp>
#include <google/protobuf/io/coded_stream.h>

#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/room.hpp>
#include <switchboard/rpc/call.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::chat {

/// What was found: a page of a log, of a room's members, nothing that was not there already, or why there is none.
using query_piece = std::variant<std::monostate, rooms::log_page, rooms::members_page, rpc::status>;

class query : public std::enable_shared_from_this<query> {
public:
  virtual ~query() = default;

  virtual rpc::call_handle& call() noexcept = 0;
  /// Has the next piece found. `found` is called once, on any thread, perhaps before this returns; it keeps nothing of the
  /// query alive.
  virtual void find_next(caf::event_based_actor& self, std::function<void(query_piece)> found) = 0;
  /// Adds what was found to the reply. Whether the call is answered now.
  virtual bool add(query_piece found) = 0;
};

template <class Reply>
class query_for : public query {
public:
  explicit query_for(rpc::responder<Reply> call) : call_(std::move(call)) {}

  rpc::call_handle& call() noexcept final { return call_; }

protected:
  /// Adds an element to field 1; false where the reply has no room for it.
  bool add_element(std::string_view content) {
    using google::protobuf::io::CodedOutputStream;
    std::uint8_t header[1 + 10] = {1 << 3 | 2};
    const auto* const end = CodedOutputStream::WriteVarint64ToArray(content.size(), header + 1);
    const auto header_size = static_cast<std::size_t>(end - header);
    const auto grown = reply_.size() + header_size + content.size();
    if (grown + other_fields_bytes_max > reply_bytes_max) return false;
    // Once for all that may come: what has grown large is not copied in each of the next turns.
    if (grown > reply_.capacity() && grown > large_reply_bytes)
      reply_.reserve(reply_bytes_max + wire::message_overhead_max);
    reply_.append(reinterpret_cast<const char*>(header), header_size).append(content);
    return true;
  }
  /// Answers with the elements and the reply's other fields. True.
  bool answer(const Reply& other_fields) {
    other_fields.AppendToString(&reply_);
    call_.reply_serialized(std::move(reply_));
    return true;
  }
  bool fail(rpc::status why) {
    call_.fail(std::move(why));
    return true;
  }

private:
  static constexpr std::size_t other_fields_bytes_max = 64;
  static constexpr std::size_t large_reply_bytes = std::size_t{32} << 10;

  rpc::responder<Reply> call_;
  std::string reply_;
};

}  // namespace switchboard::chat
