#include <string>

#include <gtest/gtest.h>

#include <switchboard/rooms/keyed_digest.hpp>

namespace switchboard::rooms {
namespace {

/// Bytes 0, 1, 2, … as the authors' test vectors have them.
std::string counted(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

constexpr digest_key authors_key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(KeyedDigest, IsSipHash24With128Bits) {
  // The first lines of vectors_sip128 in the authors' vectors.h, little-endian.
  EXPECT_EQ(keyed_digest(authors_key, counted(0)), (digest{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(keyed_digest(authors_key, counted(1)), (digest{0x44af996bd8c187da, 0x45fc229b11597634}));
}

TEST(KeyedDigest, DependsOnEachByteTheLengthAndTheKey) {
  const auto text = counted(37);
  const auto of_text = keyed_digest(authors_key, text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto other = text;
    ++other[i];
    EXPECT_NE(keyed_digest(authors_key, other), of_text) << i;
  }
  EXPECT_NE(keyed_digest(authors_key, text + '\0'), of_text);
  EXPECT_NE(keyed_digest({1, 2}, text), of_text);
}

TEST(KeyedDigest, IsTheSameUnderTheProcesssKey) {
  EXPECT_EQ(keyed_digest("id"), keyed_digest("id"));
  EXPECT_NE(keyed_digest("id"), keyed_digest({0, 0}, "id"));
}

}  // namespace
}  // namespace switchboard::rooms
