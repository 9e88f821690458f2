#include <array>
#include <utility>

#include <switchboard/wire/block_stock.hpp>

namespace switchboard::wire {
namespace {

// Below this a string's own room or a small allocation does as well.
constexpr std::size_t worth_keeping = 64;

struct stock {
  std::array<std::string, blocks_kept> blocks;
  std::size_t count = 0;
};
thread_local stock kept;

}  // namespace

std::string take_block(std::size_t expected) {
  std::string block;
  if (kept.count > 0) block = std::move(kept.blocks[--kept.count]);
  block.reserve(expected);
  return block;
}

void give_back_block(std::string&& block) noexcept {
  if (kept.count == blocks_kept || block.capacity() < worth_keeping || block.capacity() > block_bytes_kept) return;
  block.clear();
  kept.blocks[kept.count++] = std::move(block);
}

}  // namespace switchboard::wire
