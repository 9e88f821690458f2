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
#include <thread>
#include <unordered_set>
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

  /// After a failure calls may be outstanding, which end here.
  ~grpc_load() override {
    std::unique_lock lock(mutex_);
    is_ending_ = true;
    const auto outstanding = calls_;
    lock.unlock();
    for (const auto& each : outstanding) each->context.TryCancel();
    lock.lock();
    changed_.wait(lock, [&] { return calls_.empty(); });
  }

  load_slice run(std::chrono::nanoseconds duration) override {
    slice_ = {};
    const auto started = steady_clock::now();
    until_ = started + duration;
    if (workload_.rate)
      call_at(*workload_.rate, started);
    else
      for (auto& each : connections_)
        for (std::size_t made = 0; made < workload_.outstanding; ++made) call_on(*each, steady_clock::now());
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, duration + echo_load::answer_timeout, [&] { return calls_.empty(); }))
      fail(std::to_string(calls_.size()) + " calls");
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

  [[noreturn]] static void fail(const std::string& calls) {
    throw std::runtime_error(calls + " were not answered within " + std::to_string(echo_load::answer_timeout.count()) +
                             " s");
  }

  void call_at(double rate, steady_clock::time_point started) {
    for (pace due{rate, started, until_}; !due.is_over(); due.take()) {
      auto& next = *connections_[due.taken() % connections_.size()];
      std::this_thread::sleep_until(due.due());
      wait_for_room(next, due);
      note_lateness(due.lateness(steady_clock::now()));
      call_on(next, due.due());
    }
  }

  void note_lateness(std::chrono::nanoseconds late) {
    const std::lock_guard lock(mutex_);
    slice_.lateness.add(late);
  }

  void wait_for_room(const connection& on, pace& due) {
    const auto has_room = [&] { return on.in_flight < workload_.outstanding; };
    std::unique_lock lock(mutex_);
    if (has_room()) return;
    if (!changed_.wait_for(lock, echo_load::answer_timeout, has_room)) fail("a connection's calls");
    due.was_held_until(steady_clock::now());
  }

  void call_on(connection& on, steady_clock::time_point since) {
    std::unique_lock lock(mutex_);
    auto made = new_call(on, since);
    lock.unlock();
    send(on, std::move(made));
  }

  /// Under the lock.
  std::shared_ptr<call> new_call(connection& on, steady_clock::time_point since) {
    auto made = std::make_shared<call>();
    made->since = since;
    const auto number = number_++;
    if (payload_.size() >= sizeof number) std::memcpy(payload_.data(), &number, sizeof number);
    made->request.set_payload(payload_);
    ++on.in_flight;
    calls_.insert(made);
    return made;
  }

  /// Without the lock: a call that fails at once may be finished before this returns.
  void send(connection& on, std::shared_ptr<call> made) {
    auto* const of = made.get();
    on.stub.UnaryCall(&of->context, method, {}, &of->request, &of->reply,
                      [this, &on, made = std::move(made)](const grpc::Status& status) { finish(on, made, status); });
  }

  /// On one of gRPC's threads.
  void finish(connection& on, const std::shared_ptr<call>& of, const grpc::Status& status) {
    const auto now = steady_clock::now();
    std::unique_lock lock(mutex_);
    if (status.ok() && of->reply.payload() == of->request.payload())
      ++slice_.results;
    else
      ++slice_.wrong.corrupted;
    slice_.latency.add(now - of->since);
    --on.in_flight;
    calls_.erase(of);
    auto next = !workload_.rate && !is_ending_ && now < until_ ? new_call(on, now) : nullptr;
    // The last thing that is done with this object where no call is left.
    if (calls_.empty() || workload_.rate) changed_.notify_one();
    lock.unlock();
    if (next) send(on, std::move(next));
  }

  const echo_workload workload_;
  std::string payload_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::mutex mutex_;
  std::condition_variable changed_;
  load_slice slice_;
  steady_clock::time_point until_;
  std::uint64_t number_ = 0;
  std::unordered_set<std::shared_ptr<call>> calls_;  // outstanding
  bool is_ending_ = false;
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
