#pragma once

/// The four kinds of methods: which of a call's two directions is a stream.
/// Threads    a value.

namespace switchboard::rpc {

enum class method_kind : unsigned char { unary, server_streaming, client_streaming, bidirectional };

constexpr bool streams_requests(method_kind kind) noexcept {
  return kind == method_kind::client_streaming || kind == method_kind::bidirectional;
}
constexpr bool streams_replies(method_kind kind) noexcept {
  return kind == method_kind::server_streaming || kind == method_kind::bidirectional;
}

}  // namespace switchboard::rpc
