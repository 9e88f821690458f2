#include <algorithm>
#include <bit>
#include <utility>

#include <switchboard/pump/deadline_wheel.hpp>

namespace switchboard {

deadline_wheel::deadline_wheel(time_point origin, std::uint32_t limit) noexcept : origin_(origin), limit_(limit) {
  first_.fill(no_node);
}

std::uint64_t deadline_wheel::tick_of(time_point at) const noexcept {
  if (at <= origin_) return 0;
  // Rounded up: a deadline never comes early.
  const auto since = at - origin_;
  const auto whole = static_cast<std::uint64_t>(since / tick);
  return std::min(last_tick, whole + (since % tick != duration::zero()));
}

void deadline_wheel::link(index which) noexcept {
  auto& linked = nodes_[which];
  const auto target = tick_of(linked.at);
  if (target <= now_tick_) {
    linked.list = overdue;
  } else {
    // The coarsest group of bits in which the target differs from now: all above it agree, so no level wraps around.
    const auto level =
        (static_cast<unsigned>(std::bit_width((target ^ now_tick_) >> level_bits)) + level_bits - 1) / level_bits;
    const auto slot = static_cast<unsigned>(target >> (level * level_bits)) % slots_per_level;
    linked.list = level * slots_per_level + slot;
    occupied_[level] |= std::uint64_t{1} << slot;
  }
  auto& first = first_[linked.list];
  linked.previous = no_node;
  linked.next = first;
  if (first != no_node) nodes_[first].previous = which;
  first = which;
}

void deadline_wheel::unlink(index which) noexcept {
  const auto& unlinked = nodes_[which];
  if (unlinked.next != no_node) nodes_[unlinked.next].previous = unlinked.previous;
  if (unlinked.previous != no_node) {
    nodes_[unlinked.previous].next = unlinked.next;
  } else {
    first_[unlinked.list] = unlinked.next;
    if (unlinked.next == no_node && unlinked.list != overdue)
      occupied_[unlinked.list / slots_per_level] &= ~(std::uint64_t{1} << (unlinked.list % slots_per_level));
  }
}

caf::strong_actor_ptr deadline_wheel::free(index which) noexcept {
  auto& freed = nodes_[which];
  freed.used = false;
  if (++freed.generation == 0) freed.generation = 1;
  freed.next = first_free_;
  first_free_ = which;
  size_.fetch_sub(1, std::memory_order_relaxed);
  return std::exchange(freed.owner, nullptr);
}

deadline_wheel::scheduled deadline_wheel::schedule(time_point at, caf::strong_actor_ptr owner, std::uint64_t tag) {
  const std::lock_guard guard(lock_);
  if (closed_) return {};
  auto which = first_free_;
  if (which != no_node) {
    first_free_ = nodes_[which].next;
  } else {
    if (nodes_.size() == limit_) return {};
    which = static_cast<index>(nodes_.size());
    nodes_.emplace_back();
  }
  auto& made = nodes_[which];
  made.at = at;
  made.owner = std::move(owner);
  made.tag = tag;
  made.used = true;
  link(which);
  size_.fetch_add(1, std::memory_order_relaxed);
  const auto moment = std::max(made.list == overdue ? at : time_of(tick_of(at)), origin_).time_since_epoch().count();
  const auto is_nearest = moment < nearest_.load(std::memory_order_relaxed);
  // seq_cst here and in nearest(): a thread that parks afterwards sees it, one that is parked already is seen by the
  // caller.
  if (is_nearest) nearest_.store(moment, std::memory_order_seq_cst);
  return {static_cast<deadline_id>(std::uint64_t{made.generation} << 32 | which), is_nearest};
}

bool deadline_wheel::cancel(deadline_id id) noexcept {
  caf::strong_actor_ptr owner;  // released after the lock: the last handle ends an actor, which may cancel deadlines
  const auto which = static_cast<index>(static_cast<std::uint64_t>(id));
  const auto generation = static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32);
  const std::lock_guard guard(lock_);
  if (which >= nodes_.size() || !nodes_[which].used || nodes_[which].generation != generation) return false;
  unlink(which);
  // nearest_ stays: at worst one wait ends for nothing, which is cheaper than searching here.
  owner = free(which);
  return true;
}

bool deadline_wheel::next_step(step& found) const noexcept {
  // A finer level lies wholly within the current slot of every coarser one, so its deadlines come first.
  for (unsigned level = 0; level != levels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto slot = static_cast<unsigned>(std::countr_zero(occupied_[level]));
    const auto shift = level * level_bits;
    const auto above = now_tick_ >> shift >> level_bits << level_bits << shift;
    found = {above | std::uint64_t{slot} << shift, level * slots_per_level + slot};
    return true;
  }
  return false;
}

void deadline_wheel::publish_nearest() noexcept {
  step next{};
  auto moment = none();
  if (first_[overdue] != no_node) {
    moment = origin_;
  } else if (next_step(next)) {
    moment = time_of(next.at);
  }
  nearest_.store(moment.time_since_epoch().count(), std::memory_order_seq_cst);
}

void deadline_wheel::collect(time_point now, std::size_t enough, std::vector<due>& out) {
  const auto first = out.size();
  const auto take_list = [&](unsigned list) {
    for (auto each = first_[list]; each != no_node; each = first_[list]) {
      unlink(each);
      const auto at = nodes_[each].at;
      const auto tag = nodes_[each].tag;
      out.push_back({at, free(each), tag});
    }
  };
  const std::lock_guard guard(lock_);
  // Rounded down, as tick_of() rounds up.
  const auto target = now <= origin_ ? 0 : static_cast<std::uint64_t>((now - origin_) / tick);
  take_list(overdue);
  step next{};
  while (next_step(next) && next.at <= target && out.size() - first < enough) {
    now_tick_ = next.at;
    if (next.list < slots_per_level) {
      take_list(next.list);
      continue;
    }
    for (auto each = first_[next.list]; each != no_node; each = first_[next.list]) {
      unlink(each);
      link(each);
    }
    take_list(overdue);  // those whose tick is the first of the coarser slot
  }
  if (!next_step(next) || next.at > target) now_tick_ = std::max(now_tick_, target);
  publish_nearest();
  std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                   [](const due& a, const due& b) { return a.at < b.at; });
}

void deadline_wheel::close() noexcept {
  std::vector<caf::strong_actor_ptr> owners;  // released after the lock
  const std::lock_guard guard(lock_);
  closed_ = true;
  for (index each = 0; each != nodes_.size(); ++each) {
    if (!nodes_[each].used) continue;
    unlink(each);
    owners.push_back(free(each));
  }
  publish_nearest();
}

}  // namespace switchboard
