// Connection actors in simulated worlds: whatever pieces their bytes come and go in, and wherever a connection breaks,
// every call is answered once, with what belongs to it, and a stream sends what its credit allows.

#include "broker_world.hpp"
#include "seeds.hpp"

#include <deque>
#include <map>

#include <gtest/gtest.h>

#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::simulation {
namespace {

using echo::v1::Echo;
using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;

/// Answers some calls at once, and others in another turn.
class moody_echo {
public:
  explicit moody_echo(rpc::service_actor* self) : self_(self) {}

  void say(const SayRequest& request, rpc::responder<SayReply> reply) {
    SayReply answer;
    answer.set_payload(request.payload());
    if (request.payload().size() % 3 != 0) return reply.reply(answer);
    later_.emplace_back(std::move(reply), std::move(answer));
    self_->send(self_, answer_one::value);
  }
  void repeat(const RepeatRequest& request, rpc::outbound<SayReply> stream) {
    stream.generate([payload = request.payload(), left = request.times()](SayReply& reply) mutable {
      reply.set_payload(payload);
      return left-- > 0;
    });
  }
  caf::message_handler messages() {
    return {[this](answer_one) {
      auto [reply, answer] = std::move(later_.front());
      later_.pop_front();
      reply.reply(answer);
    }};
  }

private:
  using answer_one = caf::atom_constant<caf::atom("answerone")>;

  rpc::service_actor* const self_;
  std::deque<std::pair<rpc::responder<SayReply>, SayReply>> later_;
};

/// Calls until each of its calls has been answered whole; after a broken connection those outstanding are made again.
class caller final : public wire_client {
public:
  using wire_client::wire_client;

  bool is_done() const override { return answered_ >= calls_; }
  std::string describe() const override {
    return name() + ": " + std::to_string(answered_) + " of " + std::to_string(calls_) + " answered, " +
           std::to_string(open_.size()) + " open, " + (is_connected() ? "connected" : "away");
  }

private:
  static constexpr unsigned calls_ = 12;
  static constexpr std::size_t calls_at_once = 4;
  /// More than any send buffer that a bad day has.
  static constexpr std::size_t payload_max = 300;
  static constexpr std::uint64_t repeats = 20;

  struct open_call {
    std::string payload;
    bool streams = false;
    std::uint64_t seen = 0;
    std::uint64_t credit = 0;  ///< messages that may still come
  };

  void on_connected() override {
    open_.clear();
    next_call_ = 1;
  }

  void speak() override {
    while (!is_done() && open_.size() < calls_at_once) {
      auto& call = open_[next_call_];
      call.payload.assign(1 + dice().below(payload_max), static_cast<char>('a' + dice().below(26)));
      call.streams = dice().below(3) == 0;
      call.credit = call.streams ? dice().below(4) : 1;
      if (call.streams) {
        RepeatRequest request;
        request.set_payload(call.payload);
        request.set_times(repeats);
        wire::append_open(output(), next_call_, Echo::repeat::name, request.SerializeAsString(), true,
                          static_cast<std::uint32_t>(call.credit), 0);
      } else {
        SayRequest request;
        request.set_payload(call.payload);
        wire::append_open(output(), next_call_, Echo::say::name, request.SerializeAsString(), true, 0, 0);
      }
      next_call_ += 2;
    }
    for (auto& [number, call] : open_)
      if (call.streams && call.credit == 0 && dice().below(2) == 0) {
        call.credit = 1 + dice().below(8);
        wire::append_credit(output(), number, static_cast<std::uint32_t>(call.credit));
      }
  }

  void on_frame(const wire::frame_view& frame) override {
    const auto at = open_.find(frame.call);
    if (at == open_.end()) return fault("an answer to call " + std::to_string(frame.call) + ", which is not open");
    auto& call = at->second;
    if (frame.has_message) {
      SayReply reply;
      if (!reply.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size()))) return fault("no reply");
      if (reply.payload() != call.payload) fault("another call's answer to call " + std::to_string(frame.call));
      if (call.credit == 0) return fault("a message without credit for call " + std::to_string(frame.call));
      --call.credit;
      ++call.seen;
    }
    if (!frame.end) return;
    if (call.seen != (call.streams ? repeats : 1))
      fault("call " + std::to_string(frame.call) + " ended behind " + std::to_string(call.seen) + " messages");
    open_.erase(at);
    ++answered_;
  }

  std::map<std::uint64_t, open_call> open_;
  std::uint64_t next_call_ = 1;
  unsigned answered_ = 0;
};

std::string run(std::uint64_t seed, std::size_t clients, const simulated::weather& weather) {
  broker_world world{seed, Echo::service<moody_echo>()};
  world.change(weather);
  for (std::size_t each = 0; each < clients; ++each)
    world.add(std::make_unique<caller>(world.world(), world.address(), "client-" + std::to_string(each),
                                       world.dice().roll()));
  return world.run();
}

class ConnectionSimulation : public testing::Test {
protected:
  static void SetUpTestSuite() { logging::start(logging::level::off); }
  static void TearDownTestSuite() { logging::stop(); }
};

TEST_F(ConnectionSimulation, AnswersEveryCallOnceInThousandsOfWorlds) {
  for_each_seed(2'000, [](std::uint64_t seed) { return run(seed, 3, weather_of(seed)); });
}

TEST_F(ConnectionSimulation, AnswersByteByByte) {
  simulated::weather trickle;
  trickle.send_buffer_bytes = 1;
  for_each_seed(20, [&](std::uint64_t seed) { return run(seed, 2, trickle); });
}

}  // namespace
}  // namespace switchboard::simulation
