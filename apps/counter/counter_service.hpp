#pragma once

/// Counters by name: the service has an actor for each name, so a counter needs no lock and no table.

#include <switchboard/counter/v1/counter.switchboard.hpp>

namespace switchboard::counter {

using namespace v1;

class counter_service {
public:
  rpc::result<CounterValue> add(const AddRequest& request) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(value_, request.amount(), &sum))
      return rpc::status{rpc::code::out_of_range, "the counter would overflow"};
    value_ = sum;
    return value();
  }
  CounterValue get(const GetRequest&) { return value(); }

private:
  CounterValue value() const {
    CounterValue value;
    value.set_value(value_);
    return value;
  }

  std::int64_t value_ = 0;
};

inline rpc::service_definition definition() {
  return Counter::service<counter_service>().per_key("name");
}

}  // namespace switchboard::counter
