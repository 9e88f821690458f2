#pragma once

/// An echo that can also fail, never answer, and die.

#include <memory>
#include <stdexcept>
#include <vector>

#include <caf/event_based_actor.hpp>

#include <switchboard/client/channel.hpp>
#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/rpc/service.hpp>
#include <switchboard/rpc/service_actor.hpp>

namespace switchboard {

using echo::v1::RepeatRequest;
using echo::v1::SayReply;
using echo::v1::SayRequest;

struct moody_echo {
  explicit moody_echo(caf::event_based_actor* actor) : self(actor) {}

  void say(SayRequest& request, rpc::responder<SayReply> call) {
    if (request.payload() == "throw") throw std::runtime_error("asked to");
    if (request.payload() == "forget") return;
    if (request.payload() == "hold") return held.push_back(std::move(call));
    if (request.payload() == "die") {
      held.push_back(std::move(call));
      return self->quit(caf::make_error(caf::exit_reason::kill));
    }
    SayReply reply;
    reply.set_payload(request.payload());
    call.reply(reply);
  }
  void repeat(const RepeatRequest& request, rpc::outbound<SayReply> stream) {
    stream.generate([payload = request.payload(), left = request.times()](SayReply& reply) mutable {
      reply.set_payload(payload);
      return left-- > 0;
    });
  }

  caf::event_based_actor* self;
  std::vector<rpc::responder<SayReply>> held;
};

inline rpc::service_definition moody_echo_service() {
  return rpc::service<moody_echo>("switchboard.echo.v1.Echo")
      .unary("Say", &moody_echo::say)
      .server_streaming("Repeat", &moody_echo::repeat);
}

inline constexpr client::method_name say_method{"switchboard.echo.v1.Echo/Say"};
inline constexpr client::method_name repeat_method{"switchboard.echo.v1.Echo/Repeat",
                                                   rpc::method_kind::server_streaming};

inline SayRequest say_request(std::string payload) {
  SayRequest request;
  request.set_payload(std::move(payload));
  return request;
}

}  // namespace switchboard
