#pragma once

/// Adds up what one client streams: the state of a call lives in its handlers, and may answer before the stream ends.

#include <memory>

#include <switchboard/summer/v1/summer.switchboard.hpp>

namespace switchboard::summer {

using namespace v1;

class summer_service {
public:
  void sum(rpc::inbound<Number> numbers, rpc::responder<Total> reply) {
    const auto call = std::make_shared<addition>(addition{std::move(reply)});
    numbers.receive([call](const Number& number) { call->add(number.value()); },
                    [call](const rpc::status& how) { call->end(how); });
  }

private:
  struct addition {
    rpc::responder<Total> reply;
    std::int64_t sum = 0;
    std::uint64_t count = 0;

    void add(std::int64_t value) {
      ++count;
      if (__builtin_add_overflow(sum, value, &sum) && reply)
        reply.fail(rpc::code::out_of_range, "the sum does not fit after " + std::to_string(count) + " numbers");
    }
    void end(const rpc::status& how) {
      if (!reply) return;
      if (!how.ok()) return reply.fail(how);
      Total total;
      total.set_sum(sum);
      total.set_count(count);
      reply.reply(std::move(total));
    }
  };
};

}  // namespace switchboard::summer
