#pragma once

/// A client in a simulated world that speaks the wire protocol: connects, connects again where its connection breaks,
/// and moves bytes in pieces of any size. What it says and what it makes of what it hears is a derived class's.
///
/// Threads    one.
/// Owns       its connection.

#include <memory>
#include <string>
#include <vector>

#include <switchboard/net/network.hpp>
#include <switchboard/simulated/dice.hpp>
#include <switchboard/simulated/world.hpp>
#include <switchboard/wire/frame_decoder.hpp>

namespace switchboard::simulation {

class wire_client {
public:
  wire_client(simulated::world& world, net::endpoint server, std::string name, std::uint64_t seed);
  virtual ~wire_client() = default;
  wire_client(const wire_client&) = delete;
  wire_client& operator=(const wire_client&) = delete;

  /// Does one thing, if there is any; whether there was.
  bool step();
  bool is_connected() const noexcept { return transport_ != nullptr; }
  void leave() { transport_ = nullptr; }

  /// Whether it has done all it came for.
  virtual bool is_done() const = 0;
  /// How far it has come, for people.
  virtual std::string describe() const = 0;
  const std::string& name() const noexcept { return name_; }
  /// What should not have been, in words.
  const std::vector<std::string>& faults() const noexcept { return faults_; }

protected:
  /// A new connection is there: everything of an earlier one is gone.
  virtual void on_connected() = 0;
  /// Whatever it has to say now goes to output().
  virtual void speak() = 0;
  virtual void on_frame(const wire::frame_view& frame) = 0;

  /// Whole frames, which leave with the next steps.
  std::string& output() noexcept { return output_; }
  simulated::dice& dice() noexcept { return dice_; }
  void fault(const std::string& what) { faults_.push_back(name_ + ": " + what); }

private:
  void connect();
  void disconnect();
  bool write();
  bool read();

  simulated::world& world_;
  const net::endpoint server_;
  const std::string name_;
  simulated::dice dice_;
  std::vector<std::string> faults_;

  std::unique_ptr<net::transport> transport_;
  simulated::world::clock::time_point connect_at_{};
  std::unique_ptr<wire::frame_decoder> decoder_;
  std::string output_;
  std::vector<std::byte> scratch_ = std::vector<std::byte>(4096);
};

}  // namespace switchboard::simulation
