#pragma once

/// A status as a caf::error and back: how a call between actors fails.
///
/// Why        CAF's error holds an 8-bit code and a category; the status's sentence, and its trailing metadata, go with
///            it as the context.
/// Threads    any.
/// Errors     errors of other categories become statuses: UNAVAILABLE where the actor is gone or gave up, UNIMPLEMENTED
///            where it does not take the message, DEADLINE_EXCEEDED for CAF's timeouts, else INTERNAL; their text is
///            kept.

#include <caf/atom.hpp>
#include <caf/error.hpp>

#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

inline constexpr caf::atom_value status_category = caf::atom("rpc.status");

/// @pre !failure.ok()
caf::error to_error(const status& failure);
status to_status(const caf::error& failure);

}  // namespace switchboard::rpc
