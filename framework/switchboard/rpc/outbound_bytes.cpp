#include <switchboard/error/invariant.hpp>
#include <switchboard/rpc/outbound_bytes.hpp>
#include <switchboard/rpc/stream_end.hpp>

namespace switchboard::rpc {
namespace {

class writer_end final : public stream_end {
public:
  explicit writer_end(std::function<void()> ready) : ready_(std::move(ready)) {}
  void turn(caf::execution_unit*) override {
    // A copy is called, since the function may replace `ready_`.
    auto ready = ready_;
    if (ready) ready();
  }
  void drop() noexcept override { ready_ = nullptr; }

private:
  std::function<void()> ready_;
};

}  // namespace

outbound_bytes::outbound_bytes() noexcept = default;
outbound_bytes::outbound_bytes(call_handle call) : context_(call.context()), call_(std::move(call)) {}
outbound_bytes::outbound_bytes(std::shared_ptr<stream_queue> to) noexcept : queue_(std::move(to)) {}
outbound_bytes::outbound_bytes(outbound_bytes&&) noexcept = default;

outbound_bytes& outbound_bytes::operator=(outbound_bytes&& other) noexcept {
  if (this != &other) {
    abandon();
    context_ = std::move(other.context_);
    call_ = std::move(other.call_);
    queue_ = std::move(other.queue_);
  }
  return *this;
}

outbound_bytes::~outbound_bytes() {
  abandon();
}

void outbound_bytes::watch(actor_ref who) {
  if (call_) call_.watch(std::move(who));
}

void outbound_bytes::on_ready(caf::local_actor* self, std::function<void()> ready) {
  open();
  queue_->set_writer(detail::waker_of(self, std::make_shared<writer_end>(std::move(ready))));
}

void outbound_bytes::on_ready(std::function<void()> ready) {
  on_ready(detail::running_actor(), std::move(ready));
}

bool outbound_bytes::ended() const {
  return queue_ ? queue_->detached() : !call_;
}

void outbound_bytes::finish() {
  end_with({});
}

void outbound_bytes::finish(metadata trailing) {
  end_with({code::ok, {}, std::move(trailing)});
}

void outbound_bytes::fail(status why) {
  end_with(std::move(why));
}

void outbound_bytes::fail(code why, std::string text) {
  end_with({why, std::move(text)});
}

void outbound_bytes::follow(std::shared_ptr<source> from) {
  if (call_)
    call_.stream_from(std::move(from));
  else
    std::exchange(queue_, nullptr)->follow(std::move(from), current_context());
}

bool outbound_bytes::ask_room() {
  open();
  return queue_->ask_room();
}

bool outbound_bytes::push(std::string_view message) {
  return queue_->push(message, current_context());
}

void outbound_bytes::open() {
  if (queue_) return;
  SWITCHBOARD_INVARIANT(call_, "a stream was written after its end");
  auto queue = std::make_shared<stream_queue>(call_.credit());
  queue_ = queue;
  call_.stream_from(std::move(queue));
}

void outbound_bytes::end_with(status how) {
  if (queue_)
    std::exchange(queue_, nullptr)->finish(std::move(how), current_context());
  else if (how.ok())
    open(), end_with(std::move(how));
  else
    call_.fail(std::move(how));
}

void outbound_bytes::abandon() noexcept {
  if (queue_) end_with(abandoned_status());
}

}  // namespace switchboard::rpc
