#pragma once

/// A broker that can be killed at any instant and started again on the same directory and address.
/// Threads    one.
/// Owns       the process, which ends with it.

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace switchboard {

class broker_process {
public:
  /// Its rooms are in `directory`/data, it listens on the socket `directory`/socket.
  broker_process(std::string program, std::string directory)
      : program_(std::move(program)), directory_(std::move(directory)) {}
  ~broker_process() { kill(); }
  broker_process(const broker_process&) = delete;
  broker_process& operator=(const broker_process&) = delete;

  /// Whether it has printed its address.
  [[nodiscard]] bool start();
  /// SIGKILL: the process runs no code of its own any more.
  void kill();
  /// SIGTERM; its exit status.
  int stop();

  /// From now on none of its files may grow beyond that, as on a full disk. Without a value: no limit.
  void limit_files(std::optional<std::uint64_t> bytes);

  std::string address() const { return "unix:" + directory_ + "/socket"; }

private:
  const std::string program_;
  const std::string directory_;
  pid_t process_ = -1;
};

}  // namespace switchboard
