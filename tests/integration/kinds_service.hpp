#pragma once

/// A service with a method of each kind whose handlers misbehave on demand, and report to a witness how their calls ended.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <caf/exit_reason.hpp>
#include <kinds.switchboard.hpp>

#include <switchboard/rpc/service_actor.hpp>

namespace switchboard {

using test::kinds::v1::Done;
using test::kinds::v1::Kinds;
using test::kinds::v1::Order;

/// What handlers reported; any thread.
class witness {
public:
  void saw(rpc::code end) {
    const std::lock_guard lock{mutex_};
    ends_.push_back(end);
  }
  std::vector<rpc::code> ends() const {
    const std::lock_guard lock{mutex_};
    return ends_;
  }
  /// A handler holds a call, and will hear of its end.
  void holds() {
    const std::lock_guard lock{mutex_};
    ++held_;
  }
  std::size_t held() const {
    const std::lock_guard lock{mutex_};
    return held_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<rpc::code> ends_;
  std::size_t held_ = 0;
};

class kinds_service {
public:
  kinds_service(rpc::service_actor* self, std::shared_ptr<witness> sees) : self_(self), sees_(std::move(sees)) {}

  void unary(const Order& order, rpc::responder<Done> reply) {
    obey(order, std::move(reply), [](auto& answered) { answered.reply(Done{}); });
  }
  void serving(const Order& order, rpc::outbound<Done> replies) {
    obey(order, std::move(replies), [](auto& answered) {
      answered.send(Done{});
      answered.finish();
    });
  }
  void taking(rpc::inbound<Order> orders, rpc::responder<Done> reply) {
    take(std::move(orders), std::move(reply), [](auto& answered) { answered.reply(Done{}); });
  }
  void both(rpc::inbound<Order> orders, rpc::outbound<Done> replies) {
    take(std::move(orders), std::move(replies), [](auto& answered) {
      answered.send(Done{});
      answered.finish();
    });
  }
  void flood(const Order&, rpc::outbound<Done> replies) {
    struct flooding {
      rpc::outbound<Done> out;
      std::uint64_t next = 1;
      void go_on() {
        while (true) {
          Done done;
          done.set_number(next);
          if (!out.send(done)) return;
          ++next;
        }
      }
    };
    const auto on = std::make_shared<flooding>(flooding{std::move(replies)});
    on->out.on_ready([on, this] {
      if (!on->out.ended()) return on->go_on();
      sees_->saw(rpc::code::cancelled);
      on->out = {};
    });
    on->go_on();
  }

  caf::message_handler messages() {
    return {[this](const rpc::call_ended& ended) {
      if (held_.erase({ended.caller, ended.call}) > 0) sees_->saw(ended.why);
    }};
  }

private:
  template <class Answer, class Reply>
  void obey(const Order& order, Answer answer, Reply&& reply) {
    switch (order.mood()) {
      case Order::THROW:
        throw std::runtime_error("ordered to");
      case Order::LET_GO:
        return;
      case Order::HOLD:
      case Order::DIE: {
        answer.watch(caf::actor_cast<caf::strong_actor_ptr>(self_));
        const std::pair key{answer.context().caller().id, answer.context().number()};
        held_.emplace(key, std::make_shared<Answer>(std::move(answer)));
        sees_->holds();
        if (order.mood() == Order::DIE) self_->quit(caf::exit_reason::kill);
        return;
      }
      default:
        reply(answer);
    }
  }

  /// Streams of requests obey the first, and are held by their handlers.
  template <class Answer, class Reply>
  void take(rpc::inbound<Order> orders, Answer answer, Reply reply) {
    const auto held = std::make_shared<Answer>(std::move(answer));
    orders.receive(
        [this, held, reply](Order& order) {
          switch (order.mood()) {
            case Order::THROW:
              throw std::runtime_error("ordered to");
            case Order::LET_GO:
              *held = {};
              return;
            case Order::DIE:
              return self_->quit(caf::exit_reason::kill);
            case Order::ANSWER:
              return reply(*held);
            default:
              return;
          }
        },
        [this, held](const rpc::status& how) {
          sees_->saw(how.code);
          // A client that has half-closed still waits for an answer; it is held until the call ends.
          if (how.ok()) held_.emplace(std::pair{std::uint64_t{0}, held_.size()}, held);
        });
    sees_->holds();
  }

  rpc::service_actor* const self_;
  const std::shared_ptr<witness> sees_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::shared_ptr<void>> held_;
};

}  // namespace switchboard
