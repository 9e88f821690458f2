#include "contender.hpp"
#include "installed.hpp"

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

}  // namespace

std::vector<contender<echo_workload>> echo_contenders() {
  return {loop_by_hand<echo_load, echo_workload>("bare", "one-shot", "bare loop"),
          loop_by_hand<echo_load, echo_workload>("level", "level", "level loop")};
}

std::vector<contender<connect_workload>> connect_contenders() {
  return {loop_by_hand<connect_load, connect_workload>("bare", "one-shot", "bare loop"),
          loop_by_hand<connect_load, connect_workload>("level", "level", "level loop")};
}

std::vector<contender<fanout_workload>> fanout_contenders() {
  return {redis_channels()};
}

}  // namespace switchboard::bench
