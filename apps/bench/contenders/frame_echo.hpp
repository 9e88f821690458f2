#pragma once

/// What a baseline's connection says: each Echo/Say call of a chunk is answered with its own message.
///
/// Threads    one at a time.
/// Owns       the answers that have not left.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <switchboard/wire/frame_decoder.hpp>
#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {

class frame_echo {
public:
  static constexpr std::string_view method = "switchboard.echo.v1.Echo/Say";
  /// Unsent answers above which a connection is not read.
  static constexpr std::size_t unsent_bytes_max = 1024 * 1024;

  /// Answers the frames that have come whole with `chunk`; `each()` is called for every one. False where it is none.
  template <class Each>
  bool take(std::span<const std::byte> chunk, Each&& each) {
    decoder_.feed(chunk);
    wire::frame_view frame;
    for (;;) {
      switch (decoder_.next(frame)) {
        case wire::frame_decoder::outcome::need_more:
          return true;
        case wire::frame_decoder::outcome::failed:
          return false;
        case wire::frame_decoder::outcome::frame:
          if (frame.method != method) return false;
          each();
          // SayRequest and SayReply have the same fields.
          wire::append_message(output_, frame.call, frame.message, true);
      }
    }
  }
  bool take(std::span<const std::byte> chunk) {
    return take(chunk, [] {});
  }

  std::string_view unsent() const noexcept { return std::string_view(output_).substr(sent_); }
  void sent(std::size_t bytes) {
    sent_ += bytes;
    if (sent_ == output_.size() || sent_ >= unsent_bytes_max) {
      output_.erase(0, sent_);
      sent_ = 0;
    }
  }

private:
  wire::frame_decoder decoder_;
  std::string output_;
  std::size_t sent_ = 0;  // of output_; forgotten when all is, or too much
};

}  // namespace switchboard::bench
