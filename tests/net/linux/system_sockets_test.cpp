#include "../connections.hpp"

#include <csignal>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <switchboard/error/errc.hpp>

namespace switchboard::net {
namespace {

/// The process may have no descriptor at or above `first` while this lives.
class descriptors_end_at {
public:
  explicit descriptors_end_at(int first) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit fewer = before_;
    fewer.rlim_cur = static_cast<rlim_t>(first);
    setrlimit(RLIMIT_NOFILE, &fewer);
  }
  ~descriptors_end_at() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

int lowest_free_descriptor() {
  const int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(probe);
  return probe;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

int option(const transport& of, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(number_of(of.handle()), level, name, &value, &size), 0);
  return value;
}

TEST(SystemSockets, ReadSaysWhetherItTookAllThatThereWas) {
  const auto [client, server] = make_connection();
  ASSERT_EQ(write(*client, "12345678").outcome, io_outcome::done);
  ASSERT_TRUE(await(server->handle(), POLLIN));
  std::array<std::byte, 5> chunk;
  EXPECT_FALSE(server->read(chunk).drained) << "the buffer is full";
  EXPECT_TRUE(server->read(chunk).drained) << "three bytes of five";
  EXPECT_TRUE(server->read(chunk).drained) << "it would block";
}

TEST(Listener, AcceptOutOfDescriptorsSaysSoAndKeepsTheConnectionWaiting) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(through->local());
  ASSERT_TRUE(await(through->handle(), POLLIN));
  {
    const descriptors_end_at limit(lowest_free_descriptor());
    EXPECT_EQ(through->accept().error(), errc::out_of_descriptors);
    EXPECT_EQ(through->accept().error(), errc::out_of_descriptors);
  }
  EXPECT_NE(accept_from(*through), nullptr);
}

TEST(Listener, RefusesOutOfDescriptorsWithAFarewell) {
  const auto through = listen_at(any_port());
  std::vector<std::unique_ptr<transport>> clients;
  for (int n = 0; n < 3; ++n) {
    clients.push_back(connect_to(through->local()));
    ASSERT_EQ(write(*clients.back(), "hello, already sent").outcome, io_outcome::done);
  }
  ASSERT_TRUE(await(through->handle(), POLLIN));
  const descriptors_end_at limit(lowest_free_descriptor());
  ASSERT_EQ(through->accept().error(), errc::out_of_descriptors);
  for (const auto& client : clients) {
    EXPECT_TRUE(through->refuse([](transport& to) { EXPECT_EQ(write(to, "full").outcome, io_outcome::done); }));
    EXPECT_EQ(read_exactly(*client, 4), "full");
    ASSERT_TRUE(await(client->handle(), POLLIN));
    EXPECT_EQ(read_one(*client).outcome, io_outcome::end_of_stream);
  }
  EXPECT_FALSE(through->refuse(nullptr));
}

TEST(Listener, DestructionStopsListeningAndLeavesNoDescriptor) {
  const auto before = open_descriptors();
  auto through = listen_at(any_port());
  const auto at = through->local();
  through.reset();
  EXPECT_EQ(open_descriptors(), before);
  const auto client = connect_to(at);
  ASSERT_TRUE(await(client->handle(), POLLOUT));
  EXPECT_EQ(client->pending_error(), std::errc::connection_refused);
}

TEST(Network, AdoptsAConnectionThatAPortAccepted) {
  const auto through = listen_at(any_port());
  const auto client = connect_to(through->local());
  ASSERT_TRUE(await(through->handle(), POLLIN));
  const int accepted = ::accept4(number_of(through->handle()), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  const auto adopted = system_network().adopt(static_cast<socket_handle>(accepted));
  ASSERT_TRUE(adopted);
  EXPECT_EQ((*adopted)->peer().host(), "127.0.0.1");
  ASSERT_EQ(write(**adopted, "x").outcome, io_outcome::done);
  EXPECT_EQ(read_exactly(*client, 1), "x");
}

TEST(Network, ClosesWhatItCannotAdopt) {
  const auto before = open_descriptors();
  const int unconnected = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(system_network().adopt(static_cast<socket_handle>(unconnected)).error(), std::errc::not_connected);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Network, ConnectOutOfDescriptorsSaysSo) {
  const auto through = listen_at(any_port());
  const descriptors_end_at limit(lowest_free_descriptor());
  EXPECT_EQ(system_network().connect(through->local()).error(), errc::out_of_descriptors);
}

TEST(Network, FailuresLeaveNoDescriptorBehind) {
  const auto through = listen_at(any_port());
  const auto before = open_descriptors();
  EXPECT_FALSE(system_network().listen(through->local()));
  EXPECT_FALSE(system_network().listen(endpoint::unix_path("/no/such/folder/x.sock")));
  EXPECT_FALSE(system_network().connect(endpoint::unix_path("/no/such/folder/x.sock")));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Transport, WriteToAPeerThatIsGoneFailsWithoutASignal) {
  struct sigaction fatal {};
  struct sigaction before {};
  fatal.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGPIPE, &fatal, &before), 0);
  auto [client, server] = make_connection();
  ASSERT_EQ(write(*client, "never read").outcome, io_outcome::done);
  ASSERT_TRUE(await(server->handle(), POLLIN));
  server.reset();
  io_result last{};
  do {
    ASSERT_TRUE(await(client->handle(), POLLOUT));
    last = write(*client, "x");
  } while (last.outcome == io_outcome::done);
  EXPECT_EQ(last.outcome, io_outcome::failed);
  EXPECT_TRUE(last.error == std::errc::connection_reset || last.error == std::errc::broken_pipe)
      << last.error.message();
  EXPECT_EQ(write(*client, "x").error, std::errc::broken_pipe);
  sigaction(SIGPIPE, &before, nullptr);
}

/// From now on the system drops every packet for `socket`, as if it were gone.
void lose(const transport& socket) {
  sock_filter drop[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{std::size(drop), drop};
  ASSERT_EQ(setsockopt(number_of(socket.handle()), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
}

TEST(Transport, WaitsForNoAnswerWhereAllIsAcknowledged) {
  auto [client, server] = make_connection();
  EXPECT_FALSE(server->unanswered_for());
  ASSERT_EQ(write(*server, "hi").outcome, io_outcome::done);
  EXPECT_TRUE(becomes_true([&] { return !server->unanswered_for(); }));
}

TEST(Transport, SaysForHowLongAPeerThatIsGoneHasNotAnswered) {
  auto [client, server] = make_connection();
  lose(*client);
  ASSERT_EQ(write(*server, "hi").outcome, io_outcome::done);
  EXPECT_TRUE(becomes_true([&] { return server->unanswered_for() > std::chrono::milliseconds(1'000); }));
}

TEST(Transport, IsAnsweredByAPeerThatLeavesNoRoom) {
  auto [client, server] = make_connection();
  const std::string much(1 << 20, 'x');
  while (write(*server, much).outcome == io_outcome::done) continue;
  // Probes of the closed window: the first after 0.2 s, the third after 1.4 s.
  const auto probed = [&] {
    tcp_info now{};
    socklen_t size = sizeof now;
    return getsockopt(number_of(server->handle()), IPPROTO_TCP, TCP_INFO, &now, &size) == 0 && now.tcpi_backoff >= 3;
  };
  EXPECT_TRUE(becomes_true([&] {
    EXPECT_EQ(server->unanswered_for(), std::chrono::milliseconds(0));
    return probed() || testing::Test::HasFailure();
  }));
}

TEST(Transport, NoticesThatAPeerWithoutRoomIsGone) {
  auto [client, server] = make_connection();
  const std::string much(1 << 20, 'x');
  while (write(*server, much).outcome == io_outcome::done) continue;
  lose(*client);
  EXPECT_TRUE(becomes_true([&] { return server->unanswered_for() > std::chrono::milliseconds(1'000); }));
}

TEST(Transport, EveryTcpSocketHasTheSameOptions) {
  const auto [client, server] = make_connection();
  for (const auto* each : {client.get(), server.get()}) {
    SCOPED_TRACE(each == client.get() ? "connected" : "accepted");
    EXPECT_EQ(option(*each, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(*each, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(*each, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    EXPECT_EQ(option(*each, IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option(*each, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    // It takes a peer that leaves no room for one that is gone, so accepted sockets are without.
    EXPECT_EQ(option(*each, IPPROTO_TCP, TCP_USER_TIMEOUT), each == client.get() ? 60'000 : 0);
    EXPECT_EQ(option(*each, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16 * 1024);
    EXPECT_NE(fcntl(number_of(each->handle()), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(fcntl(number_of(each->handle()), F_GETFD) & FD_CLOEXEC, 0);
  }
}

}  // namespace
}  // namespace switchboard::net
