#include "names.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace switchboard::plugin {
namespace {

bool is_upper(char c) {
  return std::isupper(static_cast<unsigned char>(c)) != 0;
}

/// What the standard reserves, and what the struct of a service holds besides its methods.
bool is_taken(std::string_view name) {
  static constexpr std::array taken{
      "alignas",     "alignof",   "and",        "and_eq",    "asm",      "auto",         "bitand",
      "bitor",       "bool",      "break",      "case",      "catch",    "char",         "char8_t",
      "char16_t",    "char32_t",  "class",      "compl",     "concept",  "const",        "consteval",
      "constexpr",   "constinit", "const_cast", "continue",  "co_await", "co_return",    "co_yield",
      "decltype",    "default",   "delete",     "do",        "double",   "dynamic_cast", "else",
      "enum",        "explicit",  "export",     "extern",    "false",    "float",        "for",
      "friend",      "goto",      "if",         "inline",    "int",      "long",         "mutable",
      "namespace",   "new",       "noexcept",   "not",       "not_eq",   "nullptr",      "operator",
      "or",          "or_eq",     "private",    "protected", "public",   "register",     "reinterpret_cast",
      "requires",    "return",    "short",      "signed",    "sizeof",   "static",       "static_assert",
      "static_cast", "struct",    "switch",     "template",  "this",     "thread_local", "throw",
      "true",        "try",       "typedef",    "typeid",    "typename", "union",        "unsigned",
      "using",       "virtual",   "void",       "volatile",  "wchar_t",  "while",        "xor",
      "xor_eq",      "actor",     "full_name",  "methods",   "service",  "stub"};
  return std::find(taken.begin(), taken.end(), name) != taken.end();
}

std::string escaped(std::string name) {
  if (is_taken(name)) name += '_';
  return name;
}

}  // namespace

std::string function_name(std::string_view method) {
  std::string name;
  for (std::size_t i = 0; i < method.size(); ++i) {
    // A word begins at a capital that follows a small letter or digit, and at the last of several before a small one.
    const bool begins = is_upper(method[i]) && i > 0 && method[i - 1] != '_' &&
                        (!is_upper(method[i - 1]) || (i + 1 < method.size() && !is_upper(method[i + 1]) &&
                                                      std::isalpha(static_cast<unsigned char>(method[i + 1])) != 0));
    if (begins) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(method[i])));
  }
  return escaped(std::move(name));
}

std::string struct_name(const google::protobuf::ServiceDescriptor& service) {
  return escaped(service.name());
}

std::string namespace_of(const google::protobuf::FileDescriptor& file) {
  std::string name;
  for (const char c : file.package()) name += c == '.' ? std::string("::") : std::string(1, c);
  return name;
}

std::string class_name(const google::protobuf::Descriptor& message, const google::protobuf::FileDescriptor& file) {
  // protoc joins the names of nested messages with underscores.
  std::string name = message.name();
  for (const auto* outer = message.containing_type(); outer; outer = outer->containing_type())
    name = outer->name() + "_" + name;
  name = escaped(std::move(name));
  const auto space = namespace_of(*message.file());
  if (message.file()->package() == file.package()) return name;
  return "::" + (space.empty() ? name : space + "::" + name);
}

std::string with_ending(const google::protobuf::FileDescriptor& file, std::string_view ending) {
  const auto& name = file.name();
  return name.substr(0, name.rfind(".proto")) + std::string(ending);
}

}  // namespace switchboard::plugin
