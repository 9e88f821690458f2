#include <algorithm>
#include <limits>

#include <switchboard/wire/field_cursor.hpp>
#include <switchboard/wire/metadata.hpp>

namespace switchboard::wire {
namespace {

constexpr std::uint32_t pair_tag = tag_of(9, wire_type::length_delimited);
constexpr std::uint32_t key_tag = tag_of(1, wire_type::length_delimited);
constexpr std::uint32_t value_tag = tag_of(2, wire_type::length_delimited);

constexpr bool is_key_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// The rule that `next` breaks where pairs that cost `cost` come before it, `pairs` of them.
metadata_fault fault_of(const metadata_pair& next, std::size_t pairs, std::size_t cost) noexcept {
  const auto& key = next.key;
  if (key.empty() || key.size() > metadata_key_bytes_max || !std::all_of(key.begin(), key.end(), is_key_character))
    return metadata_fault::malformed_key;
  if (next.value.size() > metadata_value_bytes_max) return metadata_fault::large_value;
  if (pairs == metadata_pairs_max) return metadata_fault::many_pairs;
  if (cost + next.cost() > metadata_bytes_max) return metadata_fault::many_bytes;
  return metadata_fault::none;
}

/// A pair's key and value; of a field that comes twice the last counts.
metadata_pair pair_in(std::string_view bytes) noexcept {
  metadata_pair pair;
  field_cursor from(bytes);
  for (std::uint32_t tag; !from.done() && from.read_tag(tag);) {
    const bool read = tag == key_tag     ? from.read_bytes(pair.key)
                      : tag == value_tag ? from.read_bytes(pair.value)
                                         : from.skip_field(tag, field_cursor::depth_limit);
    if (!read) break;
  }
  return pair;
}

/// Appends `value` as a base-128 varint.
void append_size(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_bytes(std::string& out, std::uint32_t tag, std::string_view bytes) {
  out.push_back(static_cast<char>(tag));
  append_size(out, bytes.size());
  out.append(bytes);
}

}  // namespace

std::string to_string(metadata_fault fault) {
  switch (fault) {
    case metadata_fault::none:
      return "no fault";
    case metadata_fault::malformed_key:
      return "a key of metadata has 1 to " + std::to_string(metadata_key_bytes_max) + " bytes of a-z 0-9 - _ .";
    case metadata_fault::reserved_key:
      return "keys of metadata that begin with " + std::string(metadata_reserved_prefix) + " are the protocol's own";
    case metadata_fault::large_value:
      return "a value of metadata is above " + std::to_string(metadata_value_bytes_max) + " bytes";
    case metadata_fault::many_bytes:
      return "more than " + std::to_string(metadata_bytes_max) + " bytes of metadata";
    case metadata_fault::many_pairs:
      return "more than " + std::to_string(metadata_pairs_max) + " pairs of metadata";
  }
  return "unknown fault";
}

metadata_view::iterator& metadata_view::iterator::operator++() noexcept {
  field_cursor from(rest_);
  std::uint32_t tag;
  while (!from.done()) {
    const char* const begin = from.position();
    if (!from.read_tag(tag)) break;
    std::string_view content;
    if (tag != pair_tag) {
      if (!from.skip_field(tag, field_cursor::depth_limit)) break;
    } else if (from.read_bytes(content)) {
      at_ = begin;
      pair_ = pair_in(content);
      rest_ = from.rest();
      return *this;
    } else {
      break;
    }
  }
  *this = {};
  return *this;
}

metadata_fault fault_of_request(const metadata_view& pairs) noexcept {
  std::size_t count = 0;
  std::size_t cost = 0;
  for (const auto& each : pairs) {
    if (const auto fault = fault_of(each, count, cost); fault != metadata_fault::none) return fault;
    if (each.key.starts_with(metadata_reserved_prefix)) return metadata_fault::reserved_key;
    ++count;
    cost += each.cost();
  }
  return metadata_fault::none;
}

bool metadata::add(std::string_view key, std::string_view value) {
  const metadata_pair added{key, value};
  if (fault_of(added, pairs_, cost_) != metadata_fault::none) {
    if (refused_ < std::numeric_limits<std::uint16_t>::max()) ++refused_;
    return false;
  }
  std::string content;
  append_bytes(content, key_tag, key);
  append_bytes(content, value_tag, value);
  append_bytes(fields_, pair_tag, content);
  cost_ += static_cast<std::uint32_t>(added.cost());
  ++pairs_;
  return true;
}

std::optional<std::string_view> metadata::find(std::string_view key) const noexcept {
  const auto found = std::find_if(begin(), end(), [&](const metadata_pair& each) { return each.key == key; });
  return found == end() ? std::nullopt : std::optional{found->value};
}

metadata trace_context_of(const metadata_view& pairs) {
  metadata kept;
  for (const auto& each : pairs)
    if (each.key == "traceparent" || each.key == "tracestate") kept.add(each.key, each.value);
  return kept;
}

}  // namespace switchboard::wire
