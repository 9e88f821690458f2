#include <memory>

#include <gtest/gtest.h>

#include <switchboard/notify/batch_epochs.hpp>

namespace switchboard::notify {
namespace {

struct counting_sink final : batch_epochs::sink {
  void deliver(packet_list&& events, packet_queue::taker) noexcept override { delivered += events.size(); }
  std::size_t delivered = 0;
};

// A thread takes queued packets first and those of sockets then: two looks, one batch.
TEST(BatchEpochs, WithholdAnEventForABatchThatHadBegunThoughItGrewAfterwards) {
  counting_sink sink;
  const auto epochs = std::make_shared<batch_epochs>(sink);
  auto& self = *epochs->enrol();
  epochs->arrive(self);
  epochs->enter(self);
  epochs->begin_batch(self);
  epochs->withhold(packet_list(1), packet_queue::taker::others);
  epochs->begin_batch(self);
  epochs->leave(self, true);
  epochs->withhold(packet_list(1), packet_queue::taker::others);
  EXPECT_EQ(sink.delivered, 0u);
  epochs->release(self);
  EXPECT_EQ(sink.delivered, 2u);
  epochs->close();
}

}  // namespace
}  // namespace switchboard::notify
