#include "query_actor.hpp"

#include <utility>

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/turn.hpp>

namespace switchboard::chat {

query_actor::query_actor(caf::actor_config& config, std::shared_ptr<budget::ledger> memory)
    : caf::event_based_actor(config) {
  if (memory) memory_.emplace(std::move(memory), budget::owner::stream);
}

caf::behavior query_actor::make_behavior() {
  // CAF's own handlers write to standard output.
  set_default_handler(caf::drop);
  set_exception_handler([](std::exception_ptr&) -> caf::error { return caf::exit_reason::unhandled_exception; });
  const auto answering_together = [this](auto&& handle) {
    const rpc::turn turn{this};
    handle();
  };
  return {
      [=, this](found_piece_message& found) { answering_together([&] { on_piece(found.take()); }); },
      [=, this](new_query& added) { answering_together([&] { on_query(added.take()); }); },
      [=, this](const rpc::call_ended& ended) { answering_together([&] { on_ended(ended); }); },
  };
}

void query_actor::on_query(std::shared_ptr<query> added) {
  auto& call = added->call();
  const auto caller = call.context().caller().id;
  const auto number = call.context().number();
  call.watch(caf::strong_actor_ptr{ctrl()});
  lines_[caller].waiting.emplace(number, std::move(added));
  start_waiting(caller);
}

/// What a connection has waiting may start, as far as it may and in its turn.
void query_actor::start_waiting(std::uint64_t caller) {
  const auto found = lines_.find(caller);
  if (found == lines_.end()) return;
  auto& own = found->second;
  if (own.may_start() && !std::exchange(own.in_turn, true)) turns_.push_back(caller);
  if (own.running.empty() && own.waiting.empty()) lines_.erase(found);
  start_in_turn();
}

void query_actor::start_in_turn() {
  while (running_ < running_max && !turns_.empty()) {
    const auto caller = turns_.front();
    turns_.pop_front();
    const auto found = lines_.find(caller);
    if (found == lines_.end()) continue;
    auto& own = found->second;
    own.in_turn = false;
    if (own.may_start()) start_one(own);
    if (own.may_start()) {
      own.in_turn = true;
      turns_.push_back(caller);
    } else if (own.running.empty() && own.waiting.empty()) {
      lines_.erase(found);
    }
  }
}

void query_actor::start_one(line& of) {
  // None where an actor of this process calls.
  const auto& allowance = of.waiting.begin()->second->call().context().caller().allowance;
  if (allowance && allowance->closed()) {
    // The connection is gone; of what it had here its allowance allowed only a few.
    of.waiting.clear();
    return;
  }
  of.running.push_back(std::move(of.waiting.extract(of.waiting.begin()).mapped()));
  count_running(running_ + 1);
  find_next(*of.running.back());
}

void query_actor::count_running(std::size_t now) {
  running_ = now;
  if (memory_) memory_->hold(running_ * query_bytes);
}

void query_actor::find_next(query& of) {
  of.find_next(*this, [self = caf::weak_actor_ptr{ctrl()}, of = of.weak_from_this()](query_piece found) {
    // As a message also where it is found at once: so that others have their turn.
    if (const auto to = self.lock())
      caf::anon_send(caf::actor_cast<caf::actor>(to), found_piece_message{found_piece{of, std::move(found)}});
  });
}

void query_actor::on_piece(found_piece found) {
  const auto of = found.of.lock();
  // It was dropped meanwhile.
  if (!of) return;
  const auto caller = of->call().context().caller().id;
  if (!of->add(std::move(found.piece))) return find_next(*of);
  count_running(running_ - std::erase(lines_.at(caller).running, of));
  start_waiting(caller);
}

void query_actor::on_ended(const rpc::call_ended& ended) {
  const auto found = lines_.find(ended.caller);
  if (found == lines_.end()) return;
  const auto is_its = [&](const auto& each) { return each->call().context().number() == ended.call; };
  auto& [running, waiting, in_turn] = found->second;
  if (const auto ran = std::erase_if(running, is_its); ran > 0)
    count_running(running_ - ran);
  else
    waiting.erase(ended.call);
  start_waiting(ended.caller);
}

void query_actor::on_exit() {
  const auto last = rpc::turn::ending(this);
  lines_.clear();
  turns_.clear();
  memory_.reset();
}

}  // namespace switchboard::chat
