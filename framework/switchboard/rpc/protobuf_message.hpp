#pragma once

/// Protobuf messages as CAF messages: moved between actors of a process, serialized between CAF nodes.
///
/// Why        CAF asks every message type for `inspect`; argument-dependent lookup finds this one for all of protobuf's
///            generated classes through their base, so each needs no code of its own.
/// Threads    any.
/// Errors     bytes that do not parse give the reading node an error (sec::invalid_argument).
/// Nodes      types that travel between nodes are announced on both sides: add_message_types<Echo>(config). Handles of
///            streams stay in their process.

#include <concepts>
#include <string>

#include <caf/actor_system_config.hpp>
#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/save_callback.hpp>
#include <caf/sec.hpp>
#include <google/protobuf/message.h>

#include <switchboard/rpc/method.hpp>

namespace google::protobuf {

template <class Inspector, class Generated>
requires std::derived_from<Generated, Message>
typename Inspector::result_type inspect(Inspector& with, Generated& message) {
  if constexpr (std::is_same_v<typename Inspector::result_type, void>) {
    // What prints messages, for logs.
    return with(message.ShortDebugString());
  } else {
    std::string bytes;
    if constexpr (Inspector::reads_state) {
      message.SerializeToString(&bytes);
      return with(bytes);
    } else {
      return with(bytes, caf::meta::load_callback([&]() -> caf::error {
                    if (message.ParseFromString(bytes)) return caf::none;
                    return caf::sec::invalid_argument;
                  }));
    }
  }
}

}  // namespace google::protobuf

namespace switchboard::rpc {

namespace detail {

template <class Tag>
void add_message_types_of(caf::actor_system_config& config) {
  using request_type = typename Tag::request_type;
  using reply_type = typename Tag::reply_type;
  config.add_message_type<Tag>(std::string(Tag::name));
  config.add_message_type<request_type>(request_type::default_instance().GetTypeName());
  config.add_message_type<reply_type>(reply_type::default_instance().GetTypeName());
}

template <class... Tags>
void add_message_types_of(caf::actor_system_config& config, method_list<Tags...>) {
  (add_message_types_of<Tags>(config), ...);
}

}  // namespace detail

/// Announces the messages of a service (its generated struct) to CAF nodes.
template <class Service>
void add_message_types(caf::actor_system_config& config) {
  detail::add_message_types_of(config, typename Service::methods{});
}

}  // namespace switchboard::rpc
