#include "json_call.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <limits>

#include <google/protobuf/util/json_util.h>
#include <poll.h>

namespace switchboard::call {
namespace {

using google::protobuf::Message;

std::atomic<bool> interrupted{false};

class json_call {
public:
  json_call(client::blocking_client& server, remote_schema& schema, const google::protobuf::MethodDescriptor& method,
            request_lines& lines, const call_options& options)
      : server_(server),
        lines_(lines),
        options_(options),
        name_(method.service()->full_name() + "/" + method.name()),
        request_(schema.new_message(*method.input_type())),
        reply_(schema.new_message(*method.output_type())),
        sends_stream_(method.client_streaming()),
        window_(std::max<std::uint32_t>(options.window, 1)) {}

  rpc::status run(const std::string& json) {
    client::open_options opening{
        .credit = window_, .timeout_ms = client::timeout_ms(options_.until), .metadata = options_.metadata};
    if (sends_stream_) {
      call_ = server_.open(name_, opening);
    } else {
      if (auto wrong = parse(json); !wrong.ok()) return wrong;
      opening.end = true;
      call_ = server_.open(name_, *request_, opening);
    }
    while (true) {
      if (const auto broken = server_.take_in()) (void)broken;  // the call's end says it
      if (const auto end = print_replies()) return *end;
      if (auto wrong = send_requests(); !wrong.ok()) return wrong;
      if (interrupted.load()) return give_up({rpc::code::cancelled, "interrupted"});
      if (client::clock::now() >= options_.until) return give_up({rpc::code::deadline_exceeded, "no end in time"});
      // What was sent or granted may have freed what came meanwhile.
      if (!call_.ready()) wait();
    }
  }

private:
  rpc::status parse(const std::string& json) {
    request_->Clear();
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, request_.get());
    if (parsed.ok()) return {};
    return {rpc::code::invalid_argument, "not a " + request_->GetTypeName() + ": " + std::string(parsed.message())};
  }

  rpc::status give_up(rpc::status why) {
    call_.cancel();
    (void)server_.flush(client::within(std::chrono::seconds{1}));
    return why;
  }

  /// Prints what is there; how the call ended, once it has.
  std::optional<rpc::status> print_replies() {
    while (call_.ready()) {
      const auto step = call_.next(*reply_, client::no_wait);
      if (step.ended()) return step.status;
      if (!step.has_message()) break;
      std::string json;
      if (const auto printed = google::protobuf::util::MessageToJsonString(*reply_, &json); !printed.ok())
        return give_up({rpc::code::internal, "a reply cannot be written as JSON: " + std::string(printed.message())});
      if (std::fprintf(stdout, "%s\n", json.c_str()) < 0 || std::fflush(stdout) != 0)
        return give_up({rpc::code::cancelled, "standard output takes no more"});
      if (++printed_ == options_.limit) return give_up({});
      if (++taken_ >= (window_ + 1) / 2) call_.grant(std::exchange(taken_, 0));
    }
    return std::nullopt;
  }

  /// Sends the lines that are there, as far as the server has granted credit.
  rpc::status send_requests() {
    if (!sends_stream_ || finished_) return {};
    while (true) {
      if (!waiting_) {
        const auto line = lines_.next();
        if (!line) break;
        if (auto wrong = parse(*line); !wrong.ok()) return give_up(wrong);
        waiting_ = true;
      }
      // No credit yet, or ended: then the replies tell how.
      if (!call_.send(*request_, client::no_wait).ok()) return {};
      waiting_ = false;
    }
    if (lines_.too_long()) return give_up({rpc::code::invalid_argument, "a line of the input is too long"});
    if (lines_.ended()) {
      finished_ = true;
      call_.finish();
    }
    return {};
  }

  /// Until the connection or standard input has something, a signal comes, or the deadline has passed.
  void wait() {
    // poll(2) and not a notification port: standard input is a terminal, a pipe or a file, which no port takes (N2).
    const bool reads = sends_stream_ && !finished_ && !waiting_ && !lines_.input_ended();
    pollfd watched[2] = {{static_cast<int>(server_.channel().handle()), POLLIN, 0},
                         {reads ? lines_.descriptor() : -1, POLLIN, 0}};
    if (server_.channel().wants_write()) watched[0].events |= POLLOUT;
    int timeout = -1;
    if (options_.until != client::deadline::max())
      timeout = static_cast<int>(
          std::min<std::uint32_t>(client::timeout_ms(options_.until), std::numeric_limits<int>::max()));
    if (poll(watched, 2, timeout) > 0 && watched[1].revents != 0) lines_.read_some();
  }

  client::blocking_client& server_;
  request_lines& lines_;
  const call_options& options_;
  const std::string name_;
  const std::unique_ptr<Message> request_;
  const std::unique_ptr<Message> reply_;
  const bool sends_stream_;
  const std::uint32_t window_;
  client::stream call_;
  bool waiting_ = false;   // request_ holds one that has not been sent
  bool finished_ = false;  // nothing more is sent
  std::uint64_t printed_ = 0;
  std::uint32_t taken_ = 0;  // not granted again yet
};

}  // namespace

rpc::status call_with_json(client::blocking_client& server, remote_schema& schema,
                           const google::protobuf::MethodDescriptor& method, const std::string& json,
                           request_lines& lines, const call_options& options) {
  return json_call{server, schema, method, lines, options}.run(json);
}

void interrupt() noexcept {
  interrupted.store(true);
}

}  // namespace switchboard::call
