#include <switchboard/echo/v1/echo.switchboard.hpp>
#include <switchboard/server/server.hpp>

using namespace switchboard::echo::v1;
namespace rpc = switchboard::rpc;

struct echo {
  SayReply say(SayRequest& request) {
    SayReply reply;
    *reply.mutable_payload() = std::move(*request.mutable_payload());
    return reply;
  }
  void repeat(const RepeatRequest& request, rpc::outbound<SayReply> stream) {
    stream.generate([payload = request.payload(), left = request.times()](SayReply& reply) mutable {
      reply.set_payload(payload);
      return left-- > 0;
    });
  }
};

int main(int argc, char** argv) {
  switchboard::server server{"echo-server", "Answers with what it is sent.", "127.0.0.1:7778"};
  server.add(Echo::service<echo>());
  return server.run(argc, argv);
}
