#include <bit>
#include <random>

#include <switchboard/rooms/keyed_digest.hpp>

namespace switchboard::rooms {
namespace {

class sip_state {
public:
  explicit sip_state(const digest_key& key) noexcept
      : v0_(key[0] ^ 0x736f6d6570736575),
        v1_(key[1] ^ 0x646f72616e646f6d ^ 0xee),
        v2_(key[0] ^ 0x6c7967656e657261),
        v3_(key[1] ^ 0x7465646279746573) {}

  void take(std::uint64_t word) noexcept {
    v3_ ^= word;
    rounds(2);
    v0_ ^= word;
  }
  digest end() noexcept {
    v2_ ^= 0xee;
    rounds(4);
    const auto low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    rounds(4);
    return {low, v0_ ^ v1_ ^ v2_ ^ v3_};
  }

private:
  void rounds(int count) noexcept {
    for (; count > 0; --count) {
      v0_ += v1_;
      v1_ = std::rotl(v1_, 13) ^ v0_;
      v0_ = std::rotl(v0_, 32);
      v2_ += v3_;
      v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ += v3_;
      v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ += v1_;
      v1_ = std::rotl(v1_, 17) ^ v2_;
      v2_ = std::rotl(v2_, 32);
    }
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

/// Up to eight bytes, the first the least significant, whatever the processor's order.
std::uint64_t word_of(std::string_view bytes) noexcept {
  std::uint64_t word = 0;
  for (auto at = bytes.size(); at-- > 0;) word = word << 8 | static_cast<unsigned char>(bytes[at]);
  return word;
}

}  // namespace

digest keyed_digest(const digest_key& key, std::string_view content) noexcept {
  sip_state state{key};
  const auto length = static_cast<std::uint64_t>(content.size()) << 56;
  for (; content.size() >= 8; content.remove_prefix(8)) state.take(word_of(content.substr(0, 8)));
  state.take(length | word_of(content));
  return state.end();
}

digest keyed_digest(std::string_view content) {
  static const digest_key key = [] {
    std::random_device entropy;
    const auto word = [&] { return std::uint64_t{entropy()} << 32 | entropy(); };
    return digest_key{word(), word()};
  }();
  return keyed_digest(key, content);
}

}  // namespace switchboard::rooms
