#pragma once

/// How tests say what they expect of calls, and how failures read.
///
///     EXPECT_TRUE(ended_with(stream.next(event, until), code::aborted));
///
/// Threads    free functions.

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <switchboard/client/channel.hpp>
#include <switchboard/rpc/status.hpp>

namespace switchboard::rpc {

inline void PrintTo(code value, std::ostream* out) {
  *out << to_string(value);
}
inline void PrintTo(const status& value, std::ostream* out) {
  *out << to_string(value.code) << " \"" << value.message << '"';
}

}  // namespace switchboard::rpc

namespace switchboard::testkit {

/// Whether a call ended with that code; a failure shows its message.
inline testing::AssertionResult has_code(const rpc::status& status, rpc::code expected) {
  if (status.code == expected) return testing::AssertionSuccess();
  return testing::AssertionFailure() << testing::PrintToString(status) << ", not " << to_string(expected);
}

inline testing::AssertionResult is_ok(const rpc::status& status) {
  return has_code(status, rpc::code::ok);
}

inline testing::AssertionResult ended_with(const client::stream_step& step, rpc::code expected) {
  if (step.ended()) return has_code(step.status, expected);
  return testing::AssertionFailure() << (step.timed_out() ? "nothing came" : "a message came")
                                     << " where the stream should have ended";
}

}  // namespace switchboard::testkit
