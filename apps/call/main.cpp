// switchboard-call: lists, describes and calls what a Switchboard server serves, with no .proto at hand.

#include "json_call.hpp"

#include <cstdio>
#include <optional>

#include <CLI/CLI.hpp>
#include <signal.h>
#include <unistd.h>

#include <switchboard/text/printable.hpp>
#include <switchboard/v1/services.client.hpp>

namespace {

using namespace switchboard;

enum exit_status : int { succeeded = 0, call_failed = 1, bad_usage = 2, no_connection = 3 };

int fail(exit_status status, const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return status;
}

/// `text` made safe for a terminal: bytes other than printable ASCII become \\xNN.
std::string escaped(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      text += static_cast<char>(byte);
      continue;
    }
    char code[5];
    std::snprintf(code, sizeof code, "\\x%02x", byte);
    text += code;
  }
  return text;
}

int fail(const rpc::status& how) {
  return fail(call_failed, rpc::to_string(how.code) + (how.message.empty() ? "" : ": " + text::printable(how.message)));
}

struct command {
  std::string address;
  std::string service;
  std::string method;
  std::string json;
  std::string token;
  double timeout_seconds = 0;
  call::call_options options;
  std::vector<std::string> metadata;
  bool verbose = false;
  bool list = false;
  bool describe = false;
};

/// The exit status where there is nothing to do any more.
std::optional<int> parse(command& into, int argc, char** argv) {
  CLI::App line{
      "Lists, describes and calls what a Switchboard server serves. Exits with 0, 1 where a call failed (its\n"
      "status is printed), 2 for bad usage, 3 where there is no connection.",
      "switchboard-call"};
  line.add_option("ADDRESS", into.address, "host:port, [ipv6]:port or unix:/path")->required();
  line.add_option("--token", into.token, "authenticate with this first");
  auto* list = line.add_subcommand("list", "Print the names of all services.");
  auto* describe = line.add_subcommand("describe", "Print a service and its messages as they stand in a .proto.");
  describe->add_option("SERVICE", into.service, "full name, or the end of it where that is clear")->required();
  auto* call = line.add_subcommand("call", "Call a method; each reply is printed as one line of JSON.");
  call->add_option("METHOD", into.method, "SERVICE/METHOD")->required();
  call->add_option("JSON", into.json,
                   "the request; - reads it from standard input. Where requests stream they are read from standard\n"
                   "input, one a line");
  call->add_option("--timeout", into.timeout_seconds, "seconds until the call is given up; 0: never")
      ->check(CLI::Range(0.0, 1e6));
  call->add_option("--window", into.options.window, "replies the server may send ahead")->check(CLI::PositiveNumber);
  call->add_option("--limit", into.options.limit, "replies after which the call is cancelled");
  call->add_option("--metadata", into.metadata, "goes with the request; may be given several times")
      ->type_name("KEY:VALUE")
      ->allow_extra_args(false);
  call->add_flag("--verbose", into.verbose, "print the metadata that comes with the answer to standard error");
  line.require_subcommand(1);
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& said) {
    return line.exit(said) == 0 ? succeeded : bad_usage;
  }
  for (const auto& each : into.metadata) {
    const auto colon = each.find(':');
    if (colon == std::string::npos || !into.options.metadata.add(each.substr(0, colon), each.substr(colon + 1)))
      return fail(bad_usage, "--metadata: '" + escaped(each) +
                                 "' is not KEY:VALUE (a key has a-z 0-9 - _ .), or is more than a request may carry");
  }
  into.list = list->parsed();
  into.describe = describe->parsed();
  if (into.timeout_seconds > 0)
    into.options.until = client::within(
        std::chrono::duration_cast<client::clock::duration>(std::chrono::duration<double>{into.timeout_seconds}));
  return std::nullopt;
}

int run(const command& wanted) {
  constexpr auto patience = std::chrono::seconds{10};
  const auto at = net::endpoint::parse(wanted.address);
  if (!at) return fail(bad_usage, wanted.address + " is not an address: host:port, [ipv6]:port or unix:/path");
  auto server = client::channel::connect(*at, client::within(patience));
  if (!server) return fail(no_connection, "cannot connect to " + text::printable(server.status().message));
  if (!wanted.token.empty()) {
    v1::AuthenticateRequest request;
    request.set_token(wanted.token);
    const auto reply = v1::Session::stub{*server}.authenticate(request, client::within(patience)).get();
    if (!reply) return fail(reply.status());
  }
  const auto schema = call::remote_schema::of(*server, client::within(patience));
  if (!schema) return fail(schema.status());
  if (wanted.list) {
    for (const auto& each : (*schema)->services()) std::printf("%s\n", text::printable(each).c_str());
    return succeeded;
  }
  if (wanted.describe) {
    const auto service = (*schema)->service(wanted.service);
    if (!service) return fail(service.status());
    std::printf("%s", text::printable_lines(call::to_proto(**service)).c_str());
    return succeeded;
  }
  const auto method = (*schema)->method(wanted.method);
  if (!method) return fail(method.status());
  call::request_lines lines{STDIN_FILENO};
  auto json = wanted.json.empty() ? std::string{"{}"} : wanted.json;
  if ((*method)->client_streaming()) {
    if (!wanted.json.empty() && wanted.json != "-")
      return fail(bad_usage, wanted.method + " takes a stream of requests: give them on standard input, one a line");
  } else if (json == "-") {
    json.clear();
    while (!lines.input_ended() && !lines.too_long()) lines.read_some();
    while (const auto part = lines.next()) json += *part + "\n";
  }
  const auto how = call::call_with_json(*server, **schema, **method, json, lines, wanted.options);
  if (wanted.verbose)
    for (const auto& each : how.trailing)
      std::fprintf(stderr, "%s: %s\n", escaped(each.key).c_str(), escaped(each.value).c_str());
  return how.ok() ? succeeded : fail(how);
}

}  // namespace

int main(int argc, char** argv) {
  command wanted;
  if (const auto status = parse(wanted, argc, argv)) return *status;
  signal(SIGPIPE, SIG_IGN);
  return run(wanted);
}
