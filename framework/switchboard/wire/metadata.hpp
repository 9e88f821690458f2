#pragma once

/// Metadata of a frame: pairs of a key and bytes, in order; keys may repeat.
///
/// Why        most frames have none, and few receivers read it: metadata_view finds the pairs in the frame's own
///            bytes when asked. metadata owns its pairs, in the form they travel in, so that sending them is a copy.
/// Threads    values. A view, and what it gives, is valid as long as the bytes are.
/// Limits     wire/limits.hpp; metadata::add() takes nothing beyond them.
/// Errors     what breaks a rule has a metadata_fault.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <switchboard/wire/limits.hpp>

namespace switchboard::wire {

struct metadata_pair {
  std::string_view key;
  std::string_view value;

  /// What it counts towards the limit of a frame's bytes of metadata.
  std::size_t cost() const noexcept { return key.size() + value.size() + metadata_pair_overhead; }
};

enum class metadata_fault : unsigned char {
  none,
  malformed_key,  ///< not 1 to 64 bytes of a-z 0-9 - _ .
  reserved_key,   ///< a client's that begins with "switchboard-"
  large_value,    ///< above metadata_value_bytes_max
  many_bytes,     ///< together above metadata_bytes_max
  many_pairs,     ///< above metadata_pairs_max
};
/// A sentence that names the rule, or the limit with its figure.
std::string to_string(metadata_fault fault);

class metadata_view {
public:
  class iterator {
  public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = metadata_pair;
    using difference_type = std::ptrdiff_t;
    using pointer = const metadata_pair*;
    using reference = const metadata_pair&;

    iterator() = default;
    explicit iterator(std::string_view fields) noexcept : rest_(fields) { ++*this; }
    const metadata_pair& operator*() const noexcept { return pair_; }
    const metadata_pair* operator->() const noexcept { return &pair_; }
    iterator& operator++() noexcept;
    iterator operator++(int) noexcept {
      auto before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

  private:
    const char* at_ = nullptr;  // the pair's place; null at the end
    std::string_view rest_;     // the fields after it
    metadata_pair pair_;
  };

  metadata_view() = default;
  /// `fields`: some of a switchboard.v1.Frame's, serialized, as the decoder has found them sound. Those that are no
  /// metadata are passed over.
  explicit metadata_view(std::string_view fields) noexcept : fields_(fields) {}

  bool empty() const noexcept { return fields_.empty(); }
  iterator begin() const noexcept { return empty() ? iterator{} : iterator{fields_}; }
  iterator end() const noexcept { return {}; }

private:
  std::string_view fields_;
};

/// The first rule that a request's metadata breaks, pair by pair.
metadata_fault fault_of_request(const metadata_view& pairs) noexcept;

class metadata {
public:
  metadata() = default;
  /// A copy of the pairs that are within the limits.
  explicit metadata(const metadata_view& pairs) {
    for (const auto& each : pairs) add(each.key, each.value);
  }
  metadata(std::initializer_list<metadata_pair> pairs) {
    for (const auto& each : pairs) add(each.key, each.value);
  }

  /// False: not added, because the key is malformed or a limit would be passed.
  bool add(std::string_view key, std::string_view value);
  /// Pairs that add() did not take.
  std::size_t refused() const noexcept { return refused_; }

  bool empty() const noexcept { return fields_.empty(); }
  std::size_t size() const noexcept { return pairs_; }
  /// What the pairs count towards the limit of a frame's bytes of metadata.
  std::size_t cost() const noexcept { return cost_; }
  /// The first value of `key`.
  std::optional<std::string_view> find(std::string_view key) const noexcept;
  metadata_view::iterator begin() const noexcept { return metadata_view{fields_}.begin(); }
  metadata_view::iterator end() const noexcept { return {}; }
  /// The pairs as fields of a serialized switchboard.v1.Frame.
  std::string_view fields() const noexcept { return fields_; }

  friend bool operator==(const metadata& a, const metadata& b) noexcept { return a.fields_ == b.fields_; }

private:
  std::string fields_;
  std::uint32_t cost_ = 0;
  std::uint16_t pairs_ = 0;
  std::uint16_t refused_ = 0;
};

/// Of `pairs`, those of W3C Trace Context, which calls made on behalf of a call carry on: traceparent and tracestate.
metadata trace_context_of(const metadata_view& pairs);

}  // namespace switchboard::wire
