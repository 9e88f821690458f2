#include "chat_codec.hpp"

#include <algorithm>

#include <google/protobuf/io/coded_stream.h>

#include <switchboard/chat/v1/chat.pb.h>

namespace switchboard::chat {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using namespace switchboard::chat::v1;

/// The tag of a length-delimited field; below 16 a tag is one byte.
constexpr char tag_of(int field) {
  return static_cast<char>(field << 3 | 2);
}
/// The tag of a varint field.
constexpr char varint_tag_of(int field) {
  return static_cast<char>(field << 3);
}

std::size_t field_size(std::size_t content) {
  return 1 + CodedOutputStream::VarintSize64(content) + content;
}

char* put_varint(char* to, std::uint64_t value) {
  return reinterpret_cast<char*>(CodedOutputStream::WriteVarint64ToArray(value, reinterpret_cast<std::uint8_t*>(to)));
}

char* put_bytes(char* to, std::string_view bytes) {
  return std::copy(bytes.begin(), bytes.end(), to);
}

char* put_field(char* to, int field, std::string_view content) {
  *to++ = tag_of(field);
  return put_bytes(put_varint(to, content.size()), content);
}

wire::shared_bytes encoded(const std::string& room, RoomEvent&& event) {
  event.set_room(room);
  return {event.ByteSizeLong(),
          [&](char* to) { event.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(to)); }};
}

}  // namespace

std::string chat_codec::body(std::string_view sender, std::string_view content) const {
  std::string body(field_size(sender.size()) + content.size(), '\0');
  put_bytes(put_field(body.data(), ChatMessage::kSenderFieldNumber, sender), content);
  return body;
}

wire::shared_bytes chat_codec::entry(const std::string& room, std::uint64_t sequence, std::string_view body) const {
  const auto message = 1 + CodedOutputStream::VarintSize64(sequence) + body.size();
  return {field_size(room.size()) + field_size(message), [&](char* to) {
            to = put_field(to, RoomEvent::kRoomFieldNumber, room);
            *to++ = tag_of(RoomEvent::kMessageFieldNumber);
            to = put_varint(to, message);
            *to++ = varint_tag_of(ChatMessage::kSequenceFieldNumber);
            put_bytes(put_varint(to, sequence), body);
          }};
}

wire::shared_bytes chat_codec::gap(const std::string& room, std::uint64_t from, std::uint64_t to,
                                   rooms::gap_reason why) const {
  RoomEvent event;
  event.mutable_gap()->set_from(from);
  event.mutable_gap()->set_to(to);
  event.mutable_gap()->set_reason(why == rooms::gap_reason::retention ? Gap::RETENTION : Gap::HISTORY_LIMIT);
  return encoded(room, std::move(event));
}

wire::shared_bytes chat_codec::caught_up(const std::string& room, std::uint64_t sequence,
                                         const std::string& log_id) const {
  RoomEvent event;
  event.mutable_caught_up()->set_sequence(sequence);
  event.mutable_caught_up()->set_log_id(log_id);
  return encoded(room, std::move(event));
}

wire::shared_bytes chat_codec::joined(const std::string& room, const std::string& nickname) const {
  RoomEvent event;
  event.mutable_joined()->set_nickname(nickname);
  return encoded(room, std::move(event));
}

wire::shared_bytes chat_codec::left(const std::string& room, const std::string& nickname) const {
  RoomEvent event;
  event.mutable_left()->set_nickname(nickname);
  return encoded(room, std::move(event));
}

void chat_codec::published(rpc::call_handle call, const rooms::append_result& stored) const {
  PublishReply reply;
  reply.set_sequence(stored.sequence);
  reply.set_duplicate(stored.duplicate);
  reply.set_durability(static_cast<PublishReply::Durability>(stored.safety));
  rpc::responder<PublishReply>{std::move(call)}.reply(reply);
}

std::optional<std::string_view> message_in(std::string_view entry) {
  const auto take_field = [&](int field) -> std::optional<std::string_view> {
    CodedInputStream input{reinterpret_cast<const std::uint8_t*>(entry.data()), static_cast<int>(entry.size())};
    std::uint32_t size = 0;
    if (input.ReadTag() != static_cast<unsigned char>(tag_of(field)) || !input.ReadVarint32(&size)) return std::nullopt;
    const auto header = static_cast<std::size_t>(input.CurrentPosition());
    if (entry.size() - header < size) return std::nullopt;
    const auto content = entry.substr(header, size);
    entry.remove_prefix(header + size);
    return content;
  };
  if (!take_field(RoomEvent::kRoomFieldNumber)) return std::nullopt;
  const auto message = take_field(RoomEvent::kMessageFieldNumber);
  return entry.empty() ? message : std::nullopt;
}

}  // namespace switchboard::chat
