#include <algorithm>
#include <charconv>

#include <switchboard/error/errc.hpp>
#include <switchboard/net/endpoint.hpp>

namespace switchboard::net {
namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view tcp_scheme = "tcp:";

bool is_host_name(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](unsigned char c) {
    return c <= ' ' || c == 0x7f || c == ':' || c == '/' || c == '[' || c == ']';
  });
}

bool is_ipv6_literal(std::string_view text) {
  const auto scope = text.find('%');
  if (scope != text.npos && !is_host_name(text.substr(scope + 1))) return false;
  const auto digits = text.substr(0, scope);
  constexpr std::string_view alphabet = "0123456789abcdefABCDEF:.";
  return std::ranges::count(digits, ':') >= 2 && digits.find_first_not_of(alphabet) == digits.npos;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc{} && end == text.data() + text.size();
}

/// Four numbers below 256, with dots in between.
bool is_ipv4_literal(std::string_view text) {
  for (int left = 3;; --left) {
    const auto dot = text.find('.');
    std::uint8_t part = 0;
    if (!parse_number(text.substr(0, dot), part)) return false;
    if (left == 0 || dot == text.npos) return left == 0 && dot == text.npos;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

error_or<endpoint> endpoint::parse(std::string_view text) {
  if (text.starts_with(unix_scheme)) {
    const auto path = text.substr(unix_scheme.size());
    // A relative path would name another file after a chdir, and NUL would cut it short.
    if (!path.starts_with('/') || path.find('\0') != path.npos) return errc::invalid_endpoint;
    return unix_path(std::string(path));
  }
  // Unless it is a host of that name.
  if (text.starts_with(tcp_scheme) && text.find(':', tcp_scheme.size()) != text.npos)
    text.remove_prefix(tcp_scheme.size());
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == text.npos || !parse_number(text.substr(colon + 1), port)) return errc::invalid_endpoint;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!is_ipv6_literal(host)) return errc::invalid_endpoint;
  } else if (!is_host_name(host)) {
    return errc::invalid_endpoint;
  }
  return tcp(std::string(host), port);
}

endpoint endpoint::tcp(std::string host, std::uint16_t port) {
  endpoint result;
  result.host_ = std::move(host);
  result.port_ = port;
  return result;
}

endpoint endpoint::unix_path(std::string path) {
  endpoint result;
  result.kind_ = family::local;
  result.host_ = std::move(path);
  return result;
}

bool endpoint::needs_lookup() const noexcept {
  return kind_ == family::tcp && !is_ipv4_literal(host_) && !is_ipv6_literal(host_);
}

std::string endpoint::to_string() const {
  if (kind_ == family::local) return std::string(unix_scheme) + host_;
  const auto port = ':' + std::to_string(port_);
  return host_.find(':') == host_.npos ? host_ + port : '[' + host_ + ']' + port;
}

}  // namespace switchboard::net
