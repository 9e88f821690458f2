#pragma once

/// The entries of a log, read a page at a time: one is asked for when the one before is used up.
/// Threads    one; what ask() is given to call runs on any.
/// Owns       the page it reads, of the size that was asked for.
/// Errors     a page's own status.

#include <functional>
#include <memory>
#include <utility>

#include <switchboard/rooms/log.hpp>
#include <switchboard/rooms/rendezvous.hpp>

namespace switchboard::rooms {

class page_reader {
public:
  /// Whether a page was asked for and has not been taken.
  bool asked() const noexcept { return asked_ != nullptr; }
  bool answered() const noexcept { return asked_->answered(); }

  /// Asks for a page in the place of the one that is read. `later` is called if it comes after this returns.
  void ask(log& of, page_request wanted, std::function<void()> later) {
    drop();
    asked_ = std::make_shared<rendezvous<log_page>>();
    of.read(std::move(wanted), [at = asked_, later = std::move(later)](log_page page) {
      if (at->answer(std::move(page))) later();
    });
    asked_->go_on();
  }
  /// Reads the page that was asked for. @pre answered()
  log_page& take() {
    page_ = std::exchange(asked_, nullptr)->take();
    return page_;
  }
  /// The next entry; null where the page has no more.
  const log_entry* next() noexcept { return next_ < page_.entries.size() ? &page_.entries[next_++] : nullptr; }
  void drop() {
    page_ = {};
    next_ = 0;
  }

private:
  std::shared_ptr<rendezvous<log_page>> asked_;
  log_page page_;
  std::size_t next_ = 0;
};

}  // namespace switchboard::rooms
