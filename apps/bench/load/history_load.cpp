#include "history_load.hpp"

#include "measure/process_memory.hpp"
#include "measure/sequence_check.hpp"
#include "room_reader.hpp"

#include <algorithm>
#include <utility>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

/// Messages between two looks at the broker's memory.
constexpr std::uint64_t look_every = 10'000;

}  // namespace

history_load::history_load(net::endpoint server, std::string room, std::uint32_t messages, std::string text,
                           std::optional<pid_t> broker)
    : server_(std::move(server)),
      room_(std::move(room)),
      messages_(messages),
      text_(std::move(text)),
      broker_(broker) {}

load_slice history_load::run(std::chrono::nanoseconds duration) {
  load_slice slice;
  const auto started = steady_clock::now();
  do {
    const auto began = steady_clock::now();
    sequence_check in_order;
    std::uint64_t accounted = 0;
    read_room(server_, room_, messages_, [&](const chat::v1::ChatMessage& message) {
      accounted += in_order.take(message.sequence() - 1, slice.wrong);
      ++(message.text() == text_ ? slice.results : slice.wrong.corrupted);
      if (message.sequence() % look_every == 0) most_resident_ = std::max(most_resident_, resident_bytes(broker_));
    });
    if (accounted < messages_) slice.wrong.lost += messages_ - accounted;
    slice.latency.add(steady_clock::now() - began);
  } while (steady_clock::now() - started < duration);
  slice.duration = steady_clock::now() - started;
  return slice;
}

}  // namespace switchboard::bench
