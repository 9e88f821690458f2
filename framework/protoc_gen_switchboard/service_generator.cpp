#include "service_generator.hpp"

#include "names.hpp"

#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

namespace switchboard::plugin {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::compiler::GeneratorContext;
using google::protobuf::io::Printer;
using variables = std::map<std::string, std::string>;

/// The three headers of a file: what the methods are, for both sides; what serves them; and what calls them. Neither side
/// compiles the other's. And a source: what needs CAF of those that serve.
constexpr auto methods_ending = ".methods.hpp";
constexpr auto service_ending = ".switchboard.hpp";
constexpr auto client_ending = ".client.hpp";
constexpr auto source_ending = ".switchboard.cpp";

/// The comment of something in the .proto, as lines of `///`.
template <class Descriptor>
void print_comment(Printer& out, const Descriptor& of) {
  google::protobuf::SourceLocation location;
  if (!of.GetSourceLocation(&location)) return;
  std::istringstream lines{location.leading_comments.empty() ? location.trailing_comments : location.leading_comments};
  for (std::string line; std::getline(lines, line);) {
    const auto last = line.find_last_not_of(" \t\r");
    // As a value: a comment may hold what the printer would take for a variable.
    out.Print("///$line$\n", "line",
              last == std::string::npos ? "" : (line[0] == ' ' ? "" : " ") + line.substr(0, last + 1));
  }
}

std::string kind_of(const MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidirectional" : "client_streaming";
  return method.server_streaming() ? "server_streaming" : "unary";
}

/// What a handler of the method may look like, for the message of a check.
std::string forms_of(const variables& names, const MethodDescriptor& method) {
  const auto& function = names.at("function");
  const auto& request = names.at("request");
  const auto& reply = names.at("reply");
  if (method.client_streaming())
    return "void " + function + "(rpc::inbound<" + request +
           ">, rpc::" + (method.server_streaming() ? "outbound<" : "responder<") + reply + ">)";
  if (method.server_streaming()) return "void " + function + "(const " + request + "&, rpc::outbound<" + reply + ">)";
  return reply + " " + function + "(const " + request + "&), or returning rpc::result<" + reply + ">, or void " +
         function + "(const " + request + "&, rpc::responder<" + reply + ">)";
}

variables names_of(const MethodDescriptor& method) {
  const auto& file = *method.file();
  variables names{{"struct", struct_name(*method.service())},
                  {"function", function_name(method.name())},
                  {"full", method.service()->full_name() + "/" + method.name()},
                  {"kind", kind_of(method)},
                  {"request", class_name(*method.input_type(), file)},
                  {"reply", class_name(*method.output_type(), file)}};
  names["forms"] = forms_of(names, method);
  return names;
}

template <class Print>
void for_each_method(const ServiceDescriptor& service, Print&& print) {
  for (int i = 0; i < service.method_count(); ++i) print(*service.method(i), names_of(*service.method(i)));
}

void print_tags(Printer& out, const ServiceDescriptor& service) {
  for_each_method(service, [&](const MethodDescriptor& method, const variables& names) {
    print_comment(out, method);
    out.Print(names,
              "struct $function$ : ::switchboard::rpc::$kind$_method<$request$, $reply$> {\n"
              "  static constexpr std::string_view name = \"$full$\";\n"
              "};\n\n");
  });
}

/// `print` for each method, separated by commas and a new line.
void print_list(Printer& out, const ServiceDescriptor& service, const char* each) {
  bool first = true;
  for_each_method(service, [&](const MethodDescriptor&, const variables& names) {
    out.Print(first ? "" : ",\n");
    out.Print(names, each);
    first = false;
  });
}

void print_interface(Printer& out, const ServiceDescriptor& service) {
  out.Print(
      "/// Every method, in the order of the .proto.\n"
      "using methods = ::switchboard::rpc::method_list<\n");
  out.Indent();
  out.Indent();
  print_list(out, service, "$function$");
  out.Outdent();
  out.Outdent();
  out.Print(
      ">;\n\n"
      "/// The service as an actor: one of this process, a client's (client/actor_stub.hpp), or one of another CAF "
      "node.\n"
      "/// Complete where <caf/typed_actor.hpp> is included.\n"
      "using actor = caf::typed_actor<\n");
  out.Indent();
  out.Indent();
  print_list(out, service, "::switchboard::rpc::signature<$function$>");
  out.Outdent();
  out.Outdent();
  out.Print(">;\n\n");
}

/// What the other two headers define.
void print_declarations(Printer& out, const ServiceDescriptor& service) {
  out.Print(
      "/// The service as Implementation serves it, made in its actor from `arguments` (after the actor, where its\n"
      "/// constructor takes one). A method that is missing, or whose type does not fit, does not compile.\n"
      "/// In <$service$>.\n"
      "template <class Implementation, class... Arguments>\n"
      "static ::switchboard::rpc::service_definition service(Arguments... arguments);\n\n"
      "/// Calls over a channel. In <$client$>.\n"
      "class stub;\n",
      "service", with_ending(*service.file(), service_ending), "client", with_ending(*service.file(), client_ending));
}

/// The checks come before the use, so that the first error a compiler prints is theirs and names the method.
void print_service(Printer& out, const ServiceDescriptor& service) {
  out.Print(
      "template <class Implementation, class... Arguments>\n"
      "::switchboard::rpc::service_definition $struct$::service(Arguments... arguments) {\n",
      "struct", struct_name(service));
  out.Indent();
  for_each_method(service, [&](const MethodDescriptor&, const variables& names) {
    out.Print(names,
              "constexpr bool has_$function$ = requires { &Implementation::$function$; };\n"
              "static_assert(has_$function$,\n"
              "              \"$full$ is not served: the class has no public member function (just one) \"\n"
              "              \"named $function$\");\n"
              "if constexpr (has_$function$)\n"
              "  static_assert(::switchboard::rpc::serves<$function$, decltype(&Implementation::$function$)>,\n"
              "                \"$full$ is not served: $function$ must be \"\n"
              "                \"$forms$; any may take const rpc::metadata& last\");\n\n");
  });
  out.Print("return ::switchboard::rpc::service<Implementation>(std::string(full_name), std::move(arguments)...)");
  for_each_method(service, [&](const MethodDescriptor&, const variables& names) {
    out.Print(names, "\n    .template method<$function$>(&Implementation::$function$)");
  });
  out.Print(";\n");
  out.Outdent();
  out.Print("}\n\n");
}

void print_stub(Printer& out, const ServiceDescriptor& service) {
  out.Print(
      "/// Calls over a channel, which do not block (client/stub.hpp); the channel must outlive the stub.\n"
      "class $struct$::stub {\n"
      "public:\n",
      "struct", struct_name(service));
  out.Indent();
  out.Print("explicit stub(::switchboard::client::channel& over) : channel_(&over) {}\n");
  for_each_method(service, [&](const MethodDescriptor& method, const variables& names) {
    out.Print("\n");
    print_comment(out, method);
    if (method.client_streaming() && method.server_streaming())
      out.Print(names,
                "::switchboard::client::exchange<$request$, $reply$> $function$(\n"
                "    ::switchboard::client::call_options options = {}) {\n"
                "  return ::switchboard::client::exchange_of<$struct$::$function$>(*channel_, std::move(options));\n"
                "}\n");
    else if (method.client_streaming())
      out.Print(names,
                "::switchboard::client::writer<$request$, $reply$> $function$(\n"
                "    ::switchboard::client::call_options options = {}) {\n"
                "  return ::switchboard::client::write<$struct$::$function$>(*channel_, std::move(options));\n"
                "}\n");
    else if (method.server_streaming())
      out.Print(names,
                "::switchboard::client::reader<$reply$> $function$(const $request$& request,\n"
                "    ::switchboard::client::call_options options = {}) {\n"
                "  return ::switchboard::client::read<$struct$::$function$>(*channel_, request, std::move(options));\n"
                "}\n");
    else
      out.Print(names,
                "::switchboard::client::pending_reply<$reply$> $function$(const $request$& request,\n"
                "    ::switchboard::client::deadline until = ::switchboard::client::deadline::max(),\n"
                "    ::switchboard::rpc::metadata metadata = {}) {\n"
                "  return ::switchboard::client::call<$struct$::$function$>(*channel_, request, until, "
                "std::move(metadata));\n"
                "}\n");
  });
  out.Outdent();
  out.Print(
      "\n"
      "private:\n"
      "  ::switchboard::client::channel* channel_;\n"
      "};\n\n");
}

void print_methods(Printer& out, const ServiceDescriptor& service) {
  print_comment(out, service);
  out.Print("struct $struct$ {\n", "struct", struct_name(service));
  out.Indent();
  out.Print("static constexpr std::string_view full_name = \"$name$\";\n\n", "name", service.full_name());
  print_tags(out, service);
  print_interface(out, service);
  print_declarations(out, service);
  out.Outdent();
  out.Print("};\n\n");
}

void print_typed_messages(Printer& out, const ServiceDescriptor& service) {
  const auto space = namespace_of(*service.file());
  for_each_method(service, [&](const MethodDescriptor&, variables names) {
    names["tag"] = (space.empty() ? "" : "::" + space) + "::" + names["struct"] + "::" + names["function"];
    out.Print(names,
              "template void add_typed_messages<$tag$>(\n"
              "    caf::message_handler& to, service_actor* self, void* service,\n"
              "    const erased_handler<$tag$>::type& handler);\n\n");
  });
}

/// One of the files: `head`, and what `print` makes of each service, in the namespace `space`.
void print_file(const FileDescriptor& file, const char* ending, GeneratorContext& context, const char* head,
                void (*print)(Printer&, const ServiceDescriptor&), const std::string& space) {
  const std::unique_ptr<google::protobuf::io::ZeroCopyOutputStream> stream{context.Open(with_ending(file, ending))};
  Printer out{stream.get(), '$'};
  out.Print("// Generated by protoc-gen-switchboard from $file$: changes here are lost.\n\n", "file", file.name());
  out.Print({{"messages", with_ending(file, ".pb.h")}, {"methods", with_ending(file, methods_ending)}}, head);
  if (!space.empty()) out.Print("namespace $space$ {\n\n", "space", space);
  for (int i = 0; i < file.service_count(); ++i) print(out, *file.service(i));
  if (!space.empty()) out.Print("}  // namespace $space$\n", "space", space);
}

/// Empty, or why the services of a file cannot be generated.
std::string refusal(const FileDescriptor& file) {
  for (int i = 0; i < file.service_count(); ++i) {
    const auto& service = *file.service(i);
    if (service.method_count() == 0) return file.name() + ": service " + service.full_name() + " has no method";
    std::map<std::string, std::string> methods;
    for (int m = 0; m < service.method_count(); ++m) {
      const auto& method = service.method(m)->name();
      const auto [other, added] = methods.emplace(function_name(method), method);
      if (!added)
        return file.name() + ": methods " + other->second + " and " + method + " of service " + service.full_name() +
               " would both be called " + other->first;
    }
  }
  return {};
}

}  // namespace

bool service_generator::Generate(const FileDescriptor* file, const std::string& parameter,
                                 google::protobuf::compiler::GeneratorContext* context, std::string* error) const {
  if (!parameter.empty()) {
    *error = "protoc-gen-switchboard takes no options, and was given " + parameter;
    return false;
  }
  if (file->service_count() == 0) return true;
  if (auto why = refusal(*file); !why.empty()) {
    *error = std::move(why);
    return false;
  }
  const auto space = namespace_of(*file);
  print_file(*file, methods_ending, *context,
             "#pragma once\n\n"
             "#include <string_view>\n\n"
             "#include <switchboard/rpc/method.hpp>\n\n"
             "#include <$messages$>\n\n"
             "namespace switchboard::rpc {\n"
             "class service_definition;\n"
             "}\n\n",
             print_methods, space);
  print_file(*file, service_ending, *context,
             "#pragma once\n\n"
             "#include <string>\n"
             "#include <utility>\n\n"
             "#include <switchboard/rpc/service.hpp>\n\n"
             "#include <$methods$>\n\n",
             print_service, space);
  print_file(*file, client_ending, *context,
             "#pragma once\n\n"
             "#include <switchboard/client/stub.hpp>\n"
             "#include <switchboard/rpc/result.hpp>\n\n"
             "#include <$methods$>\n\n",
             print_stub, space);
  print_file(*file, source_ending, *context,
             "#include <switchboard/rpc/typed_messages.hpp>\n\n"
             "#include <$methods$>\n\n",
             print_typed_messages, "switchboard::rpc");
  return true;
}

}  // namespace switchboard::plugin
