#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <switchboard/server/descriptor_limit.hpp>
#include <switchboard/server/server_options.hpp>

using namespace switchboard;
using namespace std::chrono_literals;

namespace {

/// One program's command line, with what it wrote.
struct parsed_line {
  explicit parsed_line(std::vector<const char*> arguments, std::size_t* rooms = nullptr) {
    if (rooms != nullptr) {
      line.add_count("--rooms-max", *rooms, "Rooms");
      line.add_check([rooms] { return *rooms == 0 ? std::string("--rooms-max: must be above 0") : std::string(); });
    }
    arguments.insert(arguments.begin(), "a-server");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    status = line.parse(static_cast<int>(arguments.size()), arguments.data());
    output = testing::internal::GetCapturedStdout();
    complaint = testing::internal::GetCapturedStderr();
  }

  server_command_line line{"a-server", "Serves.", "127.0.0.1:7000"};
  std::optional<int> status;
  std::string output;
  std::string complaint;
};

/// Bad usage is one line that holds `reason`, and status 2.
void expect_bad_usage(std::vector<const char*> arguments, const std::string& reason) {
  std::size_t rooms = 1;
  const parsed_line line(arguments, &rooms);
  EXPECT_EQ(line.status, server_command_line::status_bad_usage) << reason;
  EXPECT_EQ(line.output, "");
  EXPECT_NE(line.complaint.find(reason), std::string::npos) << line.complaint;
  EXPECT_EQ(line.complaint.find('\n'), line.complaint.size() - 1) << line.complaint;
}

TEST(ServerOptions, HasADefaultForEverything) {
  const parsed_line parsed({});
  EXPECT_EQ(parsed.status, std::nullopt);
  const auto& options = parsed.line.options();
  ASSERT_EQ(options.listen.size(), 1u);
  EXPECT_EQ(options.listen[0].to_string(), "127.0.0.1:7000");
  EXPECT_GE(options.threads, 1u);
  EXPECT_EQ(options.log_level, logging::level::info);
  EXPECT_EQ(options.limits.link.frame_bytes_max, 1024u * 1024);
  EXPECT_EQ(options.limits.drain_timeout, 3s);
}

TEST(ServerOptions, TakesListenMoreThanOnceInPlaceOfTheDefault) {
  const parsed_line parsed({"--listen", "127.0.0.1:0", "--listen", "unix:/tmp/a socket", "--listen=[::1]:80"});
  EXPECT_EQ(parsed.status, std::nullopt);
  const auto& listen = parsed.line.options().listen;
  ASSERT_EQ(listen.size(), 3u);
  EXPECT_EQ(listen[0].to_string(), "127.0.0.1:0");
  EXPECT_EQ(listen[1].to_string(), "unix:/tmp/a socket");
  EXPECT_EQ(listen[2].to_string(), "[::1]:80");
}

TEST(ServerOptions, TakesEveryLimitByName) {
  const parsed_line parsed({"--threads=3",
                            "--port=io_uring",
                            "--log-level=debug",
                            "--memory-max=256M",
                            "--connection-memory-max=3M",
                            "--frame-bytes-max=64K",
                            "--open-calls-max=5",
                            "--request-bytes-in-flight-max=2M",
                            "--outbound-high-bytes=512K",
                            "--outbound-low-bytes=1000",
                            "--turn-messages-max=7",
                            "--turn-bytes-max=8K",
                            "--drain-timeout=500ms",
                            "--flush-timeout=4s",
                            "--linger=2",
                            "--end-of-stream-flush=1m",
                            "--connections-max=9",
                            "--connections-per-address-max=3",
                            "--handshake-timeout=1s",
                            "--authentication-timeout=2s",
                            "--frame-timeout=3s",
                            "--idle-timeout=4s",
                            "--peer-timeout=5s"});
  EXPECT_EQ(parsed.status, std::nullopt) << parsed.complaint;
  const auto& options = parsed.line.options();
  EXPECT_EQ(options.threads, 3u);
  EXPECT_EQ(options.port->name, "io_uring");
  EXPECT_EQ(options.log_level, logging::level::debug);
  EXPECT_EQ(options.limits.link.frame_bytes_max, 64u * 1024);
  EXPECT_EQ(options.limits.open_calls_max, 5u);
  EXPECT_EQ(options.limits.request_bytes_in_flight_max, 2u * 1024 * 1024);
  EXPECT_EQ(options.limits.link.outbound_high_bytes, 512u * 1024);
  EXPECT_EQ(options.limits.link.outbound_low_bytes, 1000u);
  EXPECT_EQ(options.limits.turn_messages_max, 7u);
  EXPECT_EQ(options.limits.turn_bytes_max, 8u * 1024);
  EXPECT_EQ(options.limits.memory_max, std::size_t{256} << 20);
  EXPECT_EQ(options.limits.connection_memory_max, std::size_t{3} << 20);
  EXPECT_EQ(options.limits.connections_max, 9u);
  EXPECT_EQ(options.limits.connections_per_address_max, 3u);
  EXPECT_EQ(options.limits.link.handshake_timeout, 1s);
  EXPECT_EQ(options.limits.authentication_timeout, 2s);
  EXPECT_EQ(options.limits.link.frame_timeout, 3s);
  EXPECT_EQ(options.limits.idle_timeout, 4s);
  EXPECT_EQ(options.limits.peer_timeout, 5s);
  EXPECT_EQ(options.limits.drain_timeout, 500ms);
  EXPECT_EQ(options.limits.link.flush_timeout, 4s);
  EXPECT_EQ(options.limits.link.linger, 2s);
  EXPECT_EQ(options.limits.link.end_of_stream_flush, 60s);
}

TEST(ServerOptions, TakesAProgramsOwnOptions) {
  std::size_t rooms = 10;
  const parsed_line parsed({"--rooms-max", "25"}, &rooms);
  EXPECT_EQ(parsed.status, std::nullopt);
  EXPECT_EQ(rooms, 25u);
}

TEST(ServerOptions, AnswersBadUsageWithOneLineAndStatusTwo) {
  expect_bad_usage({"--listen", "nowhere"}, "--listen: 'nowhere'");
  expect_bad_usage({"--listen"}, "--listen");
  expect_bad_usage({"--threads", "0"}, "--threads: must be 1 to 1024");
  expect_bad_usage({"--threads", "-1"}, "--threads: '-1' is not a number");
  expect_bad_usage({"--log-level", "loud"}, "--log-level: 'loud'");
  expect_bad_usage({"--port", "kqueue"},
                   "--port: 'kqueue' is not a notification port of this system: epoll or io_uring");
  expect_bad_usage({"--frame-bytes-max", "1Q"}, "--frame-bytes-max: '1Q' is not bytes");
  expect_bad_usage({"--drain-timeout", "soon"}, "--drain-timeout: 'soon' is not a time");
  expect_bad_usage({"--outbound-low-bytes", "2M"}, "low mark must be below the high mark");
  expect_bad_usage({"--frame-bytes-max", "8M"}, "must hold at least one frame");
  expect_bad_usage({"--connection-memory-max", "1M"}, "must hold a request of a frame and its answer");
  expect_bad_usage({"--memory-max", "1M"}, "must hold the requests in flight of two connections");
  expect_bad_usage({"--rooms-max", "0"}, "--rooms-max: must be above 0");
  expect_bad_usage({"--unknown"}, "--unknown");
  expect_bad_usage({"stray"}, "stray");
  expect_bad_usage({"a\nb"}, "a\\x0ab");
}

TEST(ServerOptions, HelpNamesEveryOptionWithItsDefault) {
  std::size_t rooms = 10'000;
  const parsed_line parsed({"--help"}, &rooms);
  EXPECT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.complaint, "");
  for (const char* wanted : {"--listen",
                             "--threads",
                             "--port",
                             "--log-level",
                             "--memory-max",
                             "--connection-memory-max",
                             "--frame-bytes-max",
                             "--open-calls-max",
                             "--request-bytes-in-flight-max",
                             "--outbound-high-bytes",
                             "--outbound-low-bytes",
                             "--turn-messages-max",
                             "--turn-bytes-max",
                             "--drain-timeout",
                             "--flush-timeout",
                             "--linger",
                             "--end-of-stream-flush",
                             "--connections-max",
                             "--connections-per-address-max",
                             "--handshake-timeout",
                             "--authentication-timeout",
                             "--frame-timeout",
                             "--idle-timeout",
                             "--peer-timeout",
                             "--rooms-max",
                             "127.0.0.1:7000",
                             "1M",
                             "256K",
                             "3s",
                             "30s",
                             "10000"})
    EXPECT_NE(parsed.output.find(wanted), std::string::npos) << wanted << " is not in\n" << parsed.output;
}

TEST(ServerOptions, ReadsBytesInPowersOf1024) {
  EXPECT_EQ(parse_bytes("0"), 0u);
  EXPECT_EQ(parse_bytes("1536"), 1536u);
  EXPECT_EQ(parse_bytes("2K"), 2048u);
  EXPECT_EQ(parse_bytes("1G"), 1024u * 1024 * 1024);
  for (const char* bad :
       {"", "K", "1k", "1 K", "-1", "+1", "1.5M", "0x10", "1KB", "99999999999999999999", "99999999999999999G"})
    EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
}

TEST(ServerOptions, ReadsTimesInSecondsUnlessTheyNameAUnit) {
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("3"), 3s);
  EXPECT_EQ(parse_duration("3s"), 3s);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2m"), 120s);
  for (const char* bad : {"", "s", "1h", "-1s", "1 s", "1.5s", "99999999999999999s", "18446744073709551615"})
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
}

TEST(ServerOptions, WritesValuesAsItReadsThem) {
  for (const std::size_t bytes : {0u, 1u, 1000u, 1024u, 1536u, 1024u * 1024, 3u << 30})
    EXPECT_EQ(parse_bytes(to_text(bytes)), bytes) << bytes;
  for (const auto time : {0ms, 1ms, 999ms, 1000ms, 1500ms, 60'000ms}) EXPECT_EQ(parse_duration(to_text(time)), time);
}

TEST(DescriptorLimit, IsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit lowered = before;
  lowered.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lowered), 0);
  const auto raised = raise_descriptor_limit();
  ASSERT_TRUE(raised);
  EXPECT_EQ(*raised, before.rlim_max);
  rlimit now{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, before.rlim_max);
}

}  // namespace
