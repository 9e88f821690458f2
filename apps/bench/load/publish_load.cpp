#include "publish_load.hpp"

#include "client_connection.hpp"
#include "measure/sequence_check.hpp"
#include "room_reader.hpp"
#include "text_number.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <switchboard/chat/v1/chat.pb.h>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds answer_timeout{30};
constexpr auto room = "bench";

struct publisher {
  client_connection socket;
  wire::frame_decoder decoder;
  std::uint64_t number = 0;
  std::uint64_t last_call = 1;
  std::uint64_t acknowledged = 0;
  std::uint64_t last_sequence = 0;
  steady_clock::time_point asked_at;
};

}  // namespace

class publish_load::loop {
public:
  loop(net::endpoint server, const publish_workload& workload)
      : server_(std::move(server)), workload_(workload), publishers_(workload.publishers), chunk_(64 * 1024) {
    request_.set_room(room);
    request_.set_text(std::string(std::max(workload.text, text_number::digits), 'x'));
    for (auto& each : publishers_) {
      each.number = static_cast<std::uint64_t>(&each - publishers_.data());
      each.socket.open(server_, ready_, &each);
      chat::v1::JoinRequest join;
      join.set_room(room);
      join.set_nickname("publisher-" + std::to_string(each.number));
      // Without credit nothing of the room comes.
      wire::append_open(each.socket.output(), 1, "switchboard.chat.v1.Chat/Join", join.SerializeAsString(), true, 0, 0);
    }
  }

  load_slice run(std::chrono::nanoseconds duration) {
    load_slice slice;
    const auto started = steady_clock::now();
    const auto until = started + duration;
    for (auto& each : publishers_) publish(each);
    for (auto outstanding = publishers_.size(); outstanding != 0;) {
      const auto events = ready_.wait(answer_timeout);
      if (events.empty())
        throw std::runtime_error(std::to_string(outstanding) + " publishes were not acknowledged within " +
                                 std::to_string(answer_timeout.count()) + " s");
      for (const auto& event : events) {
        auto& from = *static_cast<publisher*>(event.data.ptr);
        const bool answered = (event.events & ~EPOLLOUT) != 0 && take_answer(from, slice);
        from.socket.flush();
        if (!answered) continue;
        const auto now = steady_clock::now();
        slice.latency.add(now - from.asked_at);
        slice.duration = now - started;
        if (now < until)
          publish(from);
        else
          --outstanding;
      }
    }
    return slice;
  }

  faults verify() {
    faults wrong;
    std::uint64_t acknowledged = 0;
    for (const auto& each : publishers_) acknowledged += each.acknowledged;
    std::vector<sequence_check> of_publisher(publishers_.size());
    std::vector<std::uint64_t> found(publishers_.size());
    std::uint64_t last_sequence = 0;
    // One more, so that one too many shows.
    read_room(server_, room, static_cast<std::uint32_t>(acknowledged + 1), [&](const chat::v1::ChatMessage& message) {
      if (message.sequence() <= last_sequence) ++wrong.reordered;
      last_sequence = message.sequence();
      text_number number;
      if (!number.read(message.text()) || number.publisher >= publishers_.size() ||
          std::string_view(message.text()).substr(text_number::digits) != filler())
        ++wrong.corrupted;
      else
        found[number.publisher] += of_publisher[number.publisher].take(number.message, wrong);
    });
    // What is missing in between was counted; here what is missing at the end.
    for (const auto& each : publishers_)
      if (found[each.number] < each.acknowledged) wrong.lost += each.acknowledged - found[each.number];
    return wrong;
  }

private:
  /// What follows the number in each text.
  std::string_view filler() const { return std::string_view(request_.text()).substr(text_number::digits); }

  void publish(publisher& by) {
    by.asked_at = steady_clock::now();
    by.last_call += 2;
    text_number{by.number, by.acknowledged}.write(*request_.mutable_text());
    request_.SerializeToString(&bytes_);
    wire::append_open(by.socket.output(), by.last_call, "switchboard.chat.v1.Chat/Publish", bytes_, true, 0, 0);
    by.socket.flush();
  }

  /// Whether the outstanding publish was acknowledged.
  bool take_answer(publisher& of, load_slice& slice) {
    const auto chunk = of.socket.read(chunk_);
    if (chunk.empty()) return false;
    of.decoder.feed(chunk);
    bool answered = false;
    wire::frame_view frame;
    for (;;) {
      const auto outcome = of.decoder.next(frame);
      if (outcome == wire::frame_decoder::outcome::need_more) return answered;
      if (outcome == wire::frame_decoder::outcome::failed || frame.has_status)
        throw std::runtime_error("a publish was refused");
      if (!frame.has_message) continue;
      if (frame.call != of.last_call || answered) {
        ++slice.wrong.duplicated;
        continue;
      }
      answered = true;
      check(of, frame.message, slice);
      ++of.acknowledged;
    }
  }

  void check(publisher& of, std::string_view message, load_slice& slice) {
    if (!reply_.ParseFromArray(message.data(), static_cast<int>(message.size())) ||
        (workload_.must_be_synced && reply_.durability() < chat::v1::PublishReply::FSYNCED)) {
      ++slice.wrong.corrupted;
    } else if (reply_.duplicate() || reply_.sequence() == of.last_sequence) {
      ++slice.wrong.duplicated;
    } else if (reply_.sequence() < of.last_sequence) {
      ++slice.wrong.reordered;
    } else {
      ++slice.results;
    }
    of.last_sequence = reply_.sequence();
  }

  const net::endpoint server_;
  const publish_workload workload_;
  epoll_set ready_;
  chat::v1::PublishRequest request_;
  chat::v1::PublishReply reply_;
  std::string bytes_;
  std::vector<publisher> publishers_;
  std::vector<std::byte> chunk_;
};

publish_load::publish_load(const net::endpoint& server, const publish_workload& workload)
    : loop_(std::make_unique<loop>(server, workload)) {}

publish_load::~publish_load() = default;

load_slice publish_load::run(std::chrono::nanoseconds duration) {
  return loop_->run(duration);
}

faults publish_load::verify() {
  return loop_->verify();
}

}  // namespace switchboard::bench
