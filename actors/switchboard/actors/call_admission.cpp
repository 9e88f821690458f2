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

rpc::result<open_call> call_admission::admit(const wire::frame_view& frame) {
  const auto* const entry = find(frame.method);
  const auto& figures = entry ? entry->figures : environment_.directory->unserved();
  figures.opened();
  auto call = judge(frame, entry);
  if (!call) figures.ended(call.status().code, {});
  return call;
}

rpc::result<open_call> call_admission::judge(const wire::frame_view& frame, const method_entry* entry) {
  if (auto refused = refusal_of(frame, entry); !refused.ok()) return refused;
  open_call call;
  call.number = frame.call;
  call.entry = entry;
  call.state = rpc::call_machine{entry->method->kind};
  call.opening_credit = call.state.grant_replies(frame.credit);
  call.state.apply(rpc::call_event::accept);
  call.opened_at = session_.clock().now();
  if (frame.timeout_ms != 0) call.deadline_at = call.opened_at + std::chrono::milliseconds{frame.timeout_ms};
  if (entry->built_in) return call;
  call.request_bytes = static_cast<std::uint32_t>(frame.message.size());
  if (auto refused = refusal_of_service_call(frame, call); !refused.ok()) return refused;
  return call;
}

rpc::status call_admission::refusal_of(const wire::frame_view& frame, const method_entry* entry) const {
  if (!session_.authenticated() && !(entry && entry->open_to_all(frame.message)))
    return {code::unauthenticated, "call switchboard.v1.Session/Authenticate first"};
  if (session_.draining() && !(entry && entry->flags.while_draining))
    return {code::unavailable, "the server is stopping"};
  if (!entry) return {code::unimplemented, "no method " + std::string(frame.method.substr(0, 256))};
  const auto open_max = environment_.limits.open_calls_max;
  if (!entry->flags.uncounted && calls_.size() >= open_max) {
    environment_.hits->open_calls_max.hit(session_.peer());
    return {code::resource_exhausted, "more than " + std::to_string(open_max) + " open calls on one connection"};
  }
  if (frame.metadata.empty()) return {};
  auto refused = rpc::check(frame.metadata);
  if (refused.code == code::resource_exhausted) environment_.hits->metadata_bytes_max.hit(session_.peer());
  return refused;
}

rpc::status call_admission::refusal_of_service_call(const wire::frame_view& frame, open_call& call) const {
  const auto& method = *call.entry->method;
  call.metadata = rpc::kept_metadata(frame.metadata, method);
  const auto kept = call.metadata ? call.metadata->cost() : 0;
  if (calls_.metadata_bytes() + kept > environment_.limits.request_bytes_in_flight_max / 2) {
    environment_.hits->open_calls_metadata_bytes_max.hit(session_.peer());
    return {code::resource_exhausted, "too much metadata of open calls on one connection"};
  }
  if (rpc::streams_requests(method.kind) && frame.has_message)
    return {code::resource_exhausted, "a message beyond the granted credit"};
  const interceptor_chain interceptors{environment_.interceptors};
  if (interceptors.empty()) return {};
  // They see all of its metadata, whatever is kept.
  auto all = frame.metadata.empty() ? nullptr : std::make_shared<const rpc::metadata>(frame.metadata);
  return interceptors.opened({session_.caller(), call.number, call.deadline_at, &method, std::move(all)});
}

}  // namespace switchboard::actors
