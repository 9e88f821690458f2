#include <utility>

#include <caf/mailbox_element.hpp>

#include <switchboard/rpc/answers.hpp>

namespace switchboard::rpc {

std::size_t answers::bytes() const noexcept {
  auto all = frames.capacity();
  for (const auto& each : trailers) all += each.pairs.fields().size();
  return all;
}

void end_notice::deliver(caf::execution_unit* context) noexcept {
  if (const auto watcher = std::exchange(watcher_, nullptr))
    watcher->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, what_), context);
}

}  // namespace switchboard::rpc
