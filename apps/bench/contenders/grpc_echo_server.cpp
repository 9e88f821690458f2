// grpc-echo-server: Echo/Say on gRPC's callback API, from the same .proto file. What switchboard-bench measures as `grpc`.
// gRPC chooses its threads.

#include <cstdio>

#include <grpcpp/grpcpp.h>

#include <switchboard/echo/v1/echo.grpc.pb.h>

namespace {

using switchboard::echo::v1::Echo;
using switchboard::echo::v1::SayReply;
using switchboard::echo::v1::SayRequest;

class echo final : public Echo::CallbackService {
  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* context, const SayRequest* request,
                                SayReply* reply) override {
    reply->set_payload(request->payload());
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int main() {
  echo service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  server->Wait();
}
