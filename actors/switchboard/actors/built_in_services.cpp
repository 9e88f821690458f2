#include <switchboard/actors/built_in_services.hpp>
#include <switchboard/actors/service_directory.hpp>
#include <switchboard/v1/services.pb.h>

namespace switchboard::actors {
namespace {

bool parse(google::protobuf::MessageLite& into, std::string_view bytes) {
  return into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

rpc::status malformed(const google::protobuf::MessageLite& request) {
  return {rpc::code::invalid_argument, "the request is not a " + request.GetTypeName()};
}

/// A method with one reply to one request.
template <class Request, class Reply>
class unary : public built_in_method {
public:
  built_in_answer answer(std::string_view bytes, session& on) const final {
    Request request;
    if (!parse(request, bytes)) return malformed(request);
    auto reply = reply_to(request, on);
    if (!reply) return reply.status();
    return reply->SerializeAsString();
  }

private:
  virtual rpc::result<Reply> reply_to(Request& request, session& on) const = 0;
};

class ping final : public unary<v1::PingRequest, v1::PingReply> {
  rpc::result<v1::PingReply> reply_to(v1::PingRequest& request, session&) const override {
    v1::PingReply reply;
    reply.set_allocated_payload(request.release_payload());
    return reply;
  }
};

class authenticate final : public unary<v1::AuthenticateRequest, v1::AuthenticateReply> {
  bool open_to_all(std::string_view) const override { return true; }
  rpc::result<v1::AuthenticateReply> reply_to(v1::AuthenticateRequest& request, session& on) const override {
    auto identity = on.authenticate(request.token());
    if (!identity) return identity.status();
    v1::AuthenticateReply reply;
    *reply.mutable_identity() = std::move(*identity);
    return reply;
  }
};

class describe final : public built_in_method {
public:
  explicit describe(const service_directory& directory) : directory_(directory) {}

private:
  built_in_answer answer(std::string_view bytes, session&) const override {
    v1::DescribeRequest request;
    if (!parse(request, bytes)) return malformed(request);
    return directory_.description();
  }

  const service_directory& directory_;
};

v1::HealthReply::Serving state_of(const std::string& service, const service_directory& directory, const session& on) {
  if (!directory.serves(service)) return v1::HealthReply::UNKNOWN;
  return on.draining() ? v1::HealthReply::NOT_SERVING : v1::HealthReply::SERVING;
}

/// That the server is there may be asked by anyone, what it serves may not.
bool asks_of_the_whole_server(std::string_view bytes) {
  v1::HealthRequest request;
  return parse(request, bytes) && request.service().empty();
}

class health_check final : public unary<v1::HealthRequest, v1::HealthReply> {
public:
  explicit health_check(const service_directory& directory) : directory_(directory) {}

private:
  bool open_to_all(std::string_view request) const override { return asks_of_the_whole_server(request); }
  rpc::result<v1::HealthReply> reply_to(v1::HealthRequest& request, session& on) const override {
    v1::HealthReply reply;
    reply.set_serving(state_of(request.service(), directory_, on));
    return reply;
  }

  const service_directory& directory_;
};

/// The state of a service, as a stream: the one there is, then each that differs from the one that was drawn before. So
/// a reader without credit misses what was replaced meanwhile.
class serving_states final : public rpc::source {
public:
  serving_states(std::string service, const service_directory& directory, const session& on)
      : service_(std::move(service)), directory_(directory), session_(on) {}

  outcome next(rpc::payload& out) override {
    const auto state = state_of(service_, directory_, session_);
    if (drawn_ && state == reply_.serving()) return outcome::wait;
    drawn_ = true;
    reply_.set_serving(state);
    reply_.SerializeToString(&bytes_);
    out = {bytes_, {}};
    return outcome::message;
  }
  bool ended() override { return false; }

private:
  const std::string service_;
  const service_directory& directory_;
  const session& session_;
  bool drawn_ = false;
  v1::HealthReply reply_;
  std::string bytes_;
};

class health_watch final : public built_in_method {
public:
  explicit health_watch(const service_directory& directory) : directory_(directory) {}

private:
  bool open_to_all(std::string_view request) const override { return asks_of_the_whole_server(request); }
  built_in_answer answer(std::string_view bytes, session& on) const override {
    v1::HealthRequest request;
    if (!parse(request, bytes)) return malformed(request);
    return std::make_shared<serving_states>(request.service(), directory_, on);
  }

  const service_directory& directory_;
};

template <class Request, class Reply>
rpc::method method_named(std::string name, rpc::method_kind kind = rpc::method_kind::unary) {
  return {"switchboard.v1." + std::move(name), kind, &Request::default_instance(), &Reply::default_instance(), {}};
}

}  // namespace

std::vector<built_in_entry> built_in_services(const service_directory& directory) {
  std::vector<built_in_entry> all;
  all.push_back({method_named<v1::HealthRequest, v1::HealthReply>("Health/Check"),
                 {.while_draining = true, .uncounted = true},
                 std::make_unique<health_check>(directory)});
  all.push_back({method_named<v1::HealthRequest, v1::HealthReply>("Health/Watch", rpc::method_kind::server_streaming),
                 {.while_draining = true},
                 std::make_unique<health_watch>(directory)});
  all.push_back({method_named<v1::PingRequest, v1::PingReply>("Session/Ping"),
                 {.while_draining = true, .uncounted = true},
                 std::make_unique<ping>()});
  all.push_back({method_named<v1::AuthenticateRequest, v1::AuthenticateReply>("Session/Authenticate"),
                 {.uncounted = true},
                 std::make_unique<authenticate>()});
  all.push_back({method_named<v1::DescribeRequest, v1::DescribeReply>("Reflection/Describe"),
                 {.uncounted = true},
                 std::make_unique<describe>(directory)});
  return all;
}

}  // namespace switchboard::actors
