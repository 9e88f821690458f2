#pragma once

/// A connection actor on a stage: the test plays the client's bytes, the broker and the services.

#include <deque>
#include <functional>
#include <vector>

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <gtest/gtest.h>

#include <switchboard/actors/connection.hpp>
#include <switchboard/actors/service_host.hpp>
#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/testkit/scripted_transport.hpp>
#include <switchboard/testkit/stage.hpp>
#include <switchboard/v1/frame.pb.h>
#include <switchboard/v1/services.pb.h>
#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::actors {

using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;
using link::close_reason;
using notify::event;
using notify::interest;

struct say_method : rpc::unary_method<SayRequest, SayReply> {
  static constexpr std::string_view name = "switchboard.echo.v1.Echo/Say";
};

/// Keeps each call until the test answers it.
struct held_echo {
  struct desk {
    std::deque<rpc::responder<SayReply>> said;
    std::deque<rpc::outbound<SayReply>> streams;
    std::deque<rpc::metadata> metadata;  ///< of the calls of Repeat, which reads it
    std::deque<std::string> payloads;
    std::string at_once;      ///< not empty: what every call is answered with at once
    caf::actor passes_on_to;  ///< gets the payload of every call
  };
  explicit held_echo(desk* on) : on_(*on) {}

  void say(const SayRequest& request, rpc::responder<SayReply> call) {
    on_.payloads.push_back(request.payload());
    if (on_.passes_on_to) caf::anon_send(on_.passes_on_to, request.payload());
    if (!on_.at_once.empty()) {
      SayReply reply;
      reply.set_payload(on_.at_once);
      return call.reply(reply);
    }
    on_.said.push_back(std::move(call));
  }
  void repeat(const RepeatRequest&, rpc::outbound<SayReply> stream, const rpc::metadata& metadata) {
    on_.streams.push_back(std::move(stream));
    on_.metadata.push_back(metadata);
  }

  desk& on_;
};

/// What the connection said to its broker.
struct broker_log {
  std::vector<close_reason> closed;
  std::size_t drained = 0;
};

inline caf::behavior recording_broker(caf::event_based_actor*, broker_log* log) {
  return {
      [log](const connection_closed& closed) { log->closed.push_back(closed.reason); },
      [log](const connection_drained&) { ++log->drained; },
  };
}

/// Who watches calls, and what it heard.
inline caf::behavior recording_watcher(caf::event_based_actor*, std::vector<std::uint64_t>* ended) {
  return {[ended](const rpc::call_ended& call) { ended->push_back(call.call); }};
}

class ConnectionTest : public testing::Test {
protected:
  static constexpr std::string_view say = say_method::name;
  static constexpr std::string_view repeat = "switchboard.echo.v1.Echo/Repeat";
  static constexpr auto socket = static_cast<net::socket_handle>(7);

  void start(switchboard::actors::limits limits = {}) {
    environment->pump = stage.pump();
    environment->limits = limits;
    environment->directory = std::make_shared<service_directory>();
    rpc::service_definition echo = rpc::service<held_echo>("switchboard.echo.v1.Echo", &desk)
                                       .unary("Say", &held_echo::say)
                                       .server_streaming("Repeat", &held_echo::repeat);
    ASSERT_EQ(environment->directory->add(std::move(echo).answer_bytes_max<say_method>(say_answer_bytes_max)), "");
    environment->figures = std::make_shared<metrics::registry>();
    environment->link_figures = link::link_metrics{environment->figures};
    environment->waiting_calls = environment->figures->new_gauge("switchboard_calls_waiting", "Calls that wait.");
    environment->hits = std::make_shared<limit_hits>(environment->figures);
    environment->directory->seal(environment->figures);
    environment->broker = caf::actor_cast<caf::strong_actor_ptr>(stage.system().spawn(recording_broker, &broker));
    auto& route = environment->directory->routes().front();
    // The host is the real one; only the service that it hosts is held by the test.
    route.host(spawn_host(route.definition()));
    connection_ = stage.system().spawn<actors::connection>(environment, std::uint64_t{1},
                                                           std::make_unique<testkit::scripted_transport>(socket, wire));
    stage.settle();
  }

  void TearDown() override {
    desk = {};
    tell(close_connection{});
    if (environment->directory)
      for (auto& route : environment->directory->routes()) {
        if (const auto host = route.host()) caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
        route.host(nullptr);
      }
    caf::anon_send_exit(environment->broker, caf::exit_reason::user_shutdown);
    for (auto& actor : watchers_) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    watchers_.clear();
    connection_ = nullptr;
    environment = nullptr;
    stage.settle();
    EXPECT_EQ(stage.pump()->registrations(), 0u);
    EXPECT_EQ(stage.pump()->deadlines(), 0u);
  }

  template <class Message>
  void tell(Message message) {
    post(std::move(message));
    stage.settle();
  }
  /// Leaves it in the connection's mailbox.
  template <class Message>
  void post(Message message) {
    if (connection_) caf::anon_send(connection_, std::move(message));
  }
  /// Ends the actor as a fault of ours does.
  void fail_connection() {
    caf::anon_send_exit(connection_, caf::exit_reason::unhandled_exception);
    stage.settle();
  }

  /// Gets what the service passes on, as a room does, and watches; `heard` is what came, in its order.
  caf::strong_actor_ptr room_behind_the_service(std::vector<std::string>& heard) {
    desk.passes_on_to = stage.system().spawn(
        [](caf::event_based_actor*, std::vector<std::string>* all) -> caf::behavior {
          return {[all](const std::string& payload) { all->push_back(payload); },
                  [all](const rpc::call_ended&) { all->push_back("the end"); }};
        },
        &heard);
    watchers_.push_back(desk.passes_on_to);
    return caf::actor_cast<caf::strong_actor_ptr>(desk.passes_on_to);
  }

  caf::strong_actor_ptr watcher(std::vector<std::uint64_t>& ended) {
    watchers_.push_back(stage.system().spawn(recording_watcher, &ended));
    return caf::actor_cast<caf::strong_actor_ptr>(watchers_.back());
  }

  /// The client sends `bytes`, in one piece.
  void receive(std::string bytes) {
    wire->input.push_back(std::move(bytes));
    stage.port().fire(socket, event::in);
    stage.settle();
  }
  /// The client sends its end of stream.
  void receive_end() {
    wire->input_ends = true;
    stage.port().fire(socket, event::in | event::hangup);
    stage.settle();
  }
  /// The socket takes `room` more bytes.
  void make_room(std::size_t room) {
    wire->room += room;
    stage.port().fire(socket, event::out);
    stage.settle();
  }

  static std::string open_say(std::uint64_t call, const std::string& payload, std::uint32_t timeout_ms = 0) {
    SayRequest request;
    request.set_payload(payload);
    std::string out;
    wire::append_open(out, call, say, request.SerializeAsString(), true, 0, timeout_ms);
    return out;
  }
  static std::string open_ping(std::uint64_t call) {
    std::string out;
    wire::append_open(out, call, "switchboard.v1.Session/Ping", {}, true, 0, 0);
    return out;
  }
  static std::string open_repeat(std::uint64_t call, std::uint32_t credit) {
    std::string out;
    wire::append_open(out, call, repeat, {}, true, credit, 0);
    return out;
  }
  static std::string frame(const v1::Frame& content) {
    const auto bytes = content.SerializeAsString();
    std::string out;
    for (auto size = bytes.size();; size >>= 7) {
      if (size < 0x80) {
        out.push_back(static_cast<char>(size));
        return out + bytes;
      }
      out.push_back(static_cast<char>(size | 0x80));
    }
  }
  static std::string credit(std::uint64_t call, std::uint32_t messages) {
    std::string out;
    wire::append_credit(out, call, messages);
    return out;
  }
  static std::string status(std::uint64_t call, rpc::code code) {
    std::string out;
    wire::append_status(out, call, static_cast<int>(code), "said by the client");
    return out;
  }

  /// The whole frames written since the last call of this.
  std::vector<v1::Frame> sent() {
    std::vector<v1::Frame> frames;
    wire::frame_decoder decoder{64 * 1024 * 1024};
    decoder.feed(std::as_bytes(std::span{wire->output}));
    wire::frame_view view;
    while (decoder.next(view) == wire::frame_decoder::outcome::frame) {
      auto& decoded = frames.emplace_back();
      decoded.set_call(view.call);
      if (view.has_message) decoded.set_message(std::string(view.message));
      decoded.set_end(view.end);
      if (view.has_status) decoded.mutable_status()->ParseFromString(std::string(view.status));
      for (const auto& each : view.metadata) {
        auto* pair = decoded.add_metadata();
        pair->set_key(std::string(each.key));
        pair->set_value(std::string(each.value));
      }
    }
    EXPECT_FALSE(decoder.error()) << decoder.error().message();
    EXPECT_FALSE(decoder.inside_frame()) << "the output ends inside a frame";
    wire->output.clear();
    return frames;
  }
  /// The one frame written since then.
  v1::Frame sent_one() {
    const auto frames = sent();
    EXPECT_EQ(frames.size(), 1u);
    return frames.empty() ? v1::Frame{} : frames.front();
  }
  static SayReply reply(const std::string& payload) {
    SayReply message;
    message.set_payload(payload);
    return message;
  }
  static rpc::code code_of(const v1::Frame& frame) { return static_cast<rpc::code>(frame.status().code()); }
  static std::string payload_of(const v1::Frame& frame) {
    SayReply message;
    message.ParseFromString(frame.message());
    return message.payload();
  }

  interest armed_filter() {
    const auto* registration = stage.port().find(socket);
    return registration && registration->armed ? registration->filter : interest::none;
  }

  testkit::stage stage;
  std::shared_ptr<testkit::scripted_wire> wire = std::make_shared<testkit::scripted_wire>();
  std::shared_ptr<connection_environment> environment = std::make_shared<connection_environment>();
  held_echo::desk desk;
  std::size_t say_answer_bytes_max = rpc::method::default_answer_bytes_max;  ///< as Say declares it
  broker_log broker;

private:
  caf::strong_actor_ptr spawn_host(const rpc::service_definition& definition) {
    return caf::actor_cast<caf::strong_actor_ptr>(stage.system().spawn<service_host>(
        stage.pump(), std::shared_ptr<const rpc::service_definition>{environment->directory, &definition}));
  }

  caf::actor connection_;
  std::vector<caf::actor> watchers_;
};

}  // namespace switchboard::actors
