#pragma once

/// One client: a link whose frames are calls. Hands them to services and sends back what they answer.
///
/// Threads    an actor; its messages:
///
///     message              from      legal in      effect
///     socket_ready         pump      live          the link's: writes, reads one chunk, arms
///     rpc::answers         services  live          calls end, streams start, requests are granted; written when the
///                                                  mailbox is empty
///     rpc::stream_ready    sources   live          the stream's messages are taken, as credit and marks allow
///     link_turn            link      live          writes what the handlers before it queued, reads on
///     deadline_expired     pump      any           a call's deadline (its number), or the link's (even)
///     begin_drain          broker    open          streams end, new calls are refused, unary calls go on
///     finish_drain         broker    live          what is left unanswered is refused; flush, shut down
///     close_connection     broker    any           at once, without a word
///     registration_closed  pump      closing       the socket is closed, the broker told, the actor ends
///
/// States     the link's (link/state.hpp); "live" are all before closing.
/// Owns       the link.
/// Errors     a client's mistakes end its calls with a status, or the connection with a status on call 0. Every end has
///            one close_reason, told to the broker.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/built_in_method.hpp>
#include <switchboard/actors/call_table.hpp>
#include <switchboard/actors/limits.hpp>
#include <switchboard/actors/service_directory.hpp>
#include <switchboard/link/actor_driver.hpp>
#include <switchboard/link/frame_link.hpp>
#include <switchboard/metrics/registry.hpp>
#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/interceptor.hpp>
#include <switchboard/rpc/result.hpp>

namespace switchboard {

/// Says who holds a token, the identity that services see, or why nobody does (UNAUTHENTICATED). On the connection's
/// thread: it must not block.
using authenticator = std::function<rpc::result<std::string>(std::string_view token, const std::string& peer)>;

/// What the connections of a broker share.
struct connection_environment {
  std::shared_ptr<notification_pump> pump;
  std::shared_ptr<service_directory> directory;
  switchboard::limits limits;
  std::vector<std::shared_ptr<rpc::interceptor>> interceptors;
  switchboard::authenticator authenticate;  ///< null where none is demanded
  caf::strong_actor_ptr broker;             ///< gets connection_drained and connection_closed
  std::shared_ptr<metrics::registry> figures;  ///< null where nothing is counted
};

/// From the broker.
struct begin_drain {};
struct finish_drain {};
struct close_connection {};
/// To the broker; the first from the acceptor, before any other word of its own.
struct connection_opened {
  std::uint64_t id;
  caf::strong_actor_ptr connection;
};
struct connection_drained {
  std::uint64_t id;
};
struct connection_closed {
  std::uint64_t id;
  link::close_reason reason;
};
class connection final : public caf::event_based_actor, private link::upper_layer, private session {
public:
  connection(caf::actor_config& config, std::shared_ptr<const connection_environment> environment, std::uint64_t id,
             std::unique_ptr<net::transport> transport);
  ~connection() override;

  const char* name() const override { return "switchboard.connection"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  bool live() const noexcept { return link::is_live(link_.now()); }

  // What the link says (link/upper_layer.hpp).
  void on_frame(const wire::frame_view& frame) override;
  void after_frames() override { send_batches(); }
  void on_malformed(std::error_code why) override;
  void on_end_of_stream() override;
  bool accepts_input() const noexcept override;
  void on_output_low() override;
  void on_closing(link::close_reason reason, std::error_code why) override;
  void on_closed(link::close_reason reason) override;

  // Input.
  void open_call_with(const wire::frame_view& frame);
  std::optional<rpc::status> refusal_of(const wire::frame_view& frame, const method_entry* entry) const;
  void answer_built_in(const method_entry& entry, const wire::frame_view& frame);
  open_call call_opened_by(const wire::frame_view& frame, const method_entry& entry) const;
  void on_frame_of_call(const wire::frame_view& frame);
  bool take_request(open_call& call, const wire::frame_view& frame);
  void take_credit(open_call& call, std::uint32_t messages);
  void send_batches();

  // Calls.
  rpc::status admit(const rpc::call_context& call) const;
  void on_answers(rpc::answers& answers);
  void on_grant(const rpc::answers::grant& grant);
  void on_deadline(const deadline_expired& expired);
  void refuse(std::uint64_t call, rpc::code code, std::string_view text);
  void reply(std::uint64_t call, std::string_view message);
  template <class Append>
  void add_behind_own_messages(const open_call& call, Append&& append);
  void end_call(open_call& call, rpc::code code, std::string_view text, rpc::metadata trailing = {});
  void add_trailing(const open_call& call, rpc::code how, rpc::metadata trailing, std::string& out, std::size_t begin);
  void fit_trailing(const rpc::metadata& trailing, std::string_view method, std::string& out, std::size_t begin);
  rpc::call_context context_of(const open_call& call);
  void notify_watcher(open_call& call, rpc::code why);
  void pass_on(rpc::end_notice notice, const service_route& way);
  void interrupt(open_call& call);
  void half_close(open_call& call);
  void forget(open_call& call, rpc::code how);
  void release(open_call& call);
  void release_abandoned(std::uint64_t number);
  void give_up(open_call& call, rpc::code how, std::string_view text);
  void drop_calls();
  void end_streams();
  template <class Choose>
  std::vector<std::uint64_t> numbers_of_calls(Choose&& choose);

  // The session that built-in methods see.
  bool draining() const noexcept override { return refusing_calls_; }
  rpc::result<std::string> authenticate(const std::string& token) override;

  // Streams.
  void drain_stream(std::uint64_t number);

  // The end of a turn, and of the connection.
  void end_turn();
  void resume_services();
  void fail_protocol(rpc::code code, std::string_view text);
  void on_begin_drain();
  void on_finish_drain();
  void let_go();

  caf::strong_actor_ptr self_ptr() { return caf::strong_actor_ptr{ctrl()}; }
  const std::shared_ptr<const rpc::caller>& caller();
  const switchboard::limits& limits() const noexcept { return environment_->limits; }
  template <class Message>
  void tell(const caf::strong_actor_ptr& whom, Message message);

  std::shared_ptr<const connection_environment> environment_;
  std::shared_ptr<const rpc::caller> caller_;  ///< made with the first call
  std::string identity_;                       ///< as authenticated
  std::uint64_t id_;
  link::actor_driver driver_;
  link::frame_link link_;
  call_table calls_;
  std::uint64_t highest_call_ = 0;
  const method_entry* last_method_ = nullptr;  ///< in the directory
  std::size_t unary_calls_ = 0;
  std::size_t request_bytes_ = 0;
  std::size_t metadata_bytes_ = 0;      ///< of these, what calls keep of their metadata
  std::vector<std::uint64_t> stalled_;  ///< streams that wait until output goes on
  bool refusing_calls_ = false;         ///< the server drains
  bool authenticated_ = false;          ///< or nobody asks
  bool drain_reported_ = false;
  bool finishing_ = false;  ///< the server's drain is over but for the flushing
};

}  // namespace switchboard

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::begin_drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::finish_drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::close_connection)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::connection_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::connection_drained)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::connection_closed)
