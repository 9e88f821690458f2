#include "../notification_port_contract.hpp"

#include <windows.h>

#include <switchboard/net/socket_headers.hpp>
#include <switchboard/notify/iocp_port.hpp>

namespace switchboard::notify {
namespace {

std::chrono::nanoseconds cpu_time_of(HANDLE thread) {
  FILETIME created, ended, kernel, user;
  ::GetThreadTimes(thread, &created, &ended, &kernel, &user);
  const auto ticks = [](FILETIME time) { return std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime; };
  return std::chrono::nanoseconds(100 * (ticks(kernel) + ticks(user)));
}

bool await_readable_socket(net::socket_handle socket) {
  WSAPOLLFD state{.fd = static_cast<SOCKET>(socket), .events = POLLRDNORM, .revents = 0};
  return ::WSAPoll(&state, 1, std::chrono::milliseconds(patience).count()) == 1;
}

/// Winsock has no duplicate that another process would not have to take over: the transport is leaked.
net::socket_handle detach_socket(std::unique_ptr<net::transport> from) {
  return from.release()->handle();
}

std::string name_of(const testing::TestParamInfo<backend>& info) {
  return info.param.name;
}

/// The AFD polls everywhere; the system's own notifications where it has them.
std::vector<backend> backends() {
  std::vector<backend> all{{"Afd", make_afd_port, net::system_network, await_readable_socket, detach_socket, patience}};
  if (has_socket_notifications())
    all.push_back({"Iocp", make_iocp_port, net::system_network, await_readable_socket, detach_socket, patience});
  return all;
}

/// Those whose EDGE is the system's.
std::vector<backend> strict_backends() {
  auto all = backends();
  all.erase(all.begin());
  return all;
}

/// Wine 8 forgets why a connection was reset once it has polled it, and keeps a file at its first completion port.
std::vector<backend> backends_on_windows() {
  const bool is_wine = ::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
  return is_wine ? std::vector<backend>{} : backends();
}

const auto every = testing::ValuesIn(backends());

INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortContract, every, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortOnSystemSockets, every, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortIncidents, every, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortDrained, every, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortNames, every, name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortWithStrictEdge, testing::ValuesIn(strict_backends()), name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortExplainingResets, testing::ValuesIn(backends_on_windows()), name_of);
INSTANTIATE_TEST_SUITE_P(Backends, NotificationPortWithMovableListeners, testing::ValuesIn(backends_on_windows()),
                         name_of);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NotificationPortWithStrictEdge);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NotificationPortExplainingResets);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NotificationPortWithMovableListeners);

}  // namespace

std::chrono::nanoseconds cpu_time() {
  return cpu_time_of(::GetCurrentThread());
}

std::uint64_t thread_number() {
  return ::GetCurrentThreadId();
}

/// Windows does not report a thread's state: one that uses no processor for two ticks of its clock sleeps, or waits for one.
bool is_asleep(std::uint64_t thread) {
  const auto handle = ::OpenThread(THREAD_QUERY_INFORMATION, FALSE, static_cast<DWORD>(thread));
  if (handle == nullptr) return false;
  const auto before = cpu_time_of(handle);
  ::Sleep(32);
  const bool has_rested = cpu_time_of(handle) == before;
  ::CloseHandle(handle);
  return has_rested;
}

}  // namespace switchboard::notify
