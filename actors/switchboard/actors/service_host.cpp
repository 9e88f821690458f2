#include <algorithm>

#include <switchboard/actors/service_host.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/rpc/allowance.hpp>
#include <switchboard/rpc/call_batch.hpp>

namespace switchboard::actors {
namespace {

// Bytes of a reply's frame besides the reply.
constexpr std::size_t frame_overhead = 16;

logging::throttle& handler_failures() {
  static logging::throttle lines{"failed handlers"};
  return lines;
}

}  // namespace

service_host::service_host(caf::actor_config& config, std::shared_ptr<notification_pump> pump,
                           std::shared_ptr<const rpc::service_definition> definition)
    : rpc::service_actor(config, std::move(pump)), definition_(std::move(definition)), slice_(*this->pump()) {}

caf::behavior service_host::make_behavior() {
  service_ = definition_->make(this);
  messages_ = definition_->messages(this, service_.get());
  caf::message_handler calls{[this](rpc::calls& batch) { on_calls(batch); },
                             [this](const rpc::resume_calls& resumed) { resume_calls_of(resumed.caller); }};
  return calls.or_else(own_messages()).or_else(messages_);
}

bool service_host::deliver(caf::mailbox_element& message) {
  auto* const batch = content_of<rpc::calls>(message);
  if (!batch) return rpc::service_actor::deliver(message);
  on_calls(*batch);
  return true;
}

service_host::resume_result service_host::resume(caf::execution_unit* on, std::size_t messages_max) {
  slice_.start();
  for (;;) {
    const auto messages = std::min(messages_max, calls_between_looks);
    const auto result = rpc::service_actor::resume(on, messages);
    messages_max -= messages;
    if (result != resume_later || messages_max == 0 || slice_.is_over()) return result;
  }
}

void service_host::failed(std::string_view method, const char* what) noexcept {
  handler_failures().warn("{}: the handler failed: {}", method.empty() ? definition_->name() : method, what);
}

bool service_host::slice_clock::is_over() {
  const auto before = asked_++;
  if (before == 1) ends_at_ = clock_.now() + time_slice;
  if (before > 1 && before % calls_between_looks == 0 && clock_.now() >= ends_at_) over_ = true;
  return over_;
}

void service_host::on_calls(rpc::calls& calls) {
  const auto caller = calls->from()->id;
  if (const auto behind = held_back_.find(caller); behind != held_back_.end()) return hold_back(calls, behind->second);
  if (!serve(calls, nullptr)) hold_back(calls, held_back_[caller]);
}

void service_host::hold_back(rpc::calls& calls, held_back& behind) {
  calls->each_end([&](const rpc::call_ended& end) { behind.ended.insert(end.call); });
  behind.batches.push_back(std::move(calls));
}

void service_host::deliver(rpc::end_notice& notice) {
  if (!notice.is_for(ctrl())) return notice.deliver(context());
  // At once: what is next in the mailbox may be this actor's end.
  (void)notice.take_watcher();
  auto ended = caf::make_message(notice.what());
  messages_(ended);
}

void service_host::resume_calls_of(std::uint64_t caller) {
  const auto held = held_back_.find(caller);
  if (held == held_back_.end()) return;
  auto& [batches, ended] = held->second;
  for (; !batches.empty(); batches.pop_front())
    if (!serve(batches.front(), &ended)) return;
  held_back_.erase(held);
}

bool service_host::serve(rpc::calls& calls, std::unordered_set<std::uint64_t>* ended) {
  const auto tell = [&](rpc::end_notice& notice) {
    if (ended) ended->erase(notice.what().call);
    deliver(notice);
  };
  auto& allowance = *calls->from()->allowance;
  auto open = open_turn();
  // A reply is taken to be about as long as its request.
  if (calls->size() > 0)
    open.expect(calls->from(), calls->size(), calls->request_bytes() + calls->size() * frame_overhead);
  const auto may_go_on = [&](rpc::call_batch::part next) {
    if (next == rpc::call_batch::part::call && allowance.used_up() && allowance.wait(caf::strong_actor_ptr{ctrl()}))
      return false;
    if (!slice_.is_over()) return true;
    // After what waits in the mailbox.
    send(this, rpc::resume_calls{calls->from()->id});
    return false;
  };
  const auto run_call = [&](const rpc::method& method, rpc::incoming_call& call) {
    // Dropped where its caller is gone.
    if (allowance.closed()) return;
    if (ended && ended->contains(call.handle.context().number()))
      return call.handle.fail(rpc::code::cancelled, "the call ended before it was run");
    const rpc::call_scope on_behalf{call.handle.context()};
    run(method.name, [&] { method.handle(service_.get(), call); });
  };
  return calls->take_each(may_go_on, run_call, tell);
}

void service_host::on_exit() {
  const auto last = rpc::turn::ending(this);
  rpc::service_actor::on_exit();
  messages_ = {};
  service_ = nullptr;
  held_back_.clear();
}

}  // namespace switchboard::actors
