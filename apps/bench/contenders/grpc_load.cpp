// The echo load for gRPC's server (grpc_echo_server.cpp), by its callback client: a channel with a connection of its own for
// each connection. The client costs more than the frames' load does, on the same processors: compare CPU time of the servers
// and not throughput.

#include "contender.hpp"
#include "installed.hpp"
#include "measure/pace.hpp"

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <switchboard/echo/v1/echo.pb.h>

namespace switchboard::bench {
namespace {

using std::chrono::steady_clock;

const std::string method = "/switchboard.echo.v1.Echo/Say";

class grpc_load final : public load {
public:
  grpc_load(const net::endpoint& server, const echo_workload& workload)
      : workload_(workload), payload_(workload.payload, 'x') {
    for (std::size_t each = 0; each < workload.connections; ++each) {
      grpc::ChannelArguments own;
      own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      auto channel = grpc::CreateCustomChannel(server.to_string(), grpc::InsecureChannelCredentials(), own);
      if (!channel->WaitForConnected(std::chrono::system_clock::now() + echo_load::answer_timeout))
        throw std::runtime_error("gRPC does not connect to " + server.to_string());
      connections_.push_back(std::make_unique<connection>(std::move(channel)));
    }
  }

  load_slice run(std::chrono::nanoseconds duration) override {
    std::unique_lock lock(mutex_);
    slice_ = {};
    const auto started = steady_clock::now();
    until_ = started + duration;
    if (workload_.rate)
      call_at(*workload_.rate, started, lock);
    else
      for (auto& each : connections_)
        for (std::size_t made = 0; made < workload_.outstanding; ++made) start(*each, steady_clock::now());
    if (!changed_.wait_for(lock, duration + echo_load::answer_timeout, [&] { return in_flight_ == 0; }))
      throw std::runtime_error(std::to_string(in_flight_) + " calls were not answered");
    slice_.duration = steady_clock::now() - started;
    return slice_;
  }

private:
  struct connection {
    explicit connection(std::shared_ptr<grpc::Channel> channel) : stub(std::move(channel)) {}
    grpc::TemplatedGenericStub<echo::v1::SayRequest, echo::v1::SayReply> stub;
    std::size_t in_flight = 0;
  };
  struct call {
    grpc::ClientContext context;
    echo::v1::SayRequest request;
    echo::v1::SayReply reply;
    steady_clock::time_point since;
  };

  void call_at(double rate, steady_clock::time_point started, std::unique_lock<std::mutex>& lock) {
    for (pace due{rate, started, until_}; !due.is_over(); due.take()) {
      auto& next = *connections_[due.taken() % connections_.size()];
      changed_.wait_until(lock, due.due(), [] { return false; });
      changed_.wait(lock, [&] { return next.in_flight < workload_.outstanding; });
      slice_.lateness.add(steady_clock::now() - due.due());
      start(next, due.due());
    }
  }

  /// Under the lock, as all that follows.
  void start(connection& on, steady_clock::time_point since) {
    auto made = std::make_shared<call>();
    made->since = since;
    const auto number = number_++;
    if (payload_.size() >= sizeof number) std::memcpy(payload_.data(), &number, sizeof number);
    made->request.set_payload(payload_);
    ++on.in_flight;
    ++in_flight_;
    auto* const of = made.get();
    on.stub.UnaryCall(&of->context, method, {}, &of->request, &of->reply,
                      [this, &on, made = std::move(made)](const grpc::Status& status) { finish(on, *made, status); });
  }

  /// On one of gRPC's threads.
  void finish(connection& on, const call& of, const grpc::Status& status) {
    const auto now = steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (status.ok() && of.reply.payload() == of.request.payload())
      ++slice_.results;
    else
      ++slice_.wrong.corrupted;
    slice_.latency.add(now - of.since);
    --on.in_flight;
    --in_flight_;
    if (!workload_.rate && now < until_) start(on, now);
    if (in_flight_ == 0 || workload_.rate) changed_.notify_one();
  }

  const echo_workload workload_;
  std::string payload_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::mutex mutex_;
  std::condition_variable changed_;
  load_slice slice_;
  steady_clock::time_point until_;
  std::uint64_t number_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace

contender<echo_workload> grpc_callback() {
  return {"grpc", true, "", [](const echo_workload& workload, std::size_t) {
            auto server = server_process::start({program_beside_this("grpc-echo-server")});
            auto load = std::make_unique<grpc_load>(server.address(), workload);
            return side{"gRPC callback", std::move(server), std::move(load)};
          }};
}

}  // namespace switchboard::bench
