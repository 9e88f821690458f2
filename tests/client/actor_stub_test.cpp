#include "connection.hpp"
#include "numbers_service.hpp"

#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <switchboard/client/actor_stub.hpp>
#include <switchboard/client/stub.hpp>
#include <switchboard/pump/scheduler.hpp>
#include <switchboard/rpc/delegate.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/testkit/eventually.hpp>
#include <switchboard/testkit/expectations.hpp>
#include <switchboard/testkit/live_server.hpp>
#include <switchboard/v1/frame.pb.h>

namespace switchboard::client {
namespace {

using rpc::code;
using testkit::eventually;
using testkit::has_code;
using testkit::is_ok;
using passed_out = rpc::passed<rpc::outbound<Number>>;
using passed_in = rpc::passed<rpc::inbound<Number>>;

/// What an actor that reads a stream has seen of it.
struct transcript {
  std::mutex mutex{};
  std::vector<std::int64_t> values{};
  std::optional<rpc::status> end{};

  std::size_t size() {
    const std::lock_guard lock{mutex};
    return values.size();
  }
  bool over() {
    const std::lock_guard lock{mutex};
    return end.has_value();
  }
};

/// Runs `what` in an actor whose behavior is stream_turns() until it is sent away.
caf::actor act(caf::actor_system& in, std::function<void(caf::event_based_actor*)> what) {
  return in.spawn(
      [](caf::event_based_actor* self, const std::function<void(caf::event_based_actor*)>& begin) -> caf::behavior {
        begin(self);
        return rpc::stream_turns(self);
      },
      std::move(what));
}

/// An actor that keeps what it reads of `from`.
caf::actor read_into(caf::actor_system& in, const std::shared_ptr<transcript>& seen, rpc::inbound<Number> from,
                     std::uint32_t window = 32) {
  auto shared = std::make_shared<rpc::inbound<Number>>(std::move(from));
  return act(in, [=](caf::event_based_actor* self) {
    shared->receive(
        self,
        [seen](Number& each) {
          const std::lock_guard lock{seen->mutex};
          seen->values.push_back(each.value());
        },
        [seen](const rpc::status& how) {
          const std::lock_guard lock{seen->mutex};
          seen->end = how;
        },
        window);
  });
}

/// An actor that writes 1 to `last` as fast as it may, then ends as `how` says.
caf::actor write_from(caf::actor_system& in, rpc::outbound<Number> to, std::int64_t last, rpc::status how = {}) {
  auto out = std::make_shared<rpc::outbound<Number>>(std::move(to));
  return act(in, [=, next = std::make_shared<std::int64_t>(1)](caf::event_based_actor* self) {
    const auto go_on = [=] {
      if (!*out) return;
      while (*next <= last) {
        if (!out->send(number(*next))) return;
        ++*next;
      }
      how.ok() ? out->finish() : out->fail(how);
    };
    out->on_ready(self, go_on);
    go_on();
  });
}

/// Actors that call, without a server.
class ActorStub : public testing::Test {
protected:
  struct pumped : caf::actor_system_config {
    explicit pumped(const std::shared_ptr<notification_pump>& pump) {
      set("scheduler.max-threads", std::size_t{2});
      use_pump_scheduler(*this, pump);
    }
  };

  Numbers::actor connect(channel_options options = {}) {
    return client::connect<Numbers>(system_, pump_, listener_->local(), std::move(options));
  }
  static channel_options reconnecting() { return {.reconnect = backoff{{.first = 1ms, .cap = 5ms}, 1}}; }

  /// Asks and waits.
  template <class... Message>
  rpc::result<Number> ask(const Numbers::actor& stub, Message... message) {
    return answer_of(request(stub, std::move(message)...));
  }
  /// Asks; the answer is waited for elsewhere.
  template <class... Message>
  std::future<rpc::result<Number>> request(const Numbers::actor& stub, Message... message) {
    auto promise = std::make_shared<std::promise<rpc::result<Number>>>();
    auto answer = promise->get_future();
    auto content = std::make_shared<std::tuple<Message...>>(std::move(message)...);
    system_.spawn(
        [promise, content](caf::event_based_actor* self, const Numbers::actor& whom) {
          std::apply([&](auto&... each) { return self->request(whom, caf::infinite, std::move(each)...); }, *content)
              .then([promise](Number& reply) { promise->set_value(reply); },
                    [promise](const caf::error& failure) { promise->set_value(rpc::to_status(failure)); });
        },
        stub);
    return answer;
  }
  static rpc::result<Number> answer_of(std::future<rpc::result<Number>> answer) {
    if (answer.wait_for(10s) != std::future_status::ready) return rpc::status{code::unknown, "nothing came"};
    return answer.get();
  }
  static bool unanswered(const std::future<rpc::result<Number>>& answer) {
    return answer.wait_for(20ms) == std::future_status::timeout;
  }
  caf::scoped_actor& self() { return self_; }
  /// Until it is gone: what it runs may refer to locals of the test.
  void end(const caf::actor& reader_or_writer) {
    self_->send_exit(reader_or_writer, caf::exit_reason::user_shutdown);
    self_->wait_for(reader_or_writer);
  }

  /// What `fill` makes of a frame of `call`.
  template <class Fill>
  static void give(frame_channel& to, std::uint64_t call, Fill fill) {
    v1::Frame frame;
    frame.set_call(call);
    fill(frame);
    ASSERT_EQ(to.send(frame, patience()), std::error_code());
  }
  static void answer(frame_channel& to, std::uint64_t call, std::int64_t value, bool end = true) {
    give(to, call, [&](v1::Frame& frame) {
      frame.set_message(number(value).SerializeAsString());
      frame.set_end(end);
    });
  }

  std::unique_ptr<net::listener> listener_ = listen_on_loopback();
  std::shared_ptr<notification_pump> pump_ = notification_pump::create(std::move(notify::make_epoll_port().value()));
  pumped config_{pump_};
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
};

/// The same with a server in the process.
class ActorStubOfServer : public ActorStub {
protected:
  Numbers::actor connect_to_server(channel_options options = {}) {
    server_.add(serve_numbers());
    return client::connect<Numbers>(system_, pump_, server_.endpoint(), std::move(options));
  }

  testkit::live_server server_;
};

// -- the four kinds -------------------------------------------------------------------------------------------------

TEST_F(ActorStubOfServer, AnswersWithTheReply) {
  const auto stub = connect_to_server();
  const auto reply = ask(stub, Numbers::square{}, number(7));
  ASSERT_TRUE(is_ok(reply.status()));
  EXPECT_EQ(reply->value(), 49);
}

TEST_F(ActorStubOfServer, AnswersManyCallsAtOnce) {
  const auto stub = connect_to_server();
  std::vector<std::future<rpc::result<Number>>> answers;
  for (int i = 0; i < 500; ++i) answers.push_back(request(stub, Numbers::square{}, number(i)));
  for (int i = 0; i < 500; ++i) {
    const auto reply = answer_of(std::move(answers[static_cast<std::size_t>(i)]));
    ASSERT_TRUE(is_ok(reply.status())) << i;
    EXPECT_EQ(reply->value(), i * i);
  }
}

TEST_F(ActorStubOfServer, StreamsReplies) {
  const auto stub = connect_to_server();
  auto pipe = rpc::make_pipe<Number>();
  const auto seen = std::make_shared<transcript>();
  self()->send(stub, Numbers::count{}, number(1'000), passed_out{std::move(pipe.out)});
  const auto reader = read_into(system_, seen, std::move(pipe.in));
  ASSERT_TRUE(eventually([&] { return seen->over(); }));
  EXPECT_TRUE(is_ok(*seen->end));
  ASSERT_EQ(seen->values.size(), 1'000u);
  EXPECT_EQ(seen->values.back(), 1'000);
  end(reader);
}

TEST_F(ActorStubOfServer, StreamsRequests) {
  const auto stub = connect_to_server();
  auto pipe = rpc::make_pipe<Number>();
  auto sum = request(stub, Numbers::sum{}, passed_in{std::move(pipe.in)});
  const auto writer = write_from(system_, std::move(pipe.out), 1'000);
  const auto reply = answer_of(std::move(sum));
  ASSERT_TRUE(is_ok(reply.status()));
  EXPECT_EQ(reply->value(), 500'500);
  end(writer);
}

TEST_F(ActorStubOfServer, StreamsBothWays) {
  const auto stub = connect_to_server();
  auto requests = rpc::make_pipe<Number>();
  auto replies = rpc::make_pipe<Number>();
  const auto seen = std::make_shared<transcript>();
  self()->send(stub, Numbers::totals{}, passed_in{std::move(requests.in)}, passed_out{std::move(replies.out)});
  const auto reader = read_into(system_, seen, std::move(replies.in), 3);
  const auto writer = write_from(system_, std::move(requests.out), 500);
  ASSERT_TRUE(eventually([&] { return seen->over(); }));
  EXPECT_TRUE(is_ok(*seen->end));
  ASSERT_EQ(seen->values.size(), 500u);
  EXPECT_EQ(seen->values.back(), 125'250);
  for (const auto& each : {reader, writer}) end(each);
}

TEST_F(ActorStubOfServer, SendsAnEmptyStreamOfRequests) {
  const auto stub = connect_to_server();
  auto pipe = rpc::make_pipe<Number>();
  pipe.out.finish();
  const auto reply = ask(stub, Numbers::sum{}, passed_in{std::move(pipe.in)});
  ASSERT_TRUE(is_ok(reply.status()));
  EXPECT_EQ(reply->value(), 0);
}

TEST_F(ActorStubOfServer, LooksUpNamesBeforeItConnects) {
  server_.add(serve_numbers());
  const auto stub =
      client::connect<Numbers>(system_, pump_, net::endpoint::tcp("localhost", server_.endpoint().port()));
  EXPECT_TRUE(is_ok(ask(stub, Numbers::square{}, number(2)).status()));
}

// -- ends -----------------------------------------------------------------------------------------------------------

TEST_F(ActorStub, SendsAUnaryCallAsOneFrame) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  const auto opening = take_frame(peer);
  EXPECT_EQ(opening.call() % 2, 1u);
  EXPECT_EQ(opening.method(), Numbers::square::name);
  EXPECT_EQ(opening.message(), number(3).SerializeAsString());
  EXPECT_TRUE(opening.end());
  EXPECT_EQ(opening.timeout_ms(), 0u);
  answer(peer, opening.call(), 9);
  EXPECT_EQ(answer_of(std::move(call))->value(), 9);
}

TEST_F(ActorStub, AnswersWithTheServersStatus) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  give(peer, take_frame(peer).call(), [](v1::Frame& frame) {
    frame.mutable_status()->set_code(static_cast<int>(code::not_found));
    frame.mutable_status()->set_message("no such number");
  });
  EXPECT_EQ(answer_of(std::move(call)).status(), (rpc::status{code::not_found, "no such number"}));
}

TEST_F(ActorStub, CallsAReplyThatDoesNotParseInternalAndCancels) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  give(peer, take_frame(peer).call(), [](v1::Frame& frame) { frame.set_message("\x0a\x7f"); });
  EXPECT_TRUE(has_code(answer_of(std::move(call)).status(), code::internal));
  EXPECT_EQ(take_frame(peer).status().code(), static_cast<int>(code::cancelled));
}

TEST_F(ActorStub, EndsCallsOfEveryKindWhenTheConnectionBreaks) {
  const auto stub = connect();
  auto one = request(stub, Numbers::square{}, number(3));
  auto counted = rpc::make_pipe<Number>();
  auto summed = rpc::make_pipe<Number>();
  auto totalled = rpc::make_pipe<Number>();
  auto totals = rpc::make_pipe<Number>();
  const auto seen_count = std::make_shared<transcript>();
  const auto seen_totals = std::make_shared<transcript>();
  self()->send(stub, Numbers::count{}, number(9), passed_out{std::move(counted.out)});
  auto sum = request(stub, Numbers::sum{}, passed_in{std::move(summed.in)});
  self()->send(stub, Numbers::totals{}, passed_in{std::move(totalled.in)}, passed_out{std::move(totals.out)});
  const auto readers = {read_into(system_, seen_count, std::move(counted.in)),
                        read_into(system_, seen_totals, std::move(totals.in))};
  {
    auto peer = accept_from(*listener_);
    for (std::set<std::string> opened; opened.size() < 4;)
      if (const auto frame = take_frame(peer); !frame.method().empty()) opened.insert(frame.method());
  }
  EXPECT_TRUE(has_code(answer_of(std::move(one)).status(), code::unavailable));
  EXPECT_TRUE(has_code(answer_of(std::move(sum)).status(), code::unavailable));
  ASSERT_TRUE(eventually([&] { return seen_count->over() && seen_totals->over(); }));
  EXPECT_TRUE(has_code(*seen_count->end, code::unavailable));
  EXPECT_TRUE(has_code(*seen_totals->end, code::unavailable));
  EXPECT_TRUE(summed.out.ended());
  EXPECT_TRUE(totalled.out.ended());
  for (const auto& each : readers) end(each);
}

TEST_F(ActorStub, GivesWhatHasComeOfAStreamBeforeTheBreak) {
  const auto stub = connect();
  auto pipe = rpc::make_pipe<Number>();
  const auto seen = std::make_shared<transcript>();
  self()->send(stub, Numbers::count{}, number(9), passed_out{std::move(pipe.out)});
  const auto reader = read_into(system_, seen, std::move(pipe.in));
  {
    auto peer = accept_from(*listener_);
    auto frame = take_frame(peer);
    const auto call = frame.call();
    while (frame.credit() == 0) frame = take_frame(peer);
    answer(peer, call, 1, false);
    answer(peer, call, 2, false);
  }
  ASSERT_TRUE(eventually([&] { return seen->over(); }));
  EXPECT_EQ(seen->values, (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(has_code(*seen->end, code::unavailable));
  end(reader);
}

TEST_F(ActorStub, SaysWhyTheServerEndedTheConnection) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  (void)take_frame(peer);
  give(peer, 0, [](v1::Frame& frame) {
    frame.mutable_status()->set_code(static_cast<int>(code::invalid_argument));
    frame.mutable_status()->set_message("that was no frame");
  });
  const auto status = answer_of(std::move(call)).status();
  EXPECT_TRUE(has_code(status, code::unavailable));
  EXPECT_NE(status.message.find("that was no frame"), std::string::npos) << status.message;
  EXPECT_EQ(peer.await_end(patience()), std::error_code());
}

TEST_F(ActorStub, TellsAServerWhoseBytesAreNoFrames) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  (void)take_frame(peer);
  ASSERT_EQ(peer.send_bytes("\x02\xff\xff", patience()), std::error_code());
  EXPECT_TRUE(has_code(answer_of(std::move(call)).status(), code::unavailable));
  const auto last = take_frame(peer);
  EXPECT_EQ(last.call(), 0u);
  EXPECT_EQ(last.status().code(), static_cast<int>(code::invalid_argument));
}

TEST_F(ActorStub, SaysWhyItCannotConnect) {
  const auto nowhere = std::exchange(listener_, nullptr)->local();
  const auto stub = client::connect<Numbers>(system_, pump_, nowhere);
  const auto first = ask(stub, Numbers::square{}, number(3)).status();
  EXPECT_TRUE(has_code(first, code::unavailable));
  EXPECT_NE(first.message.find(nowhere.to_string()), std::string::npos) << first.message;
  EXPECT_EQ(ask(stub, Numbers::square{}, number(3)).status(), first);
}

/// Looks names up for as long as the test wants.
class slow_resolver final : public net::network {
public:
  ~slow_resolver() override { answered_.set_value(); }
  error_or<std::unique_ptr<net::listener>> listen(const net::endpoint&) override { return errc::closed; }
  error_or<std::unique_ptr<net::transport>> connect(const net::endpoint&) override {
    // Held here, because this may be gone when it is over.
    const auto answer = answer_;
    ++asked;
    answer.wait();
    return errc::unresolved_host;
  }
  error_or<std::unique_ptr<net::transport>> adopt(net::socket_handle) override { return errc::closed; }
  error_or<std::unique_ptr<net::datagram_socket>> open_datagrams(const net::endpoint&) override { return errc::closed; }

  std::atomic<int> asked{0};

private:
  std::promise<void> answered_;
  std::shared_future<void> answer_ = answered_.get_future().share();
};

TEST_F(ActorStub, GivesUpAConnectionThatIsNotMadeInTimeAndHoldsUpNoWorker) {
  slow_resolver names;
  const auto connect_by_name = [&] {
    return client::connect<Numbers>(system_, pump_, net::endpoint::tcp("somewhere", 1),
                                    {.connect_timeout = 20ms, .network = &names});
  };
  // As many look-ups as there are workers.
  const auto stubs = {connect_by_name(), connect_by_name()};
  ASSERT_TRUE(eventually([&] { return names.asked == 2; }));
  for (const auto& each : stubs)
    EXPECT_TRUE(has_code(ask(each, Numbers::square{}, number(3)).status(), code::unavailable));
}

TEST_F(ActorStub, TellsWhoMonitorsItThatTheConnectionBroke) {
  const auto stub = connect();
  self()->monitor(stub);
  { const auto gone = accept_from(*listener_); }
  self()->receive([&](const caf::down_msg& down) {
    EXPECT_EQ(down.source, stub);
    EXPECT_TRUE(has_code(rpc::to_status(down.reason), code::unavailable));
  });
}

TEST_F(ActorStub, ClosesTheConnectionWithItsLastHandle) {
  auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  (void)take_frame(peer);
  stub = nullptr;
  EXPECT_TRUE(has_code(answer_of(std::move(call)).status(), code::unavailable));
  EXPECT_EQ(peer.await_end(patience()), std::error_code());
  EXPECT_TRUE(eventually([&] { return pump_->registrations() == 0 && pump_->deadlines() == 0; }));
}

TEST_F(ActorStub, ClosesTheConnectionWhenItIsToldToExit) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  (void)take_frame(peer);
  self()->send_exit(stub, caf::exit_reason::user_shutdown);
  EXPECT_TRUE(has_code(answer_of(std::move(call)).status(), code::unavailable));
  EXPECT_EQ(peer.await_end(patience()), std::error_code());
  EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(3)).status(), code::unavailable));
}

TEST_F(ActorStub, SendsWhatItWasToldBeforeItsLastHandleWentAway) {
  auto stub = connect();
  auto peer = accept_from(*listener_);
  auto first = request(stub, Numbers::square{}, number(1));
  answer(peer, take_frame(peer).call(), 1);
  ASSERT_TRUE(is_ok(answer_of(std::move(first)).status()));
  self()->send(stub, Numbers::square{}, number(2));
  stub = nullptr;
  EXPECT_EQ(take_frame(peer).message(), number(2).SerializeAsString());
}

TEST_F(ActorStub, EndsWhenThePumpHasStopped) {
  auto stub = connect(reconnecting());
  auto peer = accept_from(*listener_);
  auto call = request(stub, Numbers::square{}, number(3));
  (void)take_frame(peer);
  pump_->stop();
  stub = nullptr;
  EXPECT_TRUE(has_code(answer_of(std::move(call)).status(), code::unavailable));
}

// -- deadlines and cancelling ---------------------------------------------------------------------------------------

TEST_F(ActorStub, EndsAUnaryCallAtItsTimeoutAndCancelsIt) {
  const auto stub = connect({.timeout = 30ms});
  auto peer = accept_from(*listener_);
  EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(3)).status(), code::deadline_exceeded));
  const auto opening = take_frame(peer);
  EXPECT_GE(opening.timeout_ms(), 1u);
  EXPECT_LE(opening.timeout_ms(), 30u);
  const auto last = take_frame(peer);
  EXPECT_EQ(last.call(), opening.call());
  EXPECT_EQ(last.status().code(), static_cast<int>(code::cancelled));
}

TEST_F(ActorStub, LeavesStreamsWithoutATimeoutOfTheirOwn) {
  const auto stub = connect({.timeout = 1h});
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  self()->send(stub, Numbers::count{}, number(1), passed_out{std::move(pipe.out)});
  EXPECT_EQ(take_frame(peer).timeout_ms(), 0u);
}

TEST_F(ActorStub, InheritsTheDeadlineOfTheCallItIsAskedFor) {
  const auto stub = connect({.timeout = 1h});
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  {
    const rpc::deadline_scope handling{pump_->now() + 500ms};
    self()->send(stub, Numbers::square{}, number(1));
    self()->send(stub, Numbers::count{}, number(2), passed_out{std::move(pipe.out)});
  }
  for (int i = 0; i < 2; ++i) {
    const auto opening = take_frame(peer);
    EXPECT_GE(opening.timeout_ms(), 1u) << opening.method();
    EXPECT_LE(opening.timeout_ms(), 500u) << opening.method();
  }
}

TEST_F(ActorStubOfServer, AnswersACallThatInheritsADeadline) {
  const auto stub = connect_to_server();
  const rpc::deadline_scope handling{pump_->now() + 1h};
  self()
      ->request(stub, caf::infinite, Numbers::square{}, number(5))
      .receive([](const Number& reply) { EXPECT_EQ(reply.value(), 25); },
               [](const caf::error& failure) { ADD_FAILURE() << rpc::to_status(failure).message; });
}

TEST_F(ActorStub, RefusesACallWhoseDeadlineHasPassed) {
  const auto stub = connect();
  const rpc::deadline_scope handling{pump_->now() - 1ms};
  self()
      ->request(stub, caf::infinite, Numbers::square{}, number(5))
      .receive(
          [](const Number&) { ADD_FAILURE() << "answered"; },
          [](const caf::error& failure) { EXPECT_TRUE(has_code(rpc::to_status(failure), code::deadline_exceeded)); });
}

TEST_F(ActorStub, CancelsAStreamThatNobodyReads) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  self()->send(stub, Numbers::count{}, number(9), passed_out{std::move(pipe.out)});
  const auto opening = take_frame(peer);
  pipe.in = {};
  const auto last = take_frame(peer);
  EXPECT_EQ(last.call(), opening.call());
  EXPECT_EQ(last.status().code(), static_cast<int>(code::cancelled));
}

TEST_F(ActorStub, CancelsAStreamWhoseReaderHasEnded) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  const auto seen = std::make_shared<transcript>();
  self()->send(stub, Numbers::count{}, number(9), passed_out{std::move(pipe.out)});
  const auto reader = read_into(system_, seen, std::move(pipe.in));
  auto frame = take_frame(peer);
  const auto call = frame.call();
  while (frame.credit() == 0) frame = take_frame(peer);
  end(reader);
  // Noticed when the next message finds no reader.
  answer(peer, call, 1, false);
  EXPECT_EQ(take_frame(peer).status().code(), static_cast<int>(code::cancelled));
}

TEST_F(ActorStub, CancelsACallWhoseWriterFails) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  auto sum = request(stub, Numbers::sum{}, passed_in{std::move(pipe.in)});
  (void)take_frame(peer);
  pipe.out.fail(code::aborted, "no more numbers");
  EXPECT_EQ(take_frame(peer).status().code(), static_cast<int>(code::cancelled));
  EXPECT_EQ(answer_of(std::move(sum)).status(), (rpc::status{code::aborted, "no more numbers"}));
}

TEST_F(ActorStub, EndsTheRequestsOfACallThatTheServerHasAnswered) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  auto sum = request(stub, Numbers::sum{}, passed_in{std::move(pipe.in)});
  const auto opening = take_frame(peer);
  answer(peer, opening.call(), 0);
  EXPECT_TRUE(is_ok(answer_of(std::move(sum)).status()));
  const auto last = take_frame(peer);
  EXPECT_EQ(last.call(), opening.call());
  EXPECT_TRUE(last.end());
  EXPECT_FALSE(last.has_status());
  EXPECT_TRUE(pipe.out.ended());
}

// -- credit and bounds ----------------------------------------------------------------------------------------------

TEST_F(ActorStub, OpensAStreamOfRequestsWithoutAMessageAndSendsAsTheServerGrants) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  auto sum = request(stub, Numbers::sum{}, passed_in{std::move(pipe.in)});
  const auto writer = write_from(system_, std::move(pipe.out), 3);
  const auto opening = take_frame(peer);
  EXPECT_FALSE(opening.has_message());
  EXPECT_FALSE(opening.end());
  v1::Frame none;
  EXPECT_EQ(peer.receive(none, within(20ms)), errc::timed_out);
  give(peer, opening.call(), [](v1::Frame& frame) { frame.set_credit(2); });
  EXPECT_EQ(take_frame(peer).message(), number(1).SerializeAsString());
  EXPECT_EQ(take_frame(peer).message(), number(2).SerializeAsString());
  EXPECT_EQ(peer.receive(none, within(20ms)), errc::timed_out);
  give(peer, opening.call(), [](v1::Frame& frame) { frame.set_credit(1); });
  EXPECT_EQ(take_frame(peer).message(), number(3).SerializeAsString());
  EXPECT_TRUE(take_frame(peer).end());
  answer(peer, opening.call(), 6);
  EXPECT_EQ(answer_of(std::move(sum))->value(), 6);
  end(writer);
}

TEST_F(ActorStub, GrantsTheServerWhatTheReaderTakes) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  std::latch held{1};
  std::atomic<int> begun{0};
  self()->send(stub, Numbers::count{}, number(9), passed_out{std::move(pipe.out)});
  const auto from = std::make_shared<rpc::inbound<Number>>(std::move(pipe.in));
  const auto reader = act(system_, [&held, &begun, from](caf::event_based_actor* actor) {
    from->receive(
        actor,
        [&](Number&) {
          ++begun;
          held.wait();
        },
        [](const rpc::status&) {}, 4);
  });
  auto frame = take_frame(peer);
  const auto call = frame.call();
  std::uint32_t granted = frame.credit();
  while (granted < 4) granted += take_frame(peer).credit();
  EXPECT_EQ(granted, 4u);
  for (int i = 1; i <= 4; ++i) answer(peer, call, i, false);
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  // The reader is slow, so the server gets no credit and would send nothing.
  EXPECT_EQ(peer.receive(frame, within(20ms)), errc::timed_out);
  held.count_down();
  for (granted = 0; granted < 4;) granted += take_frame(peer).credit();
  EXPECT_EQ(granted, 4u);
  end(reader);
}

TEST_F(ActorStubOfServer, LetsASlowReaderHoldTheServerBack) {
  // Counts what the server's stream is asked for.
  struct counting {
    std::shared_ptr<std::atomic<std::int64_t>> produced;
    void square(const Number&, rpc::responder<Number>) {}
    void count(const Number&, rpc::outbound<Number> replies) {
      replies.generate([made = produced](Number& next) {
        next.set_value(++*made);
        return true;
      });
    }
    void sum(rpc::inbound<Number>, rpc::responder<Number>) {}
    void totals(rpc::inbound<Number>, rpc::outbound<Number>) {}
  };
  const auto produced = std::make_shared<std::atomic<std::int64_t>>(0);
  server_.add(rpc::service<counting>(std::string(Numbers::full_name), produced)
                  .method<Numbers::square>(&counting::square)
                  .method<Numbers::count>(&counting::count)
                  .method<Numbers::sum>(&counting::sum)
                  .method<Numbers::totals>(&counting::totals));
  const auto stub = client::connect<Numbers>(system_, pump_, server_.endpoint());
  auto pipe = rpc::make_pipe<Number>();
  std::latch held{1};
  std::atomic<std::int64_t> read{0};
  self()->send(stub, Numbers::count{}, number(0), passed_out{std::move(pipe.out)});
  const auto from = std::make_shared<rpc::inbound<Number>>(std::move(pipe.in));
  const auto reader = act(system_, [&held, &read, from](caf::event_based_actor* actor) {
    from->receive(
        actor,
        [&](Number&) {
          if (++read == 100) held.wait();
        },
        [](const rpc::status&) {}, 8);
  });
  ASSERT_TRUE(eventually([&] { return read == 100; }));
  // What was granted ahead, and one message that is made and waits for its credit.
  ASSERT_TRUE(eventually([&] { return *produced >= 100; }));
  EXPECT_LE(*produced, 100 + 8 + 1);
  held.count_down();
  EXPECT_TRUE(eventually([&] { return *produced > 1'000; }));
  end(reader);
}

TEST_F(ActorStub, CancelsAStreamThatSendsMoreThanItWasGranted) {
  const auto stub = connect();
  auto peer = accept_from(*listener_);
  auto pipe = rpc::make_pipe<Number>();
  self()->send(stub, Numbers::count{}, number(9), passed_out{std::move(pipe.out)});
  answer(peer, take_frame(peer).call(), 1, false);
  EXPECT_EQ(take_frame(peer).status().code(), static_cast<int>(code::cancelled));
  const auto seen = std::make_shared<transcript>();
  const auto reader = read_into(system_, seen, std::move(pipe.in));
  ASSERT_TRUE(eventually([&] { return seen->over(); }));
  EXPECT_TRUE(has_code(*seen->end, code::resource_exhausted));
  end(reader);
}

TEST_F(ActorStub, RefusesMoreCallsThanMayBeOpen) {
  const auto stub = connect({.limits = {.open_calls_max = 2}});
  auto peer = accept_from(*listener_);
  auto first = request(stub, Numbers::square{}, number(1));
  auto second = request(stub, Numbers::square{}, number(2));
  const auto call = take_frame(peer).call();
  (void)take_frame(peer);
  EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(3)).status(), code::resource_exhausted));
  answer(peer, call, 1);
  ASSERT_TRUE(eventually([&] { return !unanswered(first) || !unanswered(second); }));
  auto third = request(stub, Numbers::square{}, number(4));
  EXPECT_EQ(take_frame(peer).message(), number(4).SerializeAsString());
}

TEST_F(ActorStub, RefusesCallsBeyondItsOutputLimit) {
  // No server listens yet, so all requests wait.
  const auto at = std::exchange(listener_, nullptr)->local();
  auto options = reconnecting();
  options.limits.output_bytes_max = 8;
  const auto stub = client::connect<Numbers>(system_, pump_, at, options);
  auto waits = request(stub, Numbers::square{}, number(1'000'000));
  ASSERT_TRUE(unanswered(waits));
  auto also_waits = request(stub, Numbers::square{}, number(1'000'000));
  ASSERT_TRUE(unanswered(also_waits));
  EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(1'000'000)).status(), code::resource_exhausted));
}

TEST_F(ActorStub, RefusesARequestAboveTheFrameLimitAndGoesOn) {
  const auto stub = connect({.limits = {.frame_bytes_max = 110}});
  auto peer = accept_from(*listener_);
  auto fits = number(1);
  EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(-1)).status(), code::resource_exhausted));
  auto call = request(stub, Numbers::square{}, fits);
  answer(peer, take_frame(peer).call(), 1);
  EXPECT_TRUE(is_ok(answer_of(std::move(call)).status()));
}

// -- connecting anew ------------------------------------------------------------------------------------------------

TEST_F(ActorStub, ConnectsAnewAfterABreakAndRepeatsNothing) {
  const auto stub = connect(reconnecting());
  auto call = request(stub, Numbers::square{}, number(1));
  {
    auto peer = accept_from(*listener_);
    (void)take_frame(peer);
  }
  EXPECT_TRUE(has_code(answer_of(std::move(call)).status(), code::unavailable));
  auto peer = accept_from(*listener_);
  auto again = request(stub, Numbers::square{}, number(2));
  const auto opening = take_frame(peer);
  EXPECT_EQ(opening.message(), number(2).SerializeAsString());
  answer(peer, opening.call(), 4);
  EXPECT_EQ(answer_of(std::move(again))->value(), 4);
}

TEST_F(ActorStub, KeepsCallsUntilThereIsAConnection) {
  const auto at = std::exchange(listener_, nullptr)->local();
  const auto stub = client::connect<Numbers>(system_, pump_, at, reconnecting());
  auto pipe = rpc::make_pipe<Number>();
  pipe.out.finish();
  auto first = request(stub, Numbers::square{}, number(1));
  auto second = request(stub, Numbers::sum{}, passed_in{std::move(pipe.in)});
  ASSERT_TRUE(unanswered(first));
  ASSERT_TRUE(unanswered(second));
  listener_ = std::move(net::system_network().listen(at).value());
  auto peer = accept_from(*listener_);
  std::set<std::string> opened;
  for (int i = 0; i < 2; ++i) {
    const auto frame = take_frame(peer);
    EXPECT_TRUE(frame.end()) << "a stream that ended while it waited is opened with its end";
    opened.insert(frame.method());
  }
  EXPECT_EQ(opened, (std::set<std::string>{std::string(Numbers::square::name), std::string(Numbers::sum::name)}));
}

TEST_F(ActorStub, EndsAWaitingCallAtItsDeadline) {
  const auto at = std::exchange(listener_, nullptr)->local();
  auto options = reconnecting();
  options.timeout = 30ms;
  const auto stub = client::connect<Numbers>(system_, pump_, at, options);
  EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(1)).status(), code::deadline_exceeded));
}

TEST_F(ActorStub, FailsCallsAtOnceWithoutAConnectionWhereThatIsAskedFor) {
  const auto at = std::exchange(listener_, nullptr)->local();
  auto options = reconnecting();
  options.wait_for_connection = false;
  const auto stub = client::connect<Numbers>(system_, pump_, at, options);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(has_code(ask(stub, Numbers::square{}, number(1)).status(), code::unavailable));
  listener_ = std::move(net::system_network().listen(at).value());
  auto peer = accept_from(*listener_);
  // The connection may be made a moment before the stub actor knows.
  ASSERT_TRUE(eventually([&] {
    auto call = request(stub, Numbers::square{}, number(1));
    v1::Frame frame;
    if (peer.receive(frame, within(10ms))) return false;
    answer(peer, frame.call(), 1);
    return answer_of(std::move(call)).ok();
  }));
}

TEST_F(ActorStub, PausesLongerBetweenAttemptsThatComeToNothing) {
  // A server that accepts and closes again is no success.
  auto options = reconnecting();
  options.reconnect = backoff{{.first = 1ms, .cap = 1h}, 7};
  const auto stub = connect(options);
  std::size_t accepted = 0;
  for (const auto until = within(300ms); clock::now() < until;)
    if (const auto connection = listener_->accept(); connection && *connection)
      ++accepted;
    else
      std::this_thread::yield();
  EXPECT_GE(accepted, 2u);
  // Each bound is twice the one before: about nine of them pass 300 ms, where equal ones would be hundreds.
  EXPECT_LE(accepted, 30u);
}

TEST_F(ActorStub, FindsAServerThatWasRestarted) {
  std::optional<actors::broker> serving;
  const auto start = [&](const net::endpoint& at) {
    serving.emplace(system_, pump_);
    EXPECT_EQ(serving->add(serve_numbers()), "");
    return serving->listen(at).value();
  };
  const auto at = start(net::endpoint::tcp("127.0.0.1", 0));
  const auto stub = client::connect<Numbers>(system_, pump_, at, reconnecting());
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(eventually([&] { return ask(stub, Numbers::square{}, number(3)).ok(); })) << round;
    serving.reset();
    start(at);
  }
  ASSERT_TRUE(eventually([&] { return ask(stub, Numbers::square{}, number(3)).ok(); }));
}

// -- between servers ------------------------------------------------------------------------------------------------

/// A service that has another server do its work.
struct relay {
  relay(rpc::service_actor* actor, Numbers::actor next) : self(actor), to(std::move(next)) {}
  void square(Number& request, rpc::responder<Number> call) {
    call.delegate(self, to, Numbers::square{}, std::move(request));
  }
  void count(Number& request, rpc::outbound<Number> replies) {
    self->send(to, Numbers::count{}, std::move(request), passed_out{std::move(replies)});
  }
  void sum(rpc::inbound<Number> requests, rpc::responder<Number> call) {
    call.delegate(self, to, Numbers::sum{}, passed_in{std::move(requests)});
  }
  void totals(rpc::inbound<Number> requests, rpc::outbound<Number> replies) {
    self->send(to, Numbers::totals{}, passed_in{std::move(requests)}, passed_out{std::move(replies)});
  }

  rpc::service_actor* self;
  Numbers::actor to;
};

class ActorStubInAService : public ActorStubOfServer {
protected:
  /// A client of a server that relays to `next`.
  channel connect_to_relay(Numbers::actor next) {
    const auto wrong = relay_.add(rpc::service<relay>(std::string(Numbers::full_name), std::move(next))
                                      .method<Numbers::square>(&relay::square)
                                      .method<Numbers::count>(&relay::count)
                                      .method<Numbers::sum>(&relay::sum)
                                      .method<Numbers::totals>(&relay::totals));
    EXPECT_EQ(wrong, "");
    return std::move(*channel::connect(relay_.listen(net::endpoint::tcp("127.0.0.1", 0)).value(), patience()));
  }

  actors::broker relay_{system_, pump_};
};

TEST_F(ActorStubInAService, PassesCallsOfEveryKindOn) {
  auto client = connect_to_relay(connect_to_server());
  const auto square = call<Numbers::square>(client, number(6), patience()).get();
  ASSERT_TRUE(is_ok(square.status()));
  EXPECT_EQ(square->value(), 36);
  auto replies = read<Numbers::count>(client, number(500), {.window = 5});
  std::int64_t count = 0;
  for (const auto& each : replies.until(patience())) ASSERT_EQ(each.value(), ++count);
  EXPECT_EQ(count, 500);
  EXPECT_TRUE(is_ok(replies.status()));
  auto numbers = write<Numbers::sum>(client);
  for (int i = 1; i <= 500; ++i) ASSERT_TRUE(is_ok(numbers.send(number(i), patience())));
  const auto sum = numbers.finish(patience());
  ASSERT_TRUE(is_ok(sum.status()));
  EXPECT_EQ(sum->value(), 125'250);
  auto totals = exchange_of<Numbers::totals>(client);
  Number total;
  for (int i = 1; i <= 50; ++i) {
    ASSERT_TRUE(is_ok(totals.send(number(i), patience())));
    ASSERT_TRUE(totals.next(total, patience()).has_message());
  }
  EXPECT_EQ(total.value(), 1'275);
  totals.finish();
  EXPECT_TRUE(testkit::ended_with(totals.next(total, patience()), code::ok));
}

TEST_F(ActorStubInAService, PassesACallsDeadlineOn) {
  auto client = connect_to_relay(connect());
  auto peer = accept_from(*listener_);
  const auto unary = client.open(method_of<Numbers::square>(), number(1), {.until = within(60s)});
  const auto streaming = client.open(method_of<Numbers::count>(), number(1), {.until = within(60s)});
  for (int i = 0; i < 2; ++i) {
    const auto opening = take_frame(peer);
    EXPECT_GT(opening.timeout_ms(), 0u) << opening.method();
    EXPECT_LE(opening.timeout_ms(), 60'000u) << opening.method();
  }
}

TEST_F(ActorStubInAService, PassesACancelOn) {
  auto client = connect_to_relay(connect());
  auto peer = accept_from(*listener_);
  auto replies = read<Numbers::count>(client, number(1), {.window = 1});
  const auto opening = take_frame(peer);
  EXPECT_EQ(opening.credit(), 1u);
  replies.cancel();
  const auto last = take_frame(peer);
  EXPECT_EQ(last.call(), opening.call());
  EXPECT_EQ(last.status().code(), static_cast<int>(code::cancelled));
}

TEST_F(ActorStubInAService, PassesCreditOnInBothDirections) {
  auto client = connect_to_relay(connect());
  auto peer = accept_from(*listener_);
  auto totals = exchange_of<Numbers::totals>(client, {.window = 3});
  const auto opening = take_frame(peer);
  EXPECT_EQ(opening.credit(), 3u);
  EXPECT_TRUE(has_code(totals.send(number(1), within(20ms)), code::deadline_exceeded));
  give(peer, opening.call(), [](v1::Frame& frame) { frame.set_credit(1); });
  EXPECT_TRUE(is_ok(totals.send(number(1), patience())));
  EXPECT_EQ(take_frame(peer).message(), number(1).SerializeAsString());
  EXPECT_TRUE(has_code(totals.send(number(2), within(20ms)), code::deadline_exceeded));
}

}  // namespace
}  // namespace switchboard::client
