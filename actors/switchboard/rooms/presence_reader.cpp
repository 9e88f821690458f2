#include <switchboard/rooms/presence_reader.hpp>

namespace switchboard::rooms {

bool presence_reader::fetch(std::uint64_t before, std::uint64_t end) {
  before_ = before;
  index_ = 0;
  for (;;) {
    held_ = kept_.before(before, next_, end, held_max);
    more_ = held_.size() == held_max;
    if (held_.empty()) return false;
    const auto last = held_.back().number;
    if (own_ != 0) std::erase_if(held_, [this](const presence_change& each) { return each.membership == own_; });
    if (!held_.empty()) return true;
    next_ = last + 1;
    if (!more_) return false;
  }
}

const presence_change* presence_reader::next(std::uint64_t before) noexcept {
  if (!has_next() || held_[index_].after >= before) return nullptr;
  const auto& event = held_[index_++];
  next_ = event.number + 1;
  return &event;
}

bool presence_reader::takes(std::uint64_t number, std::uint64_t membership) noexcept {
  // What is no longer kept is not given either: how far a reader lags, not where it reads, decides what it misses.
  if (number < next_ || number < kept_.oldest()) return false;
  next_ = number + 1;
  return membership != own_;
}

}  // namespace switchboard::rooms
