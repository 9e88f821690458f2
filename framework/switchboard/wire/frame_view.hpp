#pragma once

/// A switchboard.v1.Frame read in place: its fields point into the bytes it was decoded from.
/// Threads    a value; valid as long as those bytes are (see frame_decoder::next).

#include <cstdint>
#include <string_view>

#include <switchboard/wire/metadata.hpp>

namespace switchboard::wire {

struct frame_view {
  std::uint64_t call = 0;
  std::string_view method;   ///< empty: not an opening frame
  std::string_view message;  ///< meaningful with has_message
  std::string_view status;   ///< a serialized switchboard.v1.Status; meaningful with has_status
  metadata_view metadata;    ///< meaningful on frames that open a call or end the server's side of one
  std::uint32_t credit = 0;
  std::uint32_t timeout_ms = 0;
  bool has_message = false;
  bool has_status = false;
  bool end = false;
};

}  // namespace switchboard::wire
