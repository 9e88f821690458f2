#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/caf_error.hpp>

namespace switchboard::rpc {

caf::error to_error(const status& failure) {
  SWITCHBOARD_INVARIANT(!failure.ok(), "an error was made of the status OK");
  auto context = failure.trailing.empty() ? caf::make_message(failure.message)
                                          : caf::make_message(failure.message, std::string(failure.trailing.fields()));
  return {static_cast<std::uint8_t>(failure.code), status_category, std::move(context)};
}

status to_status(const caf::error& failure) {
  if (failure.category() == status_category) {
    status same{static_cast<code>(failure.code()), {}};
    const auto& context = failure.context();
    if (context.match_elements<std::string>() || context.match_elements<std::string, std::string>())
      same.message = context.get_as<std::string>(0);
    if (context.size() == 2) same.trailing = metadata{metadata_view{context.get_as<std::string>(1)}};
    return same;
  }
  auto why = code::internal;
  if (failure.category() == caf::atom("exit")) why = code::unavailable;
  if (failure.category() == caf::atom("system")) {
    switch (static_cast<caf::sec>(failure.code())) {
      case caf::sec::request_receiver_down:
      case caf::sec::remote_lookup_failed:
      case caf::sec::no_such_group_module:
      case caf::sec::cannot_connect_to_node:
        why = code::unavailable;
        break;
      case caf::sec::unexpected_message:
        why = code::unimplemented;
        break;
      case caf::sec::request_timeout:
        why = code::deadline_exceeded;
        break;
      default:
        break;
    }
  }
  return {why, caf::to_string(failure)};
}

}  // namespace switchboard::rpc
