#include <switchboard/logging/logging.hpp>
#include <switchboard/rooms/sqlite/age_watch.hpp>

namespace switchboard::rooms::sqlite {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

age_watch::age_watch(const sqlite_options& options, milliseconds believed)
    : options_(options), clock_(believed), next_look_(steady_clock::now() + options.age_check_interval) {}

bool age_watch::takes_look(steady_clock::time_point now) noexcept {
  if (now < next_look_) return false;
  next_look_ = now + options_.age_check_interval;
  return true;
}

bool age_watch::takes_note(steady_clock::time_point now) noexcept {
  if (now < next_note_) return false;
  next_note_ = now + options_.age_check_interval;
  return true;
}

std::uint64_t age_watch::time_of_day() const {
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(options_.time_of_day().time_since_epoch()).count());
}

std::uint64_t age_watch::believed() {
  const bool was_in_doubt = clock_.in_doubt();
  const milliseconds day{time_of_day()};
  const auto believed = clock_.time(day, steady_clock::now());
  if (options_.keep.age.count() > 0 && clock_.in_doubt() != was_in_doubt) {
    if (was_in_doubt)
      logging::warn("the clock is believed again: messages are kept by it");
    else
      logging::warn(
          "the clock is {} s ahead of the time that has passed since it was looked at last. Until it agrees, but for "
          "{} h at most, messages are kept by the time before",
          duration_cast<std::chrono::seconds>(day - believed).count(),
          duration_cast<std::chrono::hours>(retention_clock::doubted_for).count());
  }
  return static_cast<std::uint64_t>(believed.count());
}

}  // namespace switchboard::rooms::sqlite
