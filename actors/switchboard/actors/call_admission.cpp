#include <string>
#include <utility>

#include <switchboard/actors/call_admission.hpp>

namespace switchboard::actors {

using rpc::code;

const char* call_admission::use_number(std::uint64_t number) noexcept {
  if (number % 2 == 0) return "a client opens calls with odd numbers";
  if (number <= highest_) return "a call's number must be above all opened before";
  highest_ = number;
  return nullptr;
}

/// Most clients call one method again and again.
const method_entry* call_admission::find(std::string_view method) {
  if (last_ && last_->method->name == method) return last_;
  const auto* const found = environment_.directory->find(method);
  if (found) last_ = found;
  return found;
}

std::optional<rpc::status> call_admission::refusal_of(const wire::frame_view& frame, const method_entry* entry) const {
  using rpc::status;
  if (!session_.authenticated() && !(entry && entry->open_to_all(frame.message)))
    return status{code::unauthenticated, "call switchboard.v1.Session/Authenticate first"};
  if (session_.draining() && !(entry && entry->flags.while_draining))
    return status{code::unavailable, "the server is stopping"};
  if (!entry) return status{code::unimplemented, "no method " + std::string(frame.method.substr(0, 256))};
  if (!entry->flags.uncounted && calls_.size() >= environment_.limits.open_calls_max) return refusal_of_one_more();
  if (frame.metadata.empty()) return std::nullopt;
  auto refused = rpc::check(frame.metadata);
  if (refused.ok()) return std::nullopt;
  if (refused.code == code::resource_exhausted) {
    environment_.hits->metadata_bytes_max.hit(session_.peer());
    refused.message = "metadata_bytes_max: " + refused.message;
  }
  return refused;
}

std::optional<rpc::status> call_admission::refusal_of_one_more() const {
  const auto open_max = environment_.limits.open_calls_max;
  if (calls_.size() < open_max) return std::nullopt;
  environment_.hits->open_calls_max.hit(session_.peer());
  return rpc::status{code::resource_exhausted,
                     "open_calls_max: more than " + std::to_string(open_max) + " open calls on one connection"};
}

std::optional<rpc::status> call_admission::refusal_of_service_call(
    const wire::frame_view& frame, const method_entry& entry, rpc::time_point deadline_at,
    const std::shared_ptr<const rpc::metadata>& kept) const {
  using rpc::status;
  if (kept && calls_.metadata_bytes() + kept->cost() > environment_.limits.request_bytes_in_flight_max / 2) {
    environment_.hits->open_calls_metadata_bytes_max.hit(session_.peer());
    return status{code::resource_exhausted,
                  "open_calls_metadata_bytes_max: too much metadata of open calls on one connection"};
  }
  if (rpc::streams_requests(entry.method->kind) && frame.has_message)
    return status{code::resource_exhausted, "a message beyond the granted credit"};
  const interceptor_chain interceptors{environment_.interceptors};
  if (interceptors.empty()) return std::nullopt;
  // They see all of its metadata, whatever is kept.
  auto all = frame.metadata.empty() ? nullptr : std::make_shared<const rpc::metadata>(frame.metadata);
  auto verdict = interceptors.opened({session_.caller(), frame.call, deadline_at, entry.method, std::move(all)});
  if (verdict.ok()) return std::nullopt;
  return verdict;
}

}  // namespace switchboard::actors
