#include "../notification_port_contract.hpp"

#include <fstream>
#include <iterator>

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <switchboard/notify/epoll_port.hpp>
#include <switchboard/notify/io_uring_port.hpp>

namespace switchboard::notify {
namespace {

bool await_readable_socket(net::socket_handle socket) {
  pollfd state{.fd = static_cast<int>(socket), .events = POLLIN, .revents = 0};
  return ::poll(&state, 1, std::chrono::milliseconds(patience).count()) == 1;
}

net::socket_handle detach_socket(std::unique_ptr<net::transport> from) {
  return static_cast<net::socket_handle>(::dup(static_cast<int>(from->handle())));
}

std::string name_of(const testing::TestParamInfo<backend>& info) {
  return info.param.name;
}

const backend epoll_backend{"Epoll",       make_epoll_port, net::system_network, await_readable_socket,
                            detach_socket, patience};
const auto epoll = testing::Values(epoll_backend);
const auto backends = testing::Values(epoll_backend, backend{"IoUring", make_io_uring_port, net::system_network,
                                                             await_readable_socket, detach_socket, patience});

INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortContract, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortWithStrictEdge, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortExplainingResets, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortWithMovableListeners, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortOnSystemSockets, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortIncidents, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortDrained, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortNames, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortOnLinux, backends, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortOnEpoll, epoll, name_of);

}  // namespace

std::chrono::nanoseconds cpu_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::uint64_t thread_number() {
  return static_cast<std::uint64_t>(::gettid());
}

bool is_asleep(std::uint64_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  const auto end_of_name = text.rfind(')');
  return end_of_name != text.npos && text.compare(end_of_name + 2, 1, "S") == 0;
}

}  // namespace switchboard::notify
