#include "remote_schema.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include <switchboard/v1/services.client.hpp>

namespace switchboard::call {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;

/// Drops what is wrong with a described file: protobuf would print it, with whatever bytes the server chose for its names.
class silent_errors final : public google::protobuf::DescriptorPool::ErrorCollector {
public:
  void AddError(const std::string&, const std::string&, const google::protobuf::Message*, ErrorLocation,
                const std::string&) override {}
};

bool ends_with_word(std::string_view name, std::string_view end) {
  return name == end || (name.size() > end.size() && name.substr(name.size() - end.size()) == end &&
                         name[name.size() - end.size() - 1] == '.');
}

/// The messages and enums that a message leads to, each once, in the order they are met.
///
/// Not by recursion: a server may describe a chain of messages as long as it likes.
class needed_types {
public:
  void add(const Descriptor& type) {
    met_.push_back(&type);
    while (!met_.empty()) {
      const auto* outermost = met_.back();
      met_.pop_back();
      // A nested one is printed inside its outermost.
      while (outermost->containing_type()) outermost = outermost->containing_type();
      if (is_protobufs_own(*outermost->file()) || !seen_.insert(outermost).second) continue;
      text_ += "\n" + outermost->DebugString();
      const auto first = static_cast<std::ptrdiff_t>(met_.size());
      add_fields_of(*outermost);
      std::reverse(met_.begin() + first, met_.end());
    }
  }
  const std::string& text() const noexcept { return text_; }

private:
  static bool is_protobufs_own(const google::protobuf::FileDescriptor& file) {
    return file.package() == "google.protobuf";
  }
  void add(const EnumDescriptor& type) {
    if (type.containing_type())
      met_.push_back(type.containing_type());
    else if (!is_protobufs_own(*type.file()) && seen_.insert(&type).second)
      text_ += "\n" + type.DebugString();
  }
  /// Nesting is no deeper than protobuf parses.
  void add_fields_of(const Descriptor& type) {
    for (int i = 0; i < type.field_count(); ++i) {
      if (const auto* message = type.field(i)->message_type()) met_.push_back(message);
      if (const auto* values = type.field(i)->enum_type()) add(*values);
    }
    for (int i = 0; i < type.nested_type_count(); ++i) add_fields_of(*type.nested_type(i));
  }

  std::vector<const Descriptor*> met_;  // not printed yet, the next one last
  std::set<const void*> seen_;
  std::string text_;
};

}  // namespace

rpc::result<std::unique_ptr<remote_schema>> remote_schema::of(client::channel& server, client::deadline until) {
  const auto described = v1::Reflection::stub{server}.describe({}, until).get();
  if (!described) return described.status();
  auto schema = std::make_unique<remote_schema>();
  silent_errors errors;
  for (const auto& file : described->files().file())
    if (!schema->pool_.BuildFileCollectingErrors(file, &errors))
      return rpc::status{rpc::code::internal, "the server describes " + file.name() + " in a way that makes no sense"};
  schema->services_.assign(described->services().begin(), described->services().end());
  std::sort(schema->services_.begin(), schema->services_.end());
  return schema;
}

rpc::result<const google::protobuf::ServiceDescriptor*> remote_schema::service(std::string_view name) const {
  std::vector<std::string> found;
  std::copy_if(services_.begin(), services_.end(), std::back_inserter(found),
               [&](const std::string& each) { return ends_with_word(each, name); });
  if (found.empty()) return rpc::status{rpc::code::not_found, "the server has no service " + std::string(name)};
  if (found.size() > 1)
    return rpc::status{rpc::code::not_found, std::string(name) + " may be " + found[0] + " or " + found[1]};
  const auto* described = pool_.FindServiceByName(found.front());
  if (!described) return rpc::status{rpc::code::internal, "the server does not describe " + found.front()};
  return described;
}

rpc::result<const google::protobuf::MethodDescriptor*> remote_schema::method(std::string_view name) const {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos)
    return rpc::status{rpc::code::not_found, "a method is named SERVICE/METHOD, not " + std::string(name)};
  const auto in = service(name.substr(0, slash));
  if (!in) return in.status();
  const auto* found = (*in)->FindMethodByName(std::string(name.substr(slash + 1)));
  if (!found)
    return rpc::status{rpc::code::not_found,
                       (*in)->full_name() + " has no method " + std::string(name.substr(slash + 1))};
  return found;
}

std::unique_ptr<google::protobuf::Message> remote_schema::new_message(const Descriptor& type) {
  return std::unique_ptr<google::protobuf::Message>{factory_.GetPrototype(&type)->New()};
}

std::string to_proto(const google::protobuf::ServiceDescriptor& service) {
  needed_types needed;
  for (int i = 0; i < service.method_count(); ++i) {
    needed.add(*service.method(i)->input_type());
    needed.add(*service.method(i)->output_type());
  }
  const auto& package = service.file()->package();
  return (package.empty() ? std::string{} : "package " + package + ";\n\n") + service.DebugString() + needed.text();
}

}  // namespace switchboard::call
