#include <array>
#include <chrono>

#include <switchboard/notify/port_backend.hpp>

using namespace switchboard::notify;

// Posts itself a packet: 0 where it comes back.
int main() {
  const auto port = port_backend::all().front().make();
  if (!port || (*port)->post(7, 11)) return 1;
  std::array<packet, 1> packets;
  const auto count = (*port)->wait(packets, std::chrono::seconds(5));
  return count && *count == 1 && packets[0].key == 7 && packets[0].value == 11 ? 0 : 1;
}
