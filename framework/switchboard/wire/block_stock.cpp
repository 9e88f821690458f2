#include <switchboard/wire/block_stock.hpp>
#include <switchboard/wire/thread_stock.hpp>

namespace switchboard::wire {

std::string take_block(std::size_t expected) {
  auto block = thread_stock<std::string>::take();
  if (block.capacity() < expected) block.reserve(expected);
  return block;
}

void give_back_block(std::string&& block) noexcept {
  thread_stock<std::string>::give_back(std::move(block));
}

}  // namespace switchboard::wire
