#include "../connections.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <switchboard/error/errc.hpp>

namespace switchboard::net {
namespace {

namespace fs = std::filesystem;

class UnixSocket : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "switchboard-net-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder() const { return folder_; }
  fs::path file() const { return folder_ / "s.sock"; }
  endpoint at() const { return endpoint::unix_path(file().string()); }

  /// A socket file as a process that died leaves it.
  void leave_stale_file() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, file().c_str(), sizeof address.sun_path - 1);
    const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(dead, 1), 0);
    ::close(dead);
    ASSERT_TRUE(fs::is_socket(file()));
  }

private:
  fs::path folder_;
};

TEST_F(UnixSocket, CarriesBytesBothWays) {
  const auto through = listen_at(at());
  EXPECT_EQ(through->local(), at());
  const auto [client, server] = make_connection(*through);
  ASSERT_EQ(write(*client, "over").outcome, io_outcome::done);
  EXPECT_EQ(read_exactly(*server, 4), "over");
  ASSERT_EQ(write(*server, "back").outcome, io_outcome::done);
  EXPECT_EQ(read_exactly(*client, 4), "back");
}

/// A read stops after the bytes that came with descriptors.
TEST_F(UnixSocket, ShortReadDoesNotSayThatTheSocketIsDrained) {
  const auto through = listen_at(at());
  const auto [client, server] = make_connection(*through);
  ASSERT_EQ(write(*client, "over").outcome, io_outcome::done);
  ASSERT_TRUE(await(server->handle(), POLLIN));
  std::array<std::byte, 8> chunk;
  const auto got = server->read(chunk);
  EXPECT_EQ(got.bytes, 4u);
  EXPECT_FALSE(got.drained);
  EXPECT_TRUE(server->read(chunk).drained) << "it would block";
}

TEST_F(UnixSocket, ClientHasNoNameAndServerHasItsPath) {
  const auto through = listen_at(at());
  const auto [client, server] = make_connection(*through);
  EXPECT_EQ(client->peer(), at());
  EXPECT_EQ(server->peer(), endpoint::unix_path(""));
}

TEST_F(UnixSocket, FileGoesWithItsListener) {
  auto through = listen_at(at());
  EXPECT_TRUE(fs::is_socket(file()));
  through.reset();
  EXPECT_FALSE(fs::exists(fs::symlink_status(file())));
  EXPECT_TRUE(fs::is_empty(folder())) << "nothing else is left behind";
}

TEST_F(UnixSocket, StaleFileIsReplaced) {
  leave_stale_file();
  const auto through = listen_at(at());
  ASSERT_TRUE(through);
  make_connection(*through);
}

TEST_F(UnixSocket, LiveFileIsNeverReplaced) {
  const auto through = listen_at(at());
  EXPECT_EQ(system_network().listen(at()).error(), errc::address_in_use);
  EXPECT_TRUE(fs::is_socket(file()));
  EXPECT_NE(accept_from(*through), nullptr) << "the probe of the other";
  make_connection(*through);
}

TEST_F(UnixSocket, LiveFileWithAFullBacklogIsNeverReplaced) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, file().c_str(), sizeof address.sun_path - 1);
  const int busy = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(busy, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(busy, 0), 0);
  std::vector<std::unique_ptr<transport>> waiting;
  for (auto more = system_network().connect(at()); more; more = system_network().connect(at()))
    waiting.push_back(std::move(*more));
  ASSERT_FALSE(waiting.empty());
  EXPECT_EQ(system_network().listen(at()).error(), errc::address_in_use);
  EXPECT_TRUE(fs::is_socket(file()));
  ::close(busy);
}

TEST_F(UnixSocket, FileThatIsNoSocketIsNeverReplaced) {
  std::ofstream(file()) << "precious";
  EXPECT_EQ(system_network().listen(at()).error(), errc::address_in_use);
  EXPECT_TRUE(fs::is_regular_file(file()));
}

TEST_F(UnixSocket, LinkIsNeverReplaced) {
  fs::create_symlink(folder() / "elsewhere", file());
  EXPECT_EQ(system_network().listen(at()).error(), errc::address_in_use);
  EXPECT_TRUE(fs::is_symlink(file()));
}

TEST_F(UnixSocket, SuccessorsFileOutlivesTheOldListener) {
  auto old = listen_at(at());
  fs::remove(file());
  const auto successor = listen_at(at());
  old.reset();
  EXPECT_TRUE(fs::is_socket(file()));
  make_connection(*successor);
}

TEST_F(UnixSocket, ForeignFileUnderTheNameOutlivesTheListener) {
  auto through = listen_at(at());
  fs::remove(file());
  std::ofstream(file()) << "somebody else's";
  through.reset();
  EXPECT_TRUE(fs::is_regular_file(file()));
}

TEST_F(UnixSocket, OfManyStartingTogetherOnAStaleFileExactlyOneListens) {
  for (int round = 0; round < 20; ++round) {
    leave_stale_file();
    std::vector<std::unique_ptr<listener>> winners(4);
    std::atomic<int> refused = 0;
    {
      std::vector<std::jthread> starters;
      for (auto& winner : winners)
        starters.emplace_back([&] {
          auto made = system_network().listen(at());
          if (made) {
            winner = std::move(*made);
          } else {
            refused += made.error() == errc::address_in_use;
          }
        });
    }
    EXPECT_EQ(refused, 3);
    for (const auto& winner : winners)
      if (winner) make_connection(*winner);
    winners.clear();
    ASSERT_FALSE(fs::exists(file()));
  }
}

TEST_F(UnixSocket, ConnectWithoutAListenerFailsAtOnce) {
  EXPECT_EQ(system_network().connect(at()).error(), std::errc::no_such_file_or_directory);
  leave_stale_file();
  EXPECT_EQ(system_network().connect(at()).error(), std::errc::connection_refused);
}

TEST_F(UnixSocket, PathTooLongForTheSystemIsNoEndpoint) {
  const auto too_long = endpoint::unix_path("/" + std::string(200, 'x'));
  EXPECT_EQ(system_network().listen(too_long).error(), errc::invalid_endpoint);
  EXPECT_EQ(system_network().connect(too_long).error(), errc::invalid_endpoint);
}

TEST_F(UnixSocket, LongestPathWorks) {
  const auto room = sizeof(sockaddr_un::sun_path) - 1 - folder().string().size() - 1;
  const auto longest = endpoint::unix_path((folder() / std::string(room, 'x')).string());
  const auto through = listen_at(longest);
  ASSERT_TRUE(through);
  make_connection(*through);
}

TEST_F(UnixSocket, FolderThatIsMissingIsASystemError) {
  EXPECT_EQ(system_network().listen(endpoint::unix_path((folder() / "none" / "s").string())).error(),
            std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace switchboard::net
