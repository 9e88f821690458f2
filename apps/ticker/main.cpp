#include "ticker_service.hpp"

#include <switchboard/server/server.hpp>

int main(int argc, char** argv) {
  switchboard::server server{"ticker-server", "Ticks once a second.", "127.0.0.1:7780"};
  server.add(
      switchboard::ticker::v1::Ticker::service<switchboard::ticker::ticker_service>(std::chrono::milliseconds{1000}));
  return server.run(argc, argv);
}
