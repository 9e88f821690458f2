#pragma once

/// Metadata of calls: what a request, or an answer (trailing metadata), says beside its message.
///
///     SayReply say(const SayRequest& request, const rpc::metadata& request_metadata);      // a handler that reads it
///     call.reply(message, rpc::metadata{{"cost", "3"}});                                   // one that adds
///
/// Why        a request's metadata is kept, and charged to its connection's request bytes, only where a handler reads
///            it: for a method whose handler takes it, all pairs; for any other, those of W3C Trace Context, which the
///            calls that the handler makes carry on (rpc/inheritance.hpp).
/// Threads    values.
/// Limits     wire/limits.hpp. add() takes nothing beyond them and says so.
/// Errors     request metadata beyond them ends its call with the status that check() gives; trailing metadata that
///            does not fit is dropped and logged.

#include <memory>

#include <switchboard/wire/metadata.hpp>

namespace switchboard::rpc {

using wire::metadata;
using wire::metadata_pair;
using wire::metadata_view;

struct status;
struct method;

/// Without pairs.
const metadata& no_metadata() noexcept;

/// OK where a request may have these pairs.
status check(const metadata_view& of_request);

/// What a call of `to` keeps of its request's metadata; null where that is nothing.
std::shared_ptr<const metadata> kept_metadata(const metadata_view& of_request, const method& to);

}  // namespace switchboard::rpc
