#include "contender.hpp"
#include "installed.hpp"

#include <filesystem>
#include <memory>
#include <utility>

namespace switchboard::bench {
namespace {

/// The loops of hand_loop.hpp, which this program is too.
template <class Load, class Workload>
contender<Workload> loop_by_hand(std::string name, std::string triggering, std::string title) {
  return {std::move(name), true, "", [=](const Workload& workload, std::size_t threads) {
            auto server =
                server_process::start({program_beside_this("switchboard-bench"), "serve-by-hand", "--triggering",
                                       triggering, "--threads", std::to_string(threads), "--listen", "127.0.0.1:0"});
            auto load = std::make_unique<Load>(server.address(), workload);
            return side{title, std::move(server), std::move(load)};
          }};
}

/// A server of the same frames that is a program beside this one, where its library was installed.
contender<echo_workload> program_of_library(std::string name, std::string title, std::string package) {
  const auto program = program_beside_this(name + "-echo-server");
  return {std::move(name), std::filesystem::exists(program), std::move(package),
          [=](const echo_workload& workload, std::size_t threads) {
            auto server = server_process::start({program, std::to_string(threads)});
            auto load = std::make_unique<echo_load>(server.address(), workload);
            return side{title, std::move(server), std::move(load)};
          }};
}

#ifndef SWITCHBOARD_BENCH_GRPC
contender<echo_workload> grpc_absent() {
  return {"grpc", false, "libgrpc++-dev and protobuf-compiler-grpc", {}};
}
#endif

}  // namespace

std::vector<contender<echo_workload>> echo_contenders() {
  return {loop_by_hand<echo_load, echo_workload>("bare", "one-shot", "bare loop"),
          loop_by_hand<echo_load, echo_workload>("level", "level", "level loop"),
          program_of_library("asio", "Boost.Asio", "libboost-dev"),
          program_of_library("caf", "CAF's broker", "libcaf-dev"),
#ifdef SWITCHBOARD_BENCH_GRPC
          grpc_callback()
#else
          grpc_absent()
#endif
  };
}

std::vector<contender<connect_workload>> connect_contenders() {
  return {loop_by_hand<connect_load, connect_workload>("bare", "one-shot", "bare loop"),
          loop_by_hand<connect_load, connect_workload>("level", "level", "level loop")};
}

std::vector<contender<fanout_workload>> fanout_contenders() {
  return {redis_channels(), nats_subjects(), mosquitto_topics()};
}

}  // namespace switchboard::bench
