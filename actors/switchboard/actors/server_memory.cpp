#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include <switchboard/actors/server_memory.hpp>

namespace switchboard::actors {
namespace {

/// Shows what each kind of owner holds.
class memory_figures final : public budget::observer {
public:
  memory_figures(std::size_t total, std::shared_ptr<metrics::registry> in) : registry_(std::move(in)) {
    if (!registry_) return;
    registry_->new_gauge("switchboard_memory_max_bytes", "What may be held in all.").add(total);
    const auto by_owner =
        registry_->gauges("switchboard_memory_bytes", "What is held for clients, by kind of owner.", {"owner"});
    for (std::size_t each = 0; each != budget::owners; ++each)
      held_[each] = by_owner.with({budget::to_string(static_cast<budget::owner>(each))});
  }

  void changed(budget::owner of, std::int64_t bytes) noexcept override {
    held_[static_cast<std::size_t>(of)].add(static_cast<std::uint64_t>(bytes));
  }

private:
  const std::shared_ptr<metrics::registry> registry_;
  std::array<metrics::gauge, budget::owners> held_;
};

struct counted_ledger {
  counted_ledger(std::size_t total, std::shared_ptr<metrics::registry> in)
      : figures(total, std::move(in)), ledger(total, &figures) {}

  memory_figures figures;
  budget::ledger ledger;
};

}  // namespace

std::shared_ptr<budget::ledger> server_memory(std::size_t total, std::shared_ptr<metrics::registry> figures) {
  constexpr auto unbounded = std::numeric_limits<std::size_t>::max() / 2;
  auto made = std::make_shared<counted_ledger>(total == 0 ? unbounded : total, std::move(figures));
  return {made, &made->ledger};
}

}  // namespace switchboard::actors
