#pragma once

/// One client: reads a chunk, decodes its frames, hands calls to services, writes what comes back, re-arms.
///
/// Threads    an actor; its messages:
///
///     message              from      legal in          effect
///     socket_ready         pump      open, draining    write, read one chunk, re-arm
///     rpc::answers         services  open, draining    calls end, streams start, requests are granted; written when the
///                                                      mailbox is empty
///     rpc::stream_ready    sources   open, draining    the stream's messages are taken, as credit and marks allow
///     flush                itself    open, draining    writes what the handlers before it queued
///     decode_rest          itself    open              goes on with input that had to wait for room in the output
///     deadline_expired     pump      any               a call's deadline (its number), or the connection's own (even)
///     begin_drain          broker    open              streams end, new calls are refused, unary calls go on
///     finish_drain         broker    open, draining    what is left unanswered is refused; flush, shut down
///     close                broker    any               at once, without a word
///     registration_closed  pump      closing           the socket is closed, the broker told, the actor ends
///
/// States     handshaking → open → draining → closing → closed, see transition().
/// Owns       the transport, from its accept to the registration's end (N50); a partial frame; queued output; of input
///            whose replies had no room, the rest of one chunk.
/// Errors     a client's mistakes end its calls with a status, or the connection with a status on call 0. Every end has
///            one close_reason, told to the broker.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <caf/event_based_actor.hpp>

#include <switchboard/actors/call_table.hpp>
#include <switchboard/actors/limits.hpp>
#include <switchboard/actors/outbound_queue.hpp>
#include <switchboard/actors/service_directory.hpp>
#include <switchboard/net/transport.hpp>
#include <switchboard/pump/notification_pump.hpp>
#include <switchboard/rpc/call_batch.hpp>
#include <switchboard/rpc/interceptor.hpp>
#include <switchboard/rpc/result.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard {

/// Why a connection ended.
enum class close_reason : unsigned char {
  end_of_stream,    ///< the client closed, and was answered
  ended_by_client,  ///< a status on call 0
  protocol_error,   ///< the client broke the protocol and was told so
  drained,          ///< the server stopped, in order
  stopped,          ///< the server stopped at once
  reset,            ///< the connection broke
  slow_to_flush,    ///< the last output was not taken in time
  refused,          ///< the registration failed
  failed,           ///< a fault of ours
};
inline constexpr std::size_t close_reasons = 9;
const char* to_string(close_reason reason) noexcept;

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
  close_reason reason;
};
/// From a connection to itself.
struct flush {};
struct decode_rest {};

class connection : public caf::event_based_actor {
public:
  connection(caf::actor_config& config, std::shared_ptr<const connection_environment> environment, std::uint64_t id,
             std::unique_ptr<net::transport> transport);
  ~connection() override;

  const char* name() const override { return "switchboard.connection"; }
  void on_exit() override;

protected:
  caf::behavior make_behavior() override;

private:
  /// What one read takes from the socket.
  static constexpr std::size_t chunk_bytes = 64 * 1024;

  enum class state : unsigned char { handshaking, open, draining, closing, closed };
  /// What a draining connection still waits for.
  enum class drain_stage : unsigned char {
    answering,  ///< unary calls; the client has ended its stream
    flushing,   ///< queued output
    lingering,  ///< the client's end of stream; the server has shut down writing
  };

  void transition(state next);
  bool live() const noexcept { return state_ == state::open || state_ == state::draining; }

  // Input.
  void start();
  void on_ready(const socket_ready& ready);
  void read_chunk();
  void decode(std::span<const std::byte> input);
  void on_decode_rest();
  void on_frame(const wire::frame_view& frame);
  void open_call_with(const wire::frame_view& frame);
  void answer_built_in(answered_by whom, const wire::frame_view& frame);
  void on_frame_of_call(const wire::frame_view& frame);
  bool take_request(open_call& call, const wire::frame_view& frame);
  void take_credit(open_call& call, std::uint32_t messages);
  void on_end_of_stream();
  void send_batches();

  // Calls.
  rpc::status admit(const rpc::call_context& call) const;
  void on_answers(rpc::answers& answers);
  void on_grant(const rpc::answers::grant& grant);
  void on_deadline(const deadline_expired& expired);
  void refuse(std::uint64_t call, rpc::code code, std::string_view text);
  void reply(std::uint64_t call, const google::protobuf::MessageLite& message);
  template <class Append>
  void add_behind_own_messages(const open_call& call, Append&& append);
  void end_call(open_call& call, rpc::code code, std::string_view text);
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

  // Streams.
  void drain_stream(std::uint64_t number);
  void resume_stalled_streams();

  // Output.
  void settle();
  void write();
  void rearm();
  void update_reading();
  void resume_services();
  notify::interest wanted() const noexcept;

  // The end.
  void fail_protocol(rpc::code code, std::string_view text);
  void on_begin_drain();
  void on_finish_drain();
  void enter_drain(drain_stage stage, close_reason reason);
  void step_drain();
  void set_connection_deadline(notification_pump::clock::time_point at);
  void cancel_connection_deadline();
  void close(close_reason reason);
  void let_go();
  void finish_close();

  caf::strong_actor_ptr self_ptr() { return caf::strong_actor_ptr{ctrl()}; }
  const std::shared_ptr<const rpc::caller>& caller();
  const switchboard::limits& limits() const noexcept { return environment_->limits; }
  template <class Message>
  void tell(const caf::strong_actor_ptr& whom, Message message);

  std::shared_ptr<const connection_environment> environment_;
  std::unique_ptr<net::transport> transport_;
  std::shared_ptr<const rpc::caller> caller_;  ///< made with the first call
  std::string identity_;                       ///< as authenticated
  std::uint64_t id_;
  registration_id registration_ = registration_id::none;
  wire::frame_decoder decoder_;
  std::vector<std::byte> undecoded_;  ///< read, and left for when the output has room; nothing is read meanwhile
  outbound_queue outbound_;
  call_table calls_;
  std::uint64_t highest_call_ = 0;
  const method_entry* last_method_ = nullptr;  ///< of a service, in the directory
  std::size_t unary_calls_ = 0;
  std::size_t request_bytes_ = 0;
  deadline_id connection_deadline_ = deadline_id::none;
  /// Of the latest one: earlier ones may still be in the mailbox. Even, as no call of a client is.
  std::uint64_t connection_deadline_tag_ = 0;
  notification_pump::clock::time_point flush_began_{};
  std::vector<std::uint64_t> stalled_;  ///< streams that wait until output goes on

  state state_ = state::handshaking;
  drain_stage stage_ = drain_stage::answering;
  close_reason reason_ = close_reason::failed;
  notify::interest armed_for_ = notify::interest::none;
  bool armed_ = false;
  bool write_blocked_ = false;
  bool input_ended_ = false;  ///< end of stream was read
  bool hangup_seen_ = false;
  bool reading_stopped_ = false;  ///< by the marks, the request bytes in flight or undecoded input
  bool flush_queued_ = false;
  bool decode_queued_ = false;
  bool refusing_calls_ = false;  ///< the server drains
  bool authenticated_ = false;   ///< or nobody asks
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::flush)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(switchboard::decode_rest)
