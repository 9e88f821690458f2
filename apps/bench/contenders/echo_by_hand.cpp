// The echo service as methods written by hand, without generated code, classes or typed handlers: what
// `switchboard-bench echo --baseline echo-by-hand` measures the generated path against.

#include <switchboard/echo/v1/echo.pb.h>
#include <switchboard/server/server.hpp>

namespace rpc = switchboard::rpc;
using namespace switchboard::echo::v1;

namespace {

void say(void*, rpc::incoming_call& call) {
  SayRequest request;
  if (!request.ParseFromArray(call.request.data(), static_cast<int>(call.request.size())))
    return rpc::refuse_malformed(call.handle, request);
  SayReply reply;
  reply.set_allocated_payload(request.release_payload());
  rpc::responder<SayReply>{std::move(call.handle)}.reply(reply);
}

void repeat(void*, rpc::incoming_call& call) {
  call.handle.fail(rpc::code::unimplemented, "only Say is measured");
}

rpc::service_definition echo_by_hand() {
  const std::string name = "switchboard.echo.v1.Echo";
  rpc::service_definition echo{name, [](rpc::service_actor*) { return nullptr; }};
  echo.add(
      {name + "/Say", rpc::method_kind::unary, &SayRequest::default_instance(), &SayReply::default_instance(), say});
  echo.add({name + "/Repeat", rpc::method_kind::server_streaming, &RepeatRequest::default_instance(),
            &SayReply::default_instance(), repeat});
  return echo;
}

}  // namespace

int main(int argc, char** argv) {
  switchboard::server server{"echo-by-hand", "The echo service, without generated code.", "127.0.0.1:7778"};
  server.add(echo_by_hand());
  return server.run(argc, argv);
}
