// asio-echo-server THREADS: Echo/Say on Boost.Asio, as its examples write a server: a session object a connection, handlers
// that keep it alive, all threads in one io_context. What switchboard-bench measures as `asio`.

#include "frame_echo.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <thread>
#include <utility>  // which Boost 1.74 uses and does not include
#include <vector>

#include <boost/asio.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using switchboard::bench::frame_echo;

namespace {

class session : public std::enable_shared_from_this<session> {
public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) { socket_.set_option(tcp::no_delay(true)); }

  void read() {
    socket_.async_read_some(asio::buffer(chunk_),
                            [self = shared_from_this()](boost::system::error_code failed, std::size_t size) {
                              if (failed || !self->echo_.take(std::as_bytes(std::span(self->chunk_).first(size))))
                                return;
                              if (self->echo_.unsent().empty())
                                self->read();
                              else
                                self->write();
                            });
  }

private:
  // One operation at a time, so the handlers of a session never run beside one another.
  void write() {
    const auto unsent = echo_.unsent();
    asio::async_write(socket_, asio::buffer(unsent.data(), unsent.size()),
                      [self = shared_from_this()](boost::system::error_code failed, std::size_t size) {
                        if (failed) return;
                        self->echo_.sent(size);
                        self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, 16 * 1024> chunk_;
  frame_echo echo_;
};

void accept(tcp::acceptor& from) {
  from.async_accept([&from](boost::system::error_code failed, tcp::socket socket) {
    if (!failed) std::make_shared<session>(std::move(socket))->read();
    accept(from);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  // With the number of its threads Asio leaves out locks where there is one.
  asio::io_context context(threads);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(acceptor.local_endpoint().port()));
  std::fflush(stdout);
  accept(acceptor);
  std::vector<std::jthread> others;
  for (int each = 1; each < threads; ++each) others.emplace_back([&] { context.run(); });
  context.run();
}
