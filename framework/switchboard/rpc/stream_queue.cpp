#include <utility>

#include <switchboard/rpc/stream_queue.hpp>

namespace switchboard::rpc {

// Wakers are called without the lock: waking may run, or destroy, what calls back here. A source that is followed is called with
// it, so that calls of the two sides do not overlap; it wakes as well, so it may be released during the call.

waker stream_queue::to_tell_writer() noexcept {
  // A writer that is refused before it has set a waker is notified when it sets one.
  if (!refused_ || !writer_ || !(room() || detached_)) return {};
  refused_ = false;
  return writer_;
}

waker stream_queue::to_tell_reader() noexcept {
  if (!std::exchange(reader_waits_, false)) return {};
  end_awaited_ = false;
  return reader_;
}

bool stream_queue::push(std::string_view message, caf::execution_unit* context) {
  waker reader;
  {
    const std::lock_guard lock{mutex_};
    if (!room()) {
      refused_ = true;
      return false;
    }
    waiting_.push(message);
    reader = to_tell_reader();
  }
  reader.wake(context);
  return true;
}

bool stream_queue::ask_room() {
  const std::lock_guard lock{mutex_};
  refused_ = !room();
  return !refused_;
}

void stream_queue::end_with(status&& how, bool drop_queued, caf::execution_unit* context) {
  waker reader;
  waker writer;
  std::shared_ptr<source> followed;
  {
    const std::lock_guard lock{mutex_};
    if (followed_ && !drop_queued) return;
    // A failure counts even after an orderly end, as long as the reader has not reached that.
    if (finished_ && (!drop_queued || end_given_)) return;
    if (drop_queued) {
      waiting_.clear();
      followed = std::move(followed_);
    }
    finished_ = true;
    how_ = std::move(how);
    const bool tell = std::exchange(reader_waits_, false) || std::exchange(end_awaited_, false);
    end_awaited_ = false;
    if (tell) reader = reader_;
    writer = std::move(writer_);
  }
  if (followed) followed->detach();
  reader.wake(context);
}

void stream_queue::finish(status how, caf::execution_unit* context) {
  end_with(std::move(how), false, context);
}

void stream_queue::fail(status how, caf::execution_unit* context) {
  end_with(std::move(how), true, context);
}

void stream_queue::follow(std::shared_ptr<source> from, caf::execution_unit* context) {
  waker reader;
  bool gone = false;
  {
    const std::lock_guard lock{mutex_};
    gone = detached_ || finished_;
    if (!gone) {
      followed_ = from;
      if (reader_) from->attach(reader_);
      from->granted(static_cast<std::uint32_t>(waiting_.credit()), context);
      reader = to_tell_reader();
    }
  }
  if (gone) from->detach();
  reader.wake(context);
}

void stream_queue::set_writer(waker writer) {
  waker now;
  {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (detached_) {
      now = std::move(writer);
    } else {
      std::swap(writer_, writer);
      now = to_tell_writer();
    }
  }
  now.wake();
}

bool stream_queue::detached() const {
  const std::lock_guard lock{mutex_};
  return detached_;
}

void stream_queue::attach(waker reader) {
  const std::lock_guard lock{mutex_};
  if (const auto followed = followed_) followed->attach(reader);
  reader_ = std::move(reader);
  // A reader that attaches looks next, or is notified of the first thing that comes.
  reader_waits_ = true;
}

source::outcome stream_queue::next(payload& out) {
  waker writer;
  {
    const std::lock_guard lock{mutex_};
    if (waiting_.empty()) {
      if (const auto followed = followed_) return followed->next(out);
      if (finished_) {
        end_given_ = true;
        return outcome::end;
      }
      reader_waits_ = true;
      return outcome::wait;
    }
    out = {waiting_.take(), {}};
    // At half, so that a writer is woken for a burst and not for each message.
    if (waiting_.at_most_half_full()) writer = to_tell_writer();
  }
  writer.wake();
  return outcome::message;
}

status stream_queue::result() const {
  const std::lock_guard lock{mutex_};
  return followed_ ? followed_->result() : how_;
}

bool stream_queue::ended() {
  const std::lock_guard lock{mutex_};
  if (!waiting_.empty()) return false;
  if (const auto followed = followed_) return followed->ended();
  if (finished_) return true;
  end_awaited_ = true;
  return false;
}

void stream_queue::granted(std::uint32_t more, caf::execution_unit* context) {
  waker writer;
  {
    const std::lock_guard lock{mutex_};
    waiting_.grant(more);
    if (const auto followed = followed_) followed->granted(more, context);
    writer = to_tell_writer();
  }
  writer.wake(context);
}

void stream_queue::detach() {
  waker writer;
  waker reader;
  std::shared_ptr<source> followed;
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(detached_, true)) return;
    followed = std::move(followed_);
    waiting_.clear();
    reader = std::move(reader_);
    // Notified even where nothing was refused: the writer may wait for something else before it writes again.
    if (!finished_) writer = std::move(writer_);
    writer_ = {};
  }
  if (followed) followed->detach();
  writer.wake();
}

}  // namespace switchboard::rpc
