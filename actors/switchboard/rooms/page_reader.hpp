#pragma once

/// The entries of a log, read a page at a time: one is asked for when the one before is used up, and it has no more entries
/// than its reader has credit for.
/// Threads    one; what ask() is given to call runs on any.
/// Owns       the page it reads, of the size that was asked for.
/// Errors     a page's own status.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/rendezvous.hpp>

namespace switchboard::rooms {

class page_reader {
public:
  static constexpr auto credit_unknown = std::numeric_limits<std::uint64_t>::max();

  /// `reader`: whose turn its pages take (page_request). `credit`: messages that may be drawn, out of pages or not.
  page_reader(std::uint64_t reader, std::uint64_t credit) noexcept : reader_(reader), credit_(credit) {}

  void grant(std::uint64_t more) noexcept { credit_ += std::min(more, credit_unknown - credit_); }
  void spend() noexcept {
    if (credit_ != 0 && credit_ != credit_unknown) --credit_;
  }

  /// Whether a page was asked for and has not been taken.
  bool asked() const noexcept { return asked_ != nullptr; }
  bool answered() const noexcept { return asked_->answered(); }

  /// Asks for a page in the place of the one that is read. `later` is called if it comes after this returns, and has not been
  /// forgotten by then.
  void ask(log& of, page_request wanted, std::function<void()> later) {
    drop();
    asked_ = std::make_shared<rendezvous<log_page>>();
    const std::weak_ptr at = asked_;
    wanted.limit = std::min(wanted.limit, std::max<std::size_t>(credit_, 1));
    wanted.reader = reader_;
    wanted.still_wanted = [at] { return !at.expired(); };
    of.read(std::move(wanted), [at, later = std::move(later)](log_page page) {
      if (const auto to = at.lock(); to && to->answer(std::move(page))) later();
    });
    asked_->go_on();
  }
  /// Reads the page that was asked for. @pre answered()
  log_page& take() {
    page_ = std::exchange(asked_, nullptr)->take();
    return page_;
  }
  /// Drops everything, also a page that is still to come: it is not read if it has not been yet.
  void forget() {
    asked_ = nullptr;
    drop();
  }
  /// The next entry; null where the page has no more.
  const log_entry* next() noexcept { return next_ < page_.entries.size() ? &page_.entries[next_++] : nullptr; }
  void drop() {
    page_ = {};
    next_ = 0;
  }

private:
  const std::uint64_t reader_;
  std::uint64_t credit_;
  std::shared_ptr<rendezvous<log_page>> asked_;
  log_page page_;
  std::size_t next_ = 0;
};

}  // namespace switchboard::rooms
