#include "summer_service.hpp"

#include <switchboard/server/server.hpp>

int main(int argc, char** argv) {
  switchboard::server server{"summer-server", "Adds up streams of numbers.", "127.0.0.1:7781"};
  server.add(switchboard::summer::v1::Summer::service<switchboard::summer::summer_service>());
  return server.run(argc, argv);
}
