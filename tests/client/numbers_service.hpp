#pragma once

/// A service with one method of each kind, its tags as generated code would have them, and one object that serves it.

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include <caf/typed_actor.hpp>
#include <numbers.pb.h>

#include <switchboard/rpc/service.hpp>

namespace switchboard {

using numbers::v1::Number;

struct Numbers {
  static constexpr std::string_view full_name = "switchboard.numbers.v1.Numbers";
  struct square : rpc::unary_method<Number, Number> {
    static constexpr std::string_view name = "switchboard.numbers.v1.Numbers/Square";
  };
  struct count : rpc::server_streaming_method<Number, Number> {
    static constexpr std::string_view name = "switchboard.numbers.v1.Numbers/Count";
  };
  struct sum : rpc::client_streaming_method<Number, Number> {
    static constexpr std::string_view name = "switchboard.numbers.v1.Numbers/Sum";
  };
  struct totals : rpc::bidirectional_method<Number, Number> {
    static constexpr std::string_view name = "switchboard.numbers.v1.Numbers/Totals";
  };
  using methods = rpc::method_list<square, count, sum, totals>;
  using actor =
      caf::typed_actor<rpc::signature<square>, rpc::signature<count>, rpc::signature<sum>, rpc::signature<totals>>;
};

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
  return rpc::service<numbers_service>(std::string(Numbers::full_name))
      .method<Numbers::square>(&numbers_service::square)
      .method<Numbers::count>(&numbers_service::count)
      .method<Numbers::sum>(&numbers_service::sum)
      .method<Numbers::totals>(&numbers_service::totals);
}

}  // namespace switchboard
