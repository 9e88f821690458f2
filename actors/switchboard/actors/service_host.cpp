#include <exception>

#include <caf/message_handler.hpp>

#include <switchboard/actors/logging.hpp>
#include <switchboard/actors/service_host.hpp>
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

service_host::service_host(caf::actor_config& config, std::shared_ptr<const service_directory> directory,
                           const rpc::service_definition& definition)
    : caf::event_based_actor(config), directory_(std::move(directory)), definition_(definition) {}

caf::behavior service_host::make_behavior() {
  service_ = definition_.make(this);
  caf::message_handler calls{[this](rpc::calls& batch) { on_calls(batch); },
                             [this](const rpc::resume_calls& resumed) { resume(resumed.caller); },
                             [this](rpc::passed_end_notice& notice) { notice->deliver(context()); }};
  return calls.or_else(definition_.messages(service_.get()));
}

void service_host::on_calls(rpc::calls& calls) {
  const auto caller = calls->from()->id;
  if (const auto held = held_back_.find(caller); held != held_back_.end())
    held->second.push_back(std::move(calls));
  else if (!serve(calls))
    held_back_[caller].push_back(std::move(calls));
}

void service_host::resume(std::uint64_t caller) {
  const auto held = held_back_.find(caller);
  if (held == held_back_.end()) return;
  // Of a caller that is gone they need not run any more.
  const auto backlog = held->second.front()->from()->backlog;
  while (!held->second.empty() && !backlog->closed()) {
    if (!serve(held->second.front())) return;
    held->second.pop_front();
  }
  held_back_.erase(held);
}

bool service_host::serve(rpc::calls& calls) {
  rpc::answer_collector answers{context()};
  // A reply is taken to be about as long as its request.
  answers.expect(calls->from(), calls->size(), calls->request_bytes() + calls->size() * frame_overhead);
  const auto backlog = calls->from()->backlog;
  return calls->take_each([&] { return !backlog->full() || !backlog->wait(caf::strong_actor_ptr{ctrl()}); },
                          [this](const rpc::method& method, rpc::call_handle call, std::string_view request) {
                            // The call answers INTERNAL as the exception lets go of it.
                            try {
                              method.handle(service_.get(), std::move(call), request);
                            } catch (const std::exception& failure) {
                              handler_failures().warn("{}: the handler failed: {}", method.name, failure.what());
                            } catch (...) {
                              handler_failures().warn("{}: the handler failed", method.name);
                            }
                          });
}

void service_host::on_exit() {
  rpc::unwinding unavailable;
  service_ = nullptr;
  held_back_.clear();
}

}  // namespace switchboard
