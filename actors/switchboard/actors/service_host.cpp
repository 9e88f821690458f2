#include <switchboard/actors/service_host.hpp>
#include <switchboard/logging/logging.hpp>
#include <switchboard/rpc/call_batch.hpp>

namespace switchboard {
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
    : rpc::service_actor(config, std::move(pump)), definition_(std::move(definition)) {}

caf::behavior service_host::make_behavior() {
  service_ = definition_->make(this);
  messages_ = definition_->messages(this, service_.get());
  caf::message_handler calls{[this](rpc::calls& batch) { on_calls(batch); },
                             [this](const rpc::resume_calls& resumed) { resume(resumed.caller); },
                             [this](rpc::passed_end_notice& notice) { pass_on(notice); }};
  return calls.or_else(own_messages()).or_else(messages_);
}

void service_host::failed(std::string_view method, const char* what) noexcept {
  handler_failures().warn("{}: the handler failed: {}", method.empty() ? definition_->name() : method, what);
}

/// How long the calls of one connection have run. Of the first one nobody asks, so that single calls cost no look at the
/// clock.
class service_host::turn {
public:
  explicit turn(const notification_pump& clock) noexcept : clock_(clock) {}

  /// Asked before each call.
  bool is_over() {
    const auto calls = calls_++;
    if (calls == 1) ends_at_ = clock_.now() + turn_length;
    return calls > 1 && calls % calls_between_looks == 0 && clock_.now() >= ends_at_;
  }

private:
  const notification_pump& clock_;
  std::size_t calls_ = 0;
  notification_pump::clock::time_point ends_at_{};
};

void service_host::on_calls(rpc::calls& calls) {
  const auto caller = calls->from()->id;
  if (const auto held = held_back_.find(caller); held != held_back_.end()) {
    held->second.emplace_back(std::move(calls));
    return;
  }
  turn own{*pump()};
  if (!serve(calls, own)) held_back_[caller].emplace_back(std::move(calls));
}

void service_host::pass_on(rpc::passed_end_notice& notice) {
  if (const auto held = held_back_.find(notice->what().caller); held != held_back_.end())
    held->second.emplace_back(std::move(notice));
  else
    deliver(*notice);
}

void service_host::deliver(rpc::end_notice& notice) {
  if (!notice.is_for(ctrl())) return notice.deliver(context());
  // At once: what is next in the mailbox may be this actor's end.
  (void)notice.take_watcher();
  auto ended = caf::make_message(notice.what());
  messages_(ended);
}

void service_host::resume(std::uint64_t caller) {
  const auto held = held_back_.find(caller);
  if (held == held_back_.end()) return;
  turn own{*pump()};
  for (auto& waiting = held->second; !waiting.empty(); waiting.pop_front()) {
    if (auto* const notice = std::get_if<rpc::passed_end_notice>(&waiting.front()))
      deliver(**notice);
    else if (!serve(std::get<rpc::calls>(waiting.front()), own))
      return;
  }
  held_back_.erase(held);
}

bool service_host::serve(rpc::calls& calls, turn& within) {
  const auto backlog = calls->from()->backlog;
  // Of a caller that is gone they need not run any more.
  if (backlog->closed()) return true;
  auto scope = open_scope();
  // A reply is taken to be about as long as its request.
  scope.answers().expect(calls->from(), calls->size(), calls->request_bytes() + calls->size() * frame_overhead);
  const auto may_go_on = [&] {
    if (backlog->full() && backlog->wait(caf::strong_actor_ptr{ctrl()})) return false;
    if (!within.is_over()) return true;
    // Behind what waits in the mailbox.
    send(this, rpc::resume_calls{calls->from()->id});
    return false;
  };
  return calls->take_each(may_go_on, [this](const rpc::method& method, rpc::incoming_call& call) {
    const rpc::call_scope on_behalf{call.handle.context()};
    run(method.name, [&] { method.handle(service_.get(), call); });
  });
}

void service_host::on_exit() {
  const rpc::unwinding unavailable;
  rpc::service_actor::on_exit();
  messages_ = {};
  service_ = nullptr;
  held_back_.clear();
}

}  // namespace switchboard
