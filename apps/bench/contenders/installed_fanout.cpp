#include "installed_fanout.hpp"

#include "installed.hpp"

#include <utility>

namespace switchboard::bench {

contender<fanout_workload> installed_fanout(std::string program,
                                            std::function<std::vector<std::string>(const net::endpoint&)> options,
                                            std::function<std::unique_ptr<fanout_dialect>()> dialect) {
  const auto path = found_in_path(program);
  return {program, !path.empty(), program, [=](const fanout_workload& workload, std::size_t) {
            const auto at = free_endpoint();
            auto command = options(at);
            command.insert(command.begin(), path);
            auto server = server_process::start(command, at);
            auto load = std::make_unique<fanout_load>(server.address(), dialect(), workload);
            return side{program, std::move(server), std::move(load)};
          }};
}

void message_reader::feed(std::span<const std::byte> chunk, arrivals& into) {
  const std::string_view arrived(reinterpret_cast<const char*>(chunk.data()), chunk.size());
  const auto take_all = [&](std::string_view text) {
    std::size_t taken = 0;
    while (const auto size = take(text.substr(taken), into)) taken += size;
    return taken;
  };
  // Mostly nothing is left over, and then nothing is copied.
  if (partial_.empty()) {
    partial_ = arrived.substr(take_all(arrived));
  } else {
    partial_ += arrived;
    partial_.erase(0, take_all(partial_));
  }
}

std::string_view text_cursor::line() {
  const auto end = text.find("\r\n", position);
  if (end == std::string_view::npos) return {};
  const auto found = text.substr(position, end - position);
  position = end + 2;
  return found;
}

bool text_cursor::bytes(std::size_t count, std::string_view& content) {
  if (text.size() < position + count + 2) return false;
  content = text.substr(position, count);
  position += count + 2;
  return true;
}

}  // namespace switchboard::bench
