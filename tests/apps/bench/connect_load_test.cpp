#include "load/connect_load.hpp"

#include "scripted_server.hpp"

#include <gtest/gtest.h>

#include <switchboard/wire/frame_encoder.hpp>

namespace switchboard::bench {
namespace {

TEST(ConnectLoad, CountsAWrongAnswerAndNotAsAResult) {
  scripted_server server{frames([](const auto& call, std::size_t, std::string& out) {
    wire::append_message(out, call.call, "something else", true);
  })};
  connect_load load{server.address(), {.connections = 2}};
  const auto slice = load.run(std::chrono::nanoseconds(0));
  EXPECT_EQ(slice.wrong, (faults{.corrupted = 2}));
  EXPECT_EQ(slice.results, 0u);
}

}  // namespace
}  // namespace switchboard::bench
