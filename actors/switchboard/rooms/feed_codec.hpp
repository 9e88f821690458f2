#pragma once

/// What a log's readers are sent, in the messages of the service whose log it is.
///
/// Why        order, history and delivery are the framework's, the bytes are the service's.
/// Threads    any; implementations are immutable.
/// Owns       nothing; what is encoded is shared by all who are sent it.
/// Errors     none.

#include <cstdint>
#include <string>
#include <string_view>

#include <switchboard/wire/shared_bytes.hpp>

namespace switchboard::rooms {

/// Why sequences do not come on a stream.
enum class gap_reason : unsigned char { retention, history_limit };

class feed_codec {
public:
  virtual ~feed_codec() = default;

  /// The message of a stored entry (log_store::encoder). `name` is the log's.
  virtual wire::shared_bytes entry(const std::string& name, std::uint64_t sequence, std::string_view body) const = 0;
  /// The message that says that sequences `from` to `to`, both included, will not come.
  virtual wire::shared_bytes gap(const std::string& name, std::uint64_t from, std::uint64_t to,
                                 gap_reason why) const = 0;
  /// The message between history, which ended with `sequence`, and what is live; nothing where there is none such.
  virtual wire::shared_bytes caught_up(const std::string& name, std::uint64_t sequence,
                                       const std::string& log_id) const {
    (void)name, (void)sequence, (void)log_id;
    return {};
  }
};

}  // namespace switchboard::rooms
