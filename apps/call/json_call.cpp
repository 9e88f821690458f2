#include "json_call.hpp"

#include "interruption.hpp"

#include <cstdio>
#include <optional>

#include <google/protobuf/util/json_util.h>

namespace switchboard::call {
namespace {

using google::protobuf::Message;

rpc::method_kind kind_of(const google::protobuf::MethodDescriptor& method) {
  using enum rpc::method_kind;
  if (method.client_streaming()) return method.server_streaming() ? bidirectional : client_streaming;
  return method.server_streaming() ? server_streaming : unary;
}

class json_call {
public:
  json_call(client::channel& server, remote_schema& schema, const google::protobuf::MethodDescriptor& method,
            request_lines& lines, const call_options& options)
      : server_(server),
        lines_(lines),
        options_(options),
        name_(method.service()->full_name() + "/" + method.name()),
        kind_(kind_of(method)),
        request_(schema.new_message(*method.input_type())),
        reply_(schema.new_message(*method.output_type())) {}

  rpc::status run(const std::string& json) {
    if (auto wrong = open(json); !wrong.ok()) return wrong;
    const interruption interrupt;
    while (!end_) {
      const bool reads = wants_input();
      const int readable[] = {interrupt.descriptor(), reads ? lines_.descriptor() : -1};
      const auto progress = [&] {
        send_requests();
        return end_ || wants_input() != reads;
      };
      if (server_.drive_until(progress, client::deadline::max(), readable) != client::drive_outcome::readable) continue;
      if (interruption::came())
        give_up({rpc::code::cancelled, "interrupted"});
      else
        lines_.read_some();
    }
    // The call's last frame may be queued, a cancel for example.
    (void)server_.flush(client::within(std::chrono::seconds{1}));
    return *end_;
  }

private:
  rpc::status open(const std::string& json) {
    const client::credit_window window{options_.window};
    const client::open_options opening{
        .credit = window.messages(), .until = options_.until, .metadata = options_.metadata};
    if (rpc::streams_requests(kind_)) {
      call_ = server_.open({name_, kind_}, opening);
    } else {
      if (auto wrong = parse(json); !wrong.ok()) return wrong;
      call_ = server_.open({name_, kind_}, *request_, opening);
      finished_ = true;
    }
    call_.receive(
        reply_, window, [this] { print_reply(); },
        [this](const rpc::status& how) {
          if (!end_) end_ = how;
        });
    return {};
  }

  rpc::status parse(const std::string& json) {
    request_->Clear();
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, request_.get());
    if (parsed.ok()) return {};
    return {rpc::code::invalid_argument, "not a " + request_->GetTypeName() + ": " + std::string(parsed.message())};
  }

  void give_up(rpc::status why) {
    if (!end_) end_ = std::move(why);
    call_.cancel();
  }

  void print_reply() {
    if (end_) return;
    std::string json;
    if (const auto printed = google::protobuf::util::MessageToJsonString(*reply_, &json); !printed.ok())
      return give_up({rpc::code::internal, "a reply cannot be written as JSON: " + std::string(printed.message())});
    if (std::fprintf(stdout, "%s\n", json.c_str()) < 0 || std::fflush(stdout) != 0)
      return give_up({rpc::code::cancelled, "standard output takes no more"});
    if (++printed_ == options_.limit) give_up({});
  }

  bool wants_input() const { return !finished_ && !waiting_ && !lines_.input_ended(); }

  /// Sends the lines that are there, as far as the server has granted credit.
  void send_requests() {
    while (!finished_ && !end_) {
      if (!waiting_) {
        const auto line = lines_.next();
        if (!line) break;
        if (auto wrong = parse(*line); !wrong.ok()) return give_up(std::move(wrong));
        waiting_ = true;
      }
      if (!call_.try_send(*request_)) return;
      waiting_ = false;
    }
    if (finished_ || end_) return;
    if (lines_.too_long()) return give_up({rpc::code::invalid_argument, "a line of the input is too long"});
    if (lines_.ended()) {
      finished_ = true;
      call_.finish();
    }
  }

  client::channel& server_;
  request_lines& lines_;
  const call_options& options_;
  const std::string name_;
  const rpc::method_kind kind_;
  const std::unique_ptr<Message> request_;
  const std::shared_ptr<Message> reply_;
  client::stream call_;
  bool waiting_ = false;   // request_ holds one that has not been sent
  bool finished_ = false;  // nothing more is sent
  std::uint64_t printed_ = 0;
  std::optional<rpc::status> end_;
};

}  // namespace

rpc::status call_with_json(client::channel& server, remote_schema& schema,
                           const google::protobuf::MethodDescriptor& method, const std::string& json,
                           request_lines& lines, const call_options& options) {
  return json_call{server, schema, method, lines, options}.run(json);
}

}  // namespace switchboard::call
