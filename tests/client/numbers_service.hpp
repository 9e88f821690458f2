#pragma once

/// A service with one method of each kind.

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include <numbers.switchboard.hpp>

namespace switchboard {

using numbers::v1::Number;
using numbers::v1::Numbers;

inline Number number(std::int64_t value) {
  Number made;
  made.set_value(value);
  return made;
}

struct numbers_service {
  void square(const Number& request, rpc::responder<Number> call) {
    if (request.value() < 0)
      unanswered.push_back(std::move(call));
    else
      call.reply(number(request.value() * request.value()));
  }
  void count(const Number& request, rpc::outbound<Number> replies) {
    replies.generate([at = std::int64_t{0}, last = request.value()](Number& next) mutable {
      next.set_value(++at);
      return at <= last;
    });
  }
  void sum(rpc::inbound<Number> requests, rpc::responder<Number> call) {
    auto total = std::make_shared<std::int64_t>(0);
    requests.receive([total](Number& each) { *total += each.value(); },
                     [total, call = std::move(call)](const rpc::status& how) mutable {
                       if (how.ok())
                         call.reply(number(*total));
                       else
                         call.fail(how);
                     });
  }
  void totals(rpc::inbound<Number> requests, rpc::outbound<Number> replies) {
    struct conversation {
      rpc::outbound<Number> out;
      std::deque<std::int64_t> waiting{};
      std::int64_t total = 0;
      bool over = false;
      void go_on() {
        if (!out) return;
        for (; !waiting.empty(); waiting.pop_front())
          if (!out.send(number(waiting.front()))) return;
        if (over) out.finish();
      }
    };
    auto with = std::make_shared<conversation>(conversation{std::move(replies)});
    with->out.on_ready([with] { with->go_on(); });
    requests.receive(
        [with](Number& each) {
          with->waiting.push_back(with->total += each.value());
          with->go_on();
        },
        [with](const rpc::status& how) {
          with->over = true;
          if (how.ok()) return with->go_on();
          if (with->out) with->out.fail(how);
        });
  }

  std::vector<rpc::responder<Number>> unanswered{};
};

inline rpc::service_definition serve_numbers() {
  return Numbers::service<numbers_service>();
}

}  // namespace switchboard
