// What the fan-out load finds of a server that loses, doubles, swaps or changes messages.

#include "load/fanout_load.hpp"

#include "scripted_server.hpp"

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace switchboard::bench {
namespace {

using namespace std::chrono_literals;

/// A protocol of lines: "s ROOM" subscribes, "p ROOM TEXT" publishes; "ready", "taken" and "m TEXT" come back.
class lines_dialect final : public fanout_dialect {
public:
  class lines_reader final : public reader {
    void feed(std::span<const std::byte> chunk, arrivals& into) override {
      partial_.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
      for (std::size_t end; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1)) {
        const auto line = partial_.substr(0, end);
        if (line == "ready") into.ready();
        if (line == "taken") into.acknowledged();
        if (line.starts_with("m ")) into.delivered(std::string_view(line).substr(2));
      }
    }
    std::string partial_;
  };
  class lines_publisher final : public publisher {
    std::size_t prepare(std::string&, const std::vector<std::string>&) override { return 0; }
    void publish(std::string& out, const std::string& room, std::string_view text) override {
      out += "p " + room + " " + std::string(text) + "\n";
    }
  };

  std::unique_ptr<reader> make_reader() const override { return std::make_unique<lines_reader>(); }
  std::unique_ptr<publisher> make_publisher(std::size_t) const override { return std::make_unique<lines_publisher>(); }
  void subscribe(std::string& out, const std::string& room) const override { out += "s " + room + "\n"; }
};

/// Each text goes to a room's members as `deliver` says, with the number of the delivery, from 0.
using delivery = std::function<void(std::string text, std::size_t number, std::string& out)>;

scripted_server::script lines(delivery deliver) {
  struct state {
    std::map<std::string, std::set<std::size_t>> rooms;
    std::map<std::size_t, std::string> partial;
    std::size_t deliveries = 0;
  };
  const auto of = std::make_shared<state>();
  return [of, deliver](std::size_t connection, std::string_view arrived, const scripted_server::outputs& out) {
    auto& partial = of->partial[connection] += arrived;
    for (std::size_t end; (end = partial.find('\n')) != std::string::npos; partial.erase(0, end + 1)) {
      std::istringstream line(partial.substr(0, end));
      std::string verb, room, text;
      line >> verb >> room >> text;
      if (verb == "s") {
        of->rooms[room].insert(connection);
        out(connection) += "ready\n";
        continue;
      }
      out(connection) += "taken\n";
      for (const auto member : of->rooms[room]) deliver(text, of->deliveries++, out(member));
    }
  };
}

faults wrong_with(const delivery& deliver, fanout_workload workload = {.members = 1, .window = 8, .payload = 32}) {
  scripted_server server{lines(deliver)};
  fanout_load load{server.address(), std::make_unique<lines_dialect>(), workload};
  auto wrong = load.run(5ms).wrong;
  wrong += load.verify();
  return wrong;
}

void send(const std::string& text, std::string& out) {
  out += "m " + text + "\n";
}

TEST(FanoutLoad, FindsNothingWrongWithEachOnceAndInOrder) {
  EXPECT_EQ(wrong_with([](const auto& text, std::size_t, auto& out) { send(text, out); }), faults{});
}

TEST(FanoutLoad, ReadsEachPublisherInEachRoom) {
  EXPECT_EQ(wrong_with([](const auto& text, std::size_t, auto& out) { send(text, out); },
                       {.members = 6, .rooms = 2, .publishers = 3, .window = 4}),
            faults{});
}

TEST(FanoutLoad, FindsALostMessage) {
  EXPECT_EQ(wrong_with([](const auto& text, std::size_t number, auto& out) {
              if (number != 3) send(text, out);
            }),
            (faults{.lost = 1}));
}

TEST(FanoutLoad, FindsAMessageThatComesTwice) {
  EXPECT_EQ(wrong_with([](const auto& text, std::size_t number, auto& out) {
              send(text, out);
              if (number == 3) send(text, out);
            }),
            (faults{.duplicated = 1}));
}

TEST(FanoutLoad, FindsMessagesThatChangePlaces) {
  std::string held;
  EXPECT_EQ(wrong_with([&](const auto& text, std::size_t number, auto& out) {
              if (number == 3) {
                held = text;
                return;
              }
              send(text, out);
              if (number == 4) send(held, out);
            }),
            (faults{.reordered = 1}));
}

TEST(FanoutLoad, FindsATextThatWasChanged) {
  EXPECT_EQ(wrong_with([](auto text, std::size_t number, auto& out) {
              send(text, out);
              text.back() = 'y';
              if (number == 3) send(text, out);
            }),
            (faults{.corrupted = 1}));
}

TEST(FanoutLoad, FindsAMessageThatWasNeverPublished) {
  EXPECT_EQ(wrong_with([](const auto& text, std::size_t number, auto& out) {
              send(text, out);
              if (number == 3) send("0000" + std::string(12, 'f') + text.substr(16), out);
            }),
            (faults{.corrupted = 1}));
}

TEST(FanoutLoad, PublishesAsManyAsTheRateSaysAndCountsFromWhenTheyWereDue) {
  scripted_server server{lines([](const auto& text, std::size_t, auto& out) { send(text, out); })};
  fanout_load load{server.address(),
                   std::make_unique<lines_dialect>(),
                   {.members = 2, .publishers = 2, .window = 1000, .rate = 1000}};
  const auto slice = load.run(100ms);
  EXPECT_EQ(slice.results, 200u);
  EXPECT_EQ(slice.lateness.count(), 100u);
  EXPECT_GE(slice.duration, 100ms);
}

TEST(FanoutLoad, CountsAServersPauseInEveryMessageThatWasDueInIt) {
  scripted_server server{lines([](const auto& text, std::size_t number, auto& out) {
    if (number == 10) std::this_thread::sleep_for(100ms);
    send(text, out);
  })};
  fanout_load load{server.address(), std::make_unique<lines_dialect>(), {.members = 1, .window = 1, .rate = 1000}};
  const auto slice = load.run(200ms);
  EXPECT_EQ(slice.results, 200u);
  // As with EchoLoad: a quarter of all waited for half of the pause, and the client was not late itself.
  EXPECT_GE(slice.latency.quantile(0.8), 45ms);
  EXPECT_LT(slice.lateness.quantile(0.8), 45ms);
}

}  // namespace
}  // namespace switchboard::bench
