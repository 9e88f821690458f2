// An echo that shows what the chat broker does not: requests' metadata goes back as trailing metadata, a call may be held,
// a token may be demanded, calls may be made on behalf of calls.

#include <switchboard/client/actor_stub.hpp>
#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/rpc/delegate.hpp>
#include <switchboard/rpc/service_actor.hpp>
#include <switchboard/server/server.hpp>

namespace switchboard {
namespace {

using namespace echo::v1;

/// So many equal messages, and then an end with metadata.
class repeated_messages final : public rpc::source {
public:
  repeated_messages(const RepeatRequest& request, rpc::metadata trailing)
      : left_(request.times()), trailing_(std::move(trailing)) {
    SayReply reply;
    reply.set_payload(request.payload());
    bytes_ = reply.SerializeAsString();
  }
  outcome next(rpc::payload& out) override {
    if (ended()) return outcome::end;
    --left_;
    out = {bytes_, {}};
    return outcome::message;
  }
  bool ended() override { return left_ == 0; }
  rpc::status result() const override { return {rpc::code::ok, {}, trailing_}; }

private:
  std::uint32_t left_;
  const rpc::metadata trailing_;
  std::string bytes_;
};

class mirror {
public:
  void say(const SayRequest& request, rpc::responder<SayReply> call, const rpc::metadata& metadata) {
    if (request.payload() == "hold") return held_.push_back(std::move(call));
    if (request.payload() == "fail") return call.fail({rpc::code::aborted, "asked to", metadata});
    SayReply reply;
    reply.set_payload(request.payload());
    if (request.payload() != "too much") return call.reply(reply, metadata);
    rpc::metadata all = metadata;
    while (all.refused() == 0) all.add("more", std::string(100, 'x'));
    call.reply(reply, all);
  }
  void repeat(const RepeatRequest& request, rpc::outbound<SayReply> stream, const rpc::metadata& metadata) {
    stream.follow(std::make_shared<repeated_messages>(request, metadata));
  }

private:
  std::vector<rpc::responder<SayReply>> held_;
};

/// Has another server answer; reads no metadata.
class forwarder {
public:
  forwarder(rpc::service_actor* self, const net::endpoint& to)
      : self_(self), next_(client::connect<Echo>(self->system(), self->pump(), to)) {}

  void say(const SayRequest& request, rpc::responder<SayReply> call) {
    call.delegate(self_, next_, Echo::say{}, request);
  }
  void repeat(const RepeatRequest&, rpc::outbound<SayReply> stream) {
    stream.fail(rpc::code::unimplemented, "only Say is forwarded");
  }

private:
  rpc::service_actor* const self_;
  const Echo::actor next_;
};

int run(int argc, char** argv) {
  server program{"conformance-server", "Answers with what it is sent, metadata included.", "127.0.0.1:0"};
  std::string token;
  std::string next;
  program.command_line().add_text("--token", token, "demand this token of every client");
  program.command_line().add_text("--forward", next, "have the server there answer Say");
  program.add([&]() -> rpc::result<rpc::service_definition> {
    if (!token.empty())
      program.demand_authentication([&token](std::string_view held, const std::string&) -> rpc::result<std::string> {
        if (held == token) return std::string{"holder"};
        return rpc::status{rpc::code::unauthenticated, "not the token"};
      });
    if (next.empty()) return Echo::service<mirror>();
    const auto to = net::endpoint::parse(next);
    if (!to) return rpc::status{rpc::code::invalid_argument, next + " is not an address"};
    return Echo::service<forwarder>(*to);
  });
  return program.run(argc, argv);
}

}  // namespace
}  // namespace switchboard

int main(int argc, char** argv) {
  return switchboard::run(argc, argv);
}
