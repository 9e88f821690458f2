#include <switchboard/client/connector.hpp>
#include <switchboard/error/invariant.hpp>

namespace switchboard::client {

bool connector::begin(deadline at) {
  if (phase_ != phase::resting || at < wake_at_) return false;
  phase_ = phase::connecting;
  wake_at_ = timeout_ >= deadline::max() - at ? deadline::max() : at + timeout_;
  return true;
}

void connector::connected() {
  SWITCHBOARD_INVARIANT(phase_ == phase::connecting, "a connection was made that nobody had begun");
  phase_ = phase::connected;
  wake_at_ = deadline::max();
}

void connector::proven() {
  if (reconnect_) reconnect_->reset();
}

void connector::lost(deadline at) {
  if (phase_ == phase::ended) return;
  if (!reconnect_) return end();
  phase_ = phase::resting;
  wake_at_ = at + reconnect_->next();
}

void connector::end() {
  phase_ = phase::ended;
  wake_at_ = deadline::max();
}

}  // namespace switchboard::client
