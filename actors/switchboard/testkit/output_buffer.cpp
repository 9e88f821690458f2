#include <utility>

#include <switchboard/testkit/output_buffer.hpp>
#include <switchboard/wire/block_stock.hpp>

namespace switchboard::testkit {
namespace {

/// Written bytes are cut off the front only when that many have gathered: moving the rest costs.
constexpr std::size_t compaction_threshold = 256 * 1024;

}  // namespace

std::string& output_buffer::tail() {
  if (bytes_.empty()) bytes_ = wire::take_block();
  return bytes_;
}

net::io_result output_buffer::write(net::transport& to) {
  net::io_result total{net::io_outcome::done};
  while (!empty() || to.holds_output()) {
    const net::const_buffer piece{bytes_.data() + written_, size()};
    const auto result = to.write({&piece, empty() ? 0u : 1u});
    total.waits_for = result.waits_for;
    if (result.outcome != net::io_outcome::done) {
      total.outcome = result.outcome;
      total.error = result.error;
      break;
    }
    written_ += result.bytes;
    total.bytes += result.bytes;
  }
  if (empty()) {
    clear();
  } else if (written_ >= compaction_threshold) {
    bytes_.erase(0, written_);
    written_ = 0;
  }
  return total;
}

void output_buffer::clear() noexcept {
  // An idle connection keeps no block.
  wire::give_back_block(std::move(bytes_));
  std::string{}.swap(bytes_);
  written_ = 0;
}

}  // namespace switchboard::testkit
